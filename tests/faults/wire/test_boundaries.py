"""The connection to PostgreSQL is cut before and after every message of every call that writes.

The call is made again with its request id: what really happened is what is told.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.faults.wire.acts import ACTS
from tests.faults.wire.running import Report, choose, measure, run
from tests.faults.wire.world import World

SEED = os.environ.get("CONCORD_FAULT_SEED", "wire")
# Of both sides of each message, for a moment and until healed: one in so many in `make test`.
EVERY = 32


@pytest.mark.parametrize("rpc", ACTS)
def test_what_is_told_is_what_happened_at_some_boundaries(world: World, rpc: str) -> None:
    act = ACTS[rpc]
    uncut = measure(world, act)

    report = run(world, act, uncut, choose(uncut.boundaries, EVERY, f"{SEED} {rpc}"))

    print(f"seed {SEED}: {report}")  # noqa: T201  # told where it fails


@pytest.fixture(scope="module")
def reports(request: pytest.FixtureRequest) -> Iterator[list[Report]]:
    """What came of each call; summed up in the end, whether anything failed or not."""
    found: list[Report] = []
    yield found
    if found:
        cut, of = sum(each.cut for each in found), sum(each.boundaries for each in found)
        capture = request.config.pluginmanager.getplugin("capturemanager")
        assert capture is not None
        with capture.global_and_fixture_disabled():
            lines = "\n".join(map(str, found))
            print(f"\n{lines}\n{cut} of {of} boundaries of {len(found)} RPCs")  # noqa: T201  # a report


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("rpc", ACTS)
def test_what_is_told_is_what_happened_at_every_boundary(
    world: World, reports: list[Report], rpc: str
) -> None:
    act = ACTS[rpc]
    uncut = measure(world, act)

    reports.append(run(world, act, uncut, uncut.boundaries))

    assert reports[-1].cut == reports[-1].boundaries
