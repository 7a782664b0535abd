"""Holds what is stored and what was published to what callers were told.

Each function returns what is wrong, in words; nothing means that all is well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from operator import gt, lt
from typing import Any, Final

from service.application.outbox import Stream
from service.domain import errors, stock_errors
from service.domain.channels import errors as channel_errors
from service.domain.desk import batch_errors
from service.domain.desk import errors as desk_errors
from service.domain.errors import OrderError
from service.domain.imports import errors as import_errors
from service.domain.lifecycle import CORRECTIONS, LIFECYCLE
from service.kafka.topics import NAMES
from tests.faults.chaos.clerk import Clerk
from tests.faults.chaos.ledger import Ledger
from tests.faults.chaos.orders import Story
from tests.faults.chaos.reader import Reader
from tests.faults.chaos.world import World

# How many of each kind of problem are told: the first ones say what is wrong.
TOLD: Final = 5

# What the desk's own suites reach: they play whole workflows, and batches of a thousand orders. And
# no condition that is shipped ever fails.
ELSEWHERE: Final = frozenset(
    {
        "CONDITION_FAILED",
        "CONDITION_NOT_MET",
        "CUT_OFF_PASSED",
        "LOAD_CAP_REACHED",
        "BATCH_TEMPLATE_NOT_FOUND",
        "BATCH_NOT_IN_STATE",
        "BATCH_EMPTY",
        "BATCH_NOT_CONFIRMED",
        "SECOND_PERSON_NEEDED",
        "BATCH_ROLE_REFUSED",
        "ORDER_MOVED_ON",
        # The register of channels has tests of its own: tests/integration/channels.
        "FEED_NOT_FOUND",
        "FEED_EXISTS",
        "FEED_NOT_PULLED",
        "FEED_NOT_IN_STATE",
        "FEED_CHANGED",
        "RUN_NOT_FOUND",
        "RUN_LEASE_LOST",
        "INCIDENT_NOT_FOUND",
        # tests/integration/service/test_imports.py.
        "IMPORT_NOT_FOUND",
        "IMPORT_NOT_IN_STATE",
        "IMPORT_ROW_NOT_FOUND",
        # tests/integration/service/test_reconciling.py.
        "STATEMENT_NOT_FOUND",
        "RECONCILIATION_NOT_FOUND",
        "DIFFERENCE_NOT_FOUND",
        # tests/integration/customers.
        "CUSTOMER_NOT_FOUND",
        "MERGE_NOT_FOUND",
        "MERGE_NOT_IN_STATE",
        "CUSTOMERS_SAME",
        # tests/integration/service/test_stock_calls.py.
        "SKU_MAPPING_NOT_FOUND",
        "PURCHASE_PLAN_NOT_FOUND",
        "PURCHASE_PLAN_CLOSED",
    }
)
REASONS: Final = (
    frozenset(
        each.reason
        for module in (
            errors,
            import_errors,
            desk_errors,
            batch_errors,
            channel_errors,
            stock_errors,
        )
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, OrderError) and each is not OrderError
    )
    - ELSEWHERE
)
TRANSITIONS: Final = frozenset(
    (state.value, target.value)
    for table in (LIFECYCLE, CORRECTIONS)
    for state, moves in table.items()
    for target in moves.values()
)


def some(what: str, found: Iterable[object]) -> list[str]:
    """Return one line that tells how many there are, and the first of them."""
    items = list(found)
    first = "; ".join(str(each) for each in islice(items, TOLD))
    return [f"{what}: {len(items):,}: {first}"] if items else []


def receipts(world: World, ledger: Ledger) -> list[str]:
    """Every acknowledged receipt is there once, was read once, and has its outcome."""
    stored = dict(world.rows("SELECT receipt_id, outcome FROM receipts"))
    named = {name.removeprefix("receipts/") for name in ledger.receipts.values()}
    # Several steps that became one receipt would be two acknowledgements for one.
    shared = len(ledger.receipts) - len(named)
    twice = world.rows(
        "SELECT receipt_id, count(*) FROM receipt_outcomes GROUP BY 1 HAVING count(*) > 1"
    )
    return [
        *some("acknowledged receipts that are not stored", named - stored.keys()),
        *some("receipts that two messages share", range(shared)),
        *some("receipts without outcome", (name for name, has in stored.items() if has is None)),
        *some("receipts that were read as nothing", _unread(stored, named)),
        *some("receipts that were weighed twice", twice),
    ]


def _unread(stored: Mapping[str, str | None], named: Iterable[str]) -> Iterable[str]:
    """Everything that is sent can be read, and belongs to an order that is told of."""
    bad = {"REJECTED", "IGNORED", "EARLY"}
    return (f"{name} {stored[name]}" for name in named if stored.get(name) in bad)


def orders(world: World, stories: Sequence[Story]) -> list[str]:
    """Every order is what its receipts prove, worked out by our own rule."""
    found = {
        ref: (state, paid, refunded)
        for ref, state, paid, refunded in world.rows(
            "SELECT r.namespace || ':' || r.value, o.state, o.paid_minor, o.refunded_minor"
            " FROM order_refs AS r JOIN orders AS o USING (order_id)"
        )
    }
    wrong = []
    for each in stories:
        wanted = (each.state, each.paid_minor, each.refunded_minor)
        if found.get(each.ref) != wanted:
            wrong.append(f"{each.ref} is {found.get(each.ref)}, not {wanted}")
    return some("orders that are not what their receipts prove", wrong)


def commands(world: World, ledger: Ledger, clerks: Sequence[Clerk], *, hot: str) -> list[str]:
    """Every answer is kept under its request id, and what was accepted happened once."""
    kept = {row[0] for row in world.rows("SELECT request_id FROM requests")}
    lost = (each for each in ledger.commands if each.request_id not in kept)
    last = dict(
        world.rows(
            "SELECT 'orders/' || order_id, max(sequence) FROM journal"
            " WHERE actor = 'chaos' GROUP BY 1"
        )
    )
    moved = [
        f"{name} was told {etag}, has {last.get(name)}"
        for clerk in clerks
        for name, etag in clerk.etags.items()
        if last.get(name) != etag
    ]
    words = Counter(
        row[0]
        for row in world.rows(
            "SELECT new_value FROM journal JOIN order_refs USING (order_id)"
            " WHERE kind = 'MILESTONE_CHANGED' AND value LIKE %s",
            [f"{hot}%"],
        )
    )
    noted = [word for clerk in clerks for word in clerk.milestones]
    return [
        *some("answers that are not kept", (f"{each.method} {each.request_id}" for each in lost)),
        *some("orders that went on after the last answer, or fell back", moved),
        *some("words on hot orders that are not there once", (w for w in noted if words[w] != 1)),
        *some("words on hot orders that nobody was told of", words.keys() - set(noted)),
    ]


def journals(world: World) -> list[str]:
    """The changes of an order are numbered 1 to n, and the order says n."""
    holes = world.rows(
        "SELECT o.order_id, o.sequence, count(j.sequence), max(j.sequence) FROM orders AS o"
        " LEFT JOIN journal AS j USING (order_id) GROUP BY 1, 2"
        " HAVING count(j.sequence) <> o.sequence OR max(j.sequence) <> o.sequence"
    )
    return some("journals with holes", holes)


def published(world: World, reader: Reader) -> list[str]:
    """Everything that was committed came, in order within its key, in this life of the broker."""
    newest = reader.newest
    found = [
        *some("gaps", (gap for life in reader.lives.values() for gap in life.gaps)),
        *some("outbox rows that are not published", world.rows(_UNPUBLISHED)),
        *some("parked streams", world.rows("SELECT topic, key, last_error FROM parked_streams")),
    ]
    for stream, query in HEADS.items():
        # Deadlines pass while we look: what came before must be there, and what is there must come.
        before, heads = dict(newest.applied[stream]), world.rows(query)
        applied = newest.applied[stream]
        for what, lasts, is_wrong in (
            ("whose end did not come", applied, lt),
            ("that came to more than there is", before, gt),
        ):
            found += some(
                f"streams of {stream.value} {what}",
                (
                    f"{key} has {n}, came to {lasts.get(key.encode(), 0)}"
                    for key, n in heads
                    if is_wrong(lasts.get(key.encode(), 0), n)
                ),
            )
    for stream, query in IDS.items():
        ids = newest.ids[stream]
        missing = (name for (name,) in world.rows(query) if name.encode() not in ids)
        found += some(f"messages of {stream.value} that did not come", missing)
    return found


_UNPUBLISHED: Final = "SELECT topic, key, n FROM outbox WHERE published_at IS NULL LIMIT 100"

HEADS: Final[Mapping[Stream, str]] = {
    Stream.ORDERS: "SELECT order_id, max(sequence) FROM journal GROUP BY 1",
    Stream.CUSTOMERS: "SELECT customer, max(n) FROM customer_events GROUP BY 1",
    Stream.PROFILES: "SELECT customer_id, max(n) FROM profile_events GROUP BY 1",
    # Of cases the outbox is the only history, for an hour.
    Stream.CASES: (
        f"SELECT key, max(n) FROM outbox WHERE topic = '{NAMES[Stream.CASES]}' GROUP BY 1"  # noqa: S608
    ),
}
IDS: Final[Mapping[Stream, str]] = {
    Stream.OUTCOMES: "SELECT receipt_id || ':' || revision FROM receipt_outcomes",
    # Those that had their outcome when the broker's life began need not come in it.
    Stream.RECEIPTS: (
        "SELECT receipt_id FROM receipts WHERE recorded_at >"
        " (SELECT max(started_at) FROM broker_lives)"
    ),
}


def is_all_here(world: World, reader: Reader) -> bool:
    """Tell whether a consumer has everything: what counts as lost when it does not become true."""
    return not published(world, reader)


def committed(world: World) -> dict[str, int]:
    """Return how many events were committed, each once, from the tables that are never pruned."""
    queries = {
        "receipts": "SELECT count(*) FROM receipts",
        "outcomes": "SELECT count(*) FROM receipt_outcomes",
        "order events": "SELECT count(*) FROM journal",
        "customer events": "SELECT count(*) FROM customer_events",
        "profile events": "SELECT count(*) FROM profile_events",
        "case events": "SELECT coalesce(sum(n), 0)::bigint FROM stream_heads WHERE topic = %s",
    }
    parameters: dict[str, list[Any]] = {"case events": [NAMES[Stream.CASES]]}
    return {
        name: world.rows(query, parameters.get(name, []))[0][0] for name, query in queries.items()
    }


def transitions(world: World) -> frozenset[tuple[str, str]]:
    """Return which declared moves really happened."""
    moved = world.rows("SELECT DISTINCT old_value, new_value FROM journal WHERE kind = 'MOVED'")
    return TRANSITIONS & {(old, new) for old, new in moved}
