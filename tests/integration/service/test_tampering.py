"""Whatever a superuser does to the journal: the check names the first row that is not right."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
import sqlalchemy as sa

from concord.orders.v1 import order_service_pb2 as pb
from service.domain.facts import OrderRef
from service.domain.lifecycle import State
from service.postgres import tables
from tests.builders import a_fact, facts_to
from tests.integration.service.world import Service, Storing

ROWS = 6
NAME = "tampered"


@dataclass(frozen=True)
class Journal:
    """An order's journal, within reach of somebody who may do everything."""

    connection: sa.Connection
    order_id: str

    def change(self, sequence: int, what: str, **values: object) -> None:
        """Change columns of one row."""
        self.run(
            f"UPDATE journal SET {what} WHERE order_id = :order AND sequence = :sequence",  # noqa: S608
            sequence=sequence,
            **values,
        )

    def run(self, statement: str, **values: object) -> None:
        """Run a statement; `:order` is the order's id."""
        known = {"order": self.order_id} if ":order" in statement else {}
        self.connection.execute(sa.text(statement), {**known, **values})


Tamper = Callable[[Journal], None]


def a_column(what: str, sequence: int = 3) -> tuple[Tamper, int]:
    """Change one column of one row, which is then the one that is named."""
    return lambda journal: journal.change(sequence, what), sequence


def delete(journal: Journal, sequence: int) -> None:
    journal.run(
        "DELETE FROM journal WHERE order_id = :order AND sequence = :sequence", sequence=sequence
    )


def swap(journal: Journal) -> None:
    for old, new in ((3, 99), (4, 3), (99, 4)):
        journal.change(old, "sequence = :new", new=new)


def insert_copy(journal: Journal, at: int) -> None:
    names = [
        each.name
        for each in tables.journal.columns
        if each.name not in {"sequence", "position", "xid"}
    ]
    columns = ", ".join(names)
    journal.run(
        f"INSERT INTO journal (sequence, {columns}) SELECT :at, {columns} FROM journal"  # noqa: S608
        " WHERE order_id = :order AND sequence = 2",
        at=at,
    )


def rehash_one(journal: Journal) -> None:
    journal.change(
        3,
        "record = record || 'x'::bytea, hash = sha256('concord.journal.v1'::bytea ||"
        " (SELECT hash FROM journal AS p WHERE p.order_id = :order AND p.sequence = 2)"
        " || record || 'x'::bytea)",
        order=journal.order_id,
    )


def shift(journal: Journal) -> None:
    delete(journal, 3)
    for sequence in range(4, ROWS + 1):
        journal.change(sequence, "sequence = :new", new=sequence - 1)


def to_another(journal: Journal) -> None:
    journal.change(ROWS, "order_id = 'ord-nobody'")


# name: what is done, and the number of the first row that is not right; None where no row is left.
TAMPERED: dict[str, tuple[Tamper, int | None]] = {
    "the kind": a_column("kind = 'NOTED'"),
    "the source": a_column("source = 'wms'"),
    "the actor": a_column("actor = 'nobody'"),
    "the role": a_column("role = 'admin'"),
    "the address": a_column("address = '10.0.0.1'"),
    "the voucher": a_column("voucher = 'v'"),
    "the reason": a_column("reason = 'none'"),
    "the old value": a_column("old_value = 'LOST'"),
    "the new value": a_column("new_value = 'LOST'"),
    "when it happened": a_column("occurred_at = occurred_at + interval '1 microsecond'"),
    "when it was recorded": a_column("recorded_at = recorded_at - interval '1 microsecond'"),
    "the trace": a_column("trace_id = 'ffffffffffffffffffffffffffffffff'"),
    "the trace context": a_column(
        "traceparent = '00-' || repeat('1', 32) || '-' || repeat('2', 16) || '-01'"
    ),
    "the event": a_column("event = event || '\\x00'::bytea"),
    "the event, emptied": a_column("event = ''"),
    "the record": a_column("record = record || 'x'::bytea"),
    "the hash": a_column("hash = sha256(hash)"),
    "the hash, emptied": a_column("hash = ''"),
    "a text moved into its neighbour": a_column(
        "source = left(source, 3), actor = substr(source, 4) || actor"
    ),
    "the first row": a_column("new_value = 'PAID'", sequence=1),
    "the last row": a_column("new_value = 'PAID'", sequence=ROWS),
    "a row in the middle deleted": (lambda journal: delete(journal, 3), 4),
    "the first row deleted": (lambda journal: delete(journal, 1), 2),
    "the last row deleted": (lambda journal: delete(journal, ROWS), ROWS - 1),
    "all rows deleted": (
        lambda journal: journal.run("DELETE FROM journal WHERE order_id = :order"), None),
    "a row put at the end": (lambda journal: insert_copy(journal, ROWS + 1), ROWS + 1),
    "a row put before the first": (lambda journal: insert_copy(journal, 0), 0),
    "a row put far behind": (lambda journal: insert_copy(journal, 50), 50),
    "two rows swapped": (swap, 3),
    "a row deleted and the rest renumbered": (shift, 3),
    "a row rewritten with a hash that fits": (rehash_one, 3),
    "a row given to another order": (to_another, ROWS - 1),
    "the order's head": (
        lambda journal: journal.run(
            "UPDATE orders SET chain_head = sha256(chain_head) WHERE order_id = :order"), ROWS),
    "the order's sequence": (
        lambda journal: journal.run(
            "UPDATE orders SET sequence = sequence + 1 WHERE order_id = :order"), ROWS),
    "the order's state": (
        lambda journal: journal.run(
            "UPDATE orders SET state = 'DELIVERED' WHERE order_id = :order"), ROWS),
    "the order deleted": (
        lambda journal: journal.run("DELETE FROM orders WHERE order_id = :order"), ROWS),
}  # fmt: skip


