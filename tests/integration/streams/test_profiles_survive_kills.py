"""Customers become one, and two again, while workers and the broker die: profiles stay exact."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import pytest

from clients.sdk import Concord, Identity
from tests.faults.chaos.children import until
from tests.integration.streams.stack import Stack, stack
from tests.system.traffic import Traffic, traffic

FLOWS_WITHIN_S: Final = 120.0
# Before each kill: traffic, not its first trickle.
RECEIPTS_MIN: Final = 100
MERGES: Final = 20
# A decision waits for the clockwork, which waits for a processor.
PATIENCE_S: Final = 120.0

pytestmark = [pytest.mark.long, pytest.mark.timeout(1_800)]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Stack]:
    with stack(tmp_path) as made:
        yield made


def join_and_part(running: Stack) -> None:
    """Make customers one by hand, and every second pair two again."""
    lin = Identity(actor="lin", role="operator")
    with Concord(running.service_address, identity=lin, timeout_s=PATIENCE_S) as concord:
        names = [each.name for each in islice(concord.customers.list(), 2 * MERGES)]
        for number, pair in enumerate(zip(names[::2], names[1::2], strict=False)):
            merge = concord.customers.merge(*pair, "they called us")
            if number % 2:
                concord.customers.undo(merge.name, "they did not")


def flows(sending: Traffic) -> None:
    sent = sending.tally.sent
    until(lambda: sending.tally.sent > sent + RECEIPTS_MIN, "traffic flows", FLOWS_WITHIN_S)


def test_profiles_are_what_the_orders_say_whoever_dies(running: Stack) -> None:
    seed = int(time.time())
    print(f"seed {seed}")  # noqa: T201  # To run it again.

    with traffic(running.service_address, seed) as sending:
        running.add_workers("a", "b")
        flows(sending)
        join_and_part(running)
        running.lose_worker()
        running.add_workers("c")
        flows(sending)
        running.lose_broker()
        join_and_part(running)
        flows(sending)
        sending.stop()
    running.until_drained()

    verified = running.verified("customer")
    assert (verified["code"], verified.get("differenceCount")) == (0, "0"), verified
    assert int(verified["customers"]) > MERGES
    kept = running.rows("SELECT count(*) FROM profile_events")
    assert kept[0][0] > MERGES
