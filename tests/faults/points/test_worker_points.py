"""A worker fails at each of its failpoints: nothing is acknowledged, and the chunk comes again."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from streams.agents import intake
from streams.config import ConfigError, Settings
from streams.decoding import receipt_record
from streams.failpoints import FailpointError, armed
from streams.guard import EXIT_DEFECT, Guard
from streams.worker import Worker
from tests.faults.points.places import BY_WORKER
from tests.unit.streams.fakes import DiedError, a_worker, record
from tests.unit.streams.test_agents import receipt
from tests.unit.streams.test_config import GOOD
from tests.unit.streams.test_guard import stream


async def take(worker: Worker, *chunks: Any) -> None:  # noqa: ANN401  # Faust's
    """Let the guard of intake take chunks."""
    guard = Guard(worker, intake.AGENT, receipt_record, partial(intake.weigh, worker))
    await guard.run(stream(*chunks))


def told(worker: Worker) -> list[str]:
    """Return the receipts of which the service was told."""
    return [each.receipt for call in worker.service.applied for each in call]  # type: ignore[attr-defined]  # a fake


@pytest.mark.parametrize("point", BY_WORKER)
async def test_a_worker_that_fails_takes_its_chunk_again(point: str) -> None:
    chunk, following = [record(receipt(1), 1), record(receipt(2), 2)], [record(receipt(3), 3)]
    failing, fresh = a_worker(), a_worker()
    failing.settings.failpoints.arm(point, _fail)

    with pytest.raises(DiedError) as died:
        await take(failing, chunk, following)
    await take(fresh, chunk, following)

    assert died.value.args == (EXIT_DEFECT,)
    # Behind a chunk that failed nothing is taken: its offset would acknowledge that one, too.
    assert "receipts/3" not in told(failing)
    assert sorted(told(fresh)) == ["receipts/1", "receipts/2", "receipts/3"]


def test_a_place_fails_at_the_visit_that_was_named() -> None:
    failpoints = armed("a=raise@2")

    failpoints.reach("a")
    failpoints.reach("b")
    with pytest.raises(FailpointError):
        failpoints.reach("a")
    failpoints.reach("a")


def test_a_worker_that_is_to_fail_on_purpose_does_not_start_by_mistake() -> None:
    given = {**GOOD, "CONCORD_FAILPOINTS": "intake:after_apply=kill"}

    with pytest.raises(ConfigError, match="CONCORD_FAILPOINTS_UNSAFE"):
        Settings.from_env(given)
    with pytest.raises(ConfigError, match="NAME=ACTION"):
        Settings.from_env({**given, "CONCORD_FAILPOINTS": "x=burn"})

    assert Settings.from_env({**given, "CONCORD_FAILPOINTS_UNSAFE": "yes"}).failpoints.is_armed
    assert not Settings.from_env(GOOD).failpoints.is_armed


def _fail() -> None:
    raise FailpointError