@pytest.fixture
def journal(storing: Storing, superuser: sa.Engine) -> Iterator[Journal]:
    """The journal of an order that is SHIPPING, its guard switched off; put right afterwards."""
    for name in ("neighbour", NAME, "another"):
        for fact in facts_to(State.SHIPPING, ref=OrderRef("douyin", name)):
            storing.tell(replace(fact, fact_id=f"{name}-{fact.kind.value}"))
    order = storing.reader.order_by_ref(OrderRef("douyin", NAME))
    assert order.sequence == ROWS
    with superuser.connect() as plain:
        connection = plain.execution_options(isolation_level="AUTOCOMMIT")
        journal = Journal(connection, order.order_id)
        journal.run("SET session_replication_role = replica")
        for table in ("journal", "orders"):
            journal.run(f"CREATE TEMP TABLE kept_{table} AS SELECT * FROM {table}")  # noqa: S608
        yield journal
        for table in ("journal", "orders"):
            journal.run(f"TRUNCATE {table}")
            journal.run(
                f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM kept_{table}"  # noqa: S608
            )
            journal.run(f"DROP TABLE kept_{table}")
        journal.run("SET session_replication_role = DEFAULT")


@pytest.mark.parametrize("name", TAMPERED)
def test_the_first_row_that_is_not_right_is_named(
    name: str, storing: Storing, journal: Journal
) -> None:
    tamper, sequence = TAMPERED[name]
    assert storing.reader.verify_chain(journal.order_id).problem == ""

    tamper(journal)

    report = storing.reader.verify_chain(journal.order_id)
    assert report.problem
    if report.first_bad is None:
        assert journal.order_id in report.problem
        assert sequence is None
    else:
        assert (report.first_bad.order_id, report.first_bad.sequence) == (
            journal.order_id, sequence,
        )  # fmt: skip
    assert storing.reader.verify_chain("").problem


def test_callers_are_told_which_row_it_is(
    storing: Storing, journal: Journal, service: Service
) -> None:
    clean = service.orders.VerifyJournal(pb.VerifyJournalRequest())
    journal.change(3, "reason = 'none'")

    told = service.orders.VerifyJournal(pb.VerifyJournalRequest())
    one = service.orders.VerifyJournal(pb.VerifyJournalRequest(name=f"orders/{journal.order_id}"))

    assert (clean.problem, clean.orders, clean.HasField("first_bad")) == ("", 3, False)
    assert clean.rows == 3 * ROWS
    assert told.first_bad.sequence == one.first_bad.sequence == 3
    assert told.problem == one.problem != ""


def test_what_was_put_right_again_verifies(storing: Storing, journal: Journal) -> None:
    journal.change(3, "reason = 'none'")
    broken = storing.reader.verify_chain("")
    journal.change(3, "reason = ''")

    assert broken.problem
    assert storing.reader.verify_chain("").problem == ""


def test_the_check_goes_on_while_rows_are_written(storing: Storing) -> None:
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            name = f"busy-{number}"
            storing.tell(a_fact(fact_id=name, ref=OrderRef("douyin", name)))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        problems = {storing.reader.verify_chain("").problem for _ in range(30)}
    finally:
        stop.set()
        writer.join(10)

    assert problems == {""}
