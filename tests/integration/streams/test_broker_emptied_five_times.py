"""The broker is emptied five times: what has no outcome comes again, and boards stay right.

Receipts are made to wait: when the broker goes, workers stand still, and what was published has
no outcome. It is gone with its topic, and only the service can tell the workers of it again.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.application.outbox import Stream
from service.kafka.topics import NAMES
from tests.faults.chaos.children import until
from tests.integration.streams.stack import DONE_WITHIN_S, Stack, stack
from tests.invariants import assert_clean
from tests.system.topics import read_all
from tests.system.traffic import Traffic, traffic

LOSSES = 5
# So many receipts wait at least, each time.
WAITING_MIN = 20
WAITING_WITHIN_S = 120.0

UNDECIDED = "SELECT receipt_id FROM receipts WHERE outcome IS NULL"
# What waits to be published is in the outbox; what was may have left it.
PUBLISHED = (
    "SELECT receipt_id FROM receipts WHERE outcome IS NULL AND NOT EXISTS (SELECT FROM outbox"
    " WHERE topic = %s AND headers->>'ce_id' = receipt_id AND published_at IS NULL)"
)

pytestmark = [pytest.mark.long, pytest.mark.timeout(1_800)]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Stack]:
    with stack(tmp_path) as made:
        made.add_workers("worker")
        yield made


def found(running: Stack, query: str, *parameters: str) -> set[str]:
    return {row[0] for row in running.rows(query, parameters)}


def published(running: Stack) -> set[str]:
    """Return the receipts that were published, and have no outcome."""
    return found(running, PUBLISHED, NAMES[Stream.RECEIPTS])


def lose_broker_under(running: Stack, sending: Traffic) -> set[str]:
    """Empty the broker while receipts wait; return them, once a new life has begun."""
    lives = running.epoch()
    with running.workers_paused():
        older = found(running, UNDECIDED)
        until(
            lambda: len(published(running) - older) >= WAITING_MIN,
            "receipts wait that no worker has seen",
            WAITING_WITHIN_S,
        )
        without = older | published(running)
        sent = sending.tally.sent
        running.lose_broker()
        # Workers that went on sooner might still decide on what they had read in the old life.
        until(lambda: running.epoch() > lives, "a new life of the broker", DONE_WITHIN_S)
        # Calls that were under way when workers stopped are answered all the same.
        without &= found(running, UNDECIDED)
    assert len(without) >= WAITING_MIN
    assert running.epoch() == lives + 1
    until(lambda: sending.tally.sent > sent, "traffic goes on", WAITING_WITHIN_S)
    return without


def check_came_again(running: Stack, without: set[str]) -> None:
    """Assert that each came in this life of the broker, and got its outcome."""
    undecided = "SELECT 1 FROM receipts WHERE outcome IS NULL AND receipt_id = ANY(%s)"
    until(lambda: not running.rows(undecided, [list(without)]), "all are decided", DONE_WITHIN_S)
    life = str(running.epoch())
    came = {
        record.header("ce_id")
        for record in read_all(running.servers.kafka_bootstrap)
        if record.topic == NAMES[Stream.RECEIPTS] and record.header("concord-epoch") == life
    }
    assert without <= came, f"{len(without - came)} of {len(without)} did not come again"


def test_what_has_no_outcome_comes_again_after_each_of_five_losses(running: Stack) -> None:
    seed = int(time.time())
    print(f"seed {seed}")  # noqa: T201  # To run it again.

    with traffic(running.service_address, seed) as sending:
        for _ in range(LOSSES):
            check_came_again(running, lose_broker_under(running, sending))
        sending.stop()
    running.until_drained()

    assert running.epoch() == 1 + LOSSES
    decided = {
        f"receipts/{row[0]}"
        for row in running.rows("SELECT receipt_id FROM receipts WHERE outcome IS NOT NULL")
    }
    assert sending.acknowledged <= decided
    check_last_life_tells_all(running)
    verified = running.verified()
    assert (verified["code"], verified.get("differenceCount")) == (0, "0"), verified
    assert int(verified["windows"]) > 0
    assert_clean(running.servers.database_url)


def check_last_life_tells_all(running: Stack) -> None:
    """Assert that each order's history is on the topic whole, in its order."""
    applied: dict[str, int] = defaultdict(int)
    for record in read_all(running.servers.kafka_bootstrap):
        if record.topic == NAMES[Stream.ORDERS] and record.key is not None:
            key = record.key.decode().removeprefix("orders/")
            number = int(record.header("concord-n"))
            assert number <= applied[key] + 1, f"a gap before {key} {number}"
            applied[key] = max(applied[key], number)
    journal = running.rows("SELECT order_id, max(sequence) FROM journal GROUP BY order_id")
    assert applied == dict(journal)
