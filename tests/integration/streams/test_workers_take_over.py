"""A worker of two, then one of four is killed: its partitions move, and boards stay right."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.chaos.children import until
from tests.integration.streams.stack import Stack, stack
from tests.invariants import assert_clean
from tests.system.traffic import Traffic, traffic

# What is promised of a worker that dies: 6 s until the broker misses it, the rest to join anew.
MOVED_WITHIN_S = 30.0
FLOWS_WITHIN_S = 120.0
# Before each kill: traffic, not its first trickle.
RECEIPTS_MIN = 100

pytestmark = [pytest.mark.long, pytest.mark.timeout(1_800)]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Stack]:
    with stack(tmp_path) as made:
        yield made


def lose_one_under(running: Stack, sending: Traffic) -> None:
    """Kill a worker while receipts come; others must take what comes to any partition then."""
    sent = sending.tally.sent
    until(lambda: sending.tally.sent > sent + RECEIPTS_MIN, "traffic flows", FLOWS_WITHIN_S)
    # What is promised is promised of a group at work; on a fresh broker one may start twice.
    so_far = running.ends()
    until(lambda: running.has_committed(so_far), "every worker works", FLOWS_WITHIN_S)
    running.lose_worker()
    killed_at = time.monotonic()
    before = running.ends()

    def has_news() -> bool:
        return all(end > before[place] for place, end in running.ends().items())

    until(has_news, "every partition has records that the dead one cannot have had", MOVED_WITHIN_S)
    ends = running.ends()
    left_s = MOVED_WITHIN_S - (time.monotonic() - killed_at)
    until(lambda: running.has_committed(ends), "others work on every partition", left_s)


def test_partitions_of_a_killed_worker_move_and_insights_verify_is_clean(running: Stack) -> None:
    seed = int(time.time())
    print(f"seed {seed}")  # noqa: T201  # To run it again.

    with traffic(running.service_address, seed) as sending:
        running.add_workers("a", "b")
        lose_one_under(running, sending)
        running.add_workers("c", "d", "e")
        lose_one_under(running, sending)
        sending.stop()
    running.until_drained()
    ends = running.ends()
    until(lambda: running.has_committed(ends), "everything is committed", FLOWS_WITHIN_S)

    verified = running.verified()
    assert (verified["code"], verified.get("differenceCount")) == (0, "0"), verified
    assert int(verified["windows"]) > 0
    people = running.verified("customer")
    assert (people["code"], people.get("differenceCount")) == (0, "0"), people
    assert int(people["customers"]) > 0
    assert_clean(running.servers.database_url)
