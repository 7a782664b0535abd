"""One suite for every implementation of `Reader`."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.application.cases import Desk
from service.application.ports import Unit
from service.application.reading import CaseQuery, OrderQuery, ReceiptQuery
from service.domain.cases import Case, CaseState
from service.domain.errors import (
    CaseNotFoundError,
    CursorInvalidError,
    OrderNotFoundError,
    ReceiptNotFoundError,
)
from service.domain.facts import FactKind, OrderRef
from service.domain.lifecycle import State
from service.kafka.encoding import ProtobufEncoder
from tests.builders import a_fact, an_origin
from tests.contract.conftest import Store
from tests.contract.test_queues import TERMS

BAD_TOKENS = (
    "nonsense",
    "bm9uc2Vuc2U",
    "\N{SNOWMAN}",
    "",
    "W10",  # []
    "WyJvcmRlcnMiXQ",  # ["orders"]
    "WyJvcmRlcnMiLDEsMl0",  # ["orders",1,2]
    "WyJqb3VybmFsIiwidHdvIl0",  # ["journal","two"]
    "WyJmZWVkIiwwLDFlOTk5XQ",  # ["feed",0,1e999]
    "WyJmZWVkIiw5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OSwxXQ",  # ["feed",99999999999999999999999,1]
    "WyJmZWVkIix0cnVlLDFd",  # ["feed",true,1]
    "WyJvcmRlcnMiLCIwMDAxLTAxLTAxVDAwOjAwOjAwKzIzOjU5IiwieCJd",  # ["orders","0001-…+23:59","x"]
    "WyJvcmRlcnMiLCIyMDI2LTAxLTAxIiwiXHUwMDAwIl0",  # ["orders","2026-01-01","\\u0000"]
    "WyJyZWNlaXB0cyIsdHJ1ZV0",  # ["receipts",true]
    "WyJjYXNlcyIsIjIwMjYiLHt9XQ",  # ["cases","2026",{}]
)


def orders_of(store: Store, **given: object) -> list[str]:
    query = OrderQuery(page_size=50, channel=store.channel, **given)  # type: ignore[arg-type]
    return [each.order_id for each in store.reader.orders(query).rows]


def test_pages_follow_each_other_without_a_gap_or_a_repeat(store: Store) -> None:
    made = []
    for number in range(7):
        store.clock.pass_time(timedelta(seconds=1))
        made.append(store.create(number).order_id)

    found, token = [], ""
    while True:
        query = OrderQuery(page_size=3, channel=store.channel, page_token=token)
        page = store.reader.orders(query)
        found += [each.order_id for each in page.rows]
        token = page.next_token
        if not token:
            break

    assert found == made[::-1]


def test_orders_of_one_moment_are_paged_without_loss(store: Store) -> None:
    made = {store.create(number).order_id for number in range(4)}

    first = store.reader.orders(OrderQuery(page_size=2, channel=store.channel))
    rest = store.reader.orders(
        OrderQuery(page_size=2, channel=store.channel, page_token=first.next_token)
    )

    assert {each.order_id for each in (*first.rows, *rest.rows)} == made


def test_orders_are_listed_by_state_hold_and_contradiction(store: Store) -> None:
    plain, held = store.create(1), store.create(2)
    store.command(lambda commands: commands.place_hold(store.ask(held), "RISK"))
    for kind, minute in ((FactKind.ORDER_CANCELLED, 1), (FactKind.PARCEL_SHIPPED, 2)):
        store.tell(a_fact(kind, minute=minute, fact_id=store.fresh(), ref=store.ref(3)))
    store.tell(a_fact(fact_id=store.fresh(), ref=store.ref(3), channel=store.channel))
    disputed = store.reader.order_by_ref(store.ref(3))

    assert set(orders_of(store)) == {plain.order_id, held.order_id, disputed.order_id}
    assert orders_of(store, states=(State.SHIPPING,)) == [disputed.order_id]
    assert orders_of(store, hold_reason="RISK") == [held.order_id]
    assert orders_of(store, hold_reason="*") == [held.order_id]
    assert orders_of(store, hold_reason="ADDRESS") == []
    assert orders_of(store, discrepancy="*") == [disputed.order_id]
    assert orders_of(store, discrepancy="SHIPPED_AFTER_CANCEL") == [disputed.order_id]
    assert orders_of(store, discrepancy="DUPLICATE_CHARGE") == []


def test_overdue_orders_are_those_that_outlived_their_state(store: Store) -> None:
    order = store.create(1)

    limit = order.state_since + timedelta(hours=2)
    assert orders_of(store, overdue_at=limit) == []
    assert orders_of(store, overdue_at=limit + timedelta(seconds=1)) == [order.order_id]


def test_a_journal_is_read_from_any_row_on_and_page_by_page(store: Store) -> None:
    order = store.create()
    for name in "abcd":
        store.command(lambda commands, name=name: commands.set_milestone(store.ask(order), name))

    first = store.reader.journal(order.order_id, after=1, page_size=3, page_token="")
    rest = store.reader.journal(order.order_id, after=0, page_size=3, page_token=first.next_token)

    assert [each.sequence for each in first.rows] == [2, 3, 4]
    assert [each.sequence for each in rest.rows] == [5]
    assert rest.next_token == ""


def test_the_journal_of_an_order_beyond_its_end_is_empty(store: Store) -> None:
    order = store.create()

    page = store.reader.journal(order.order_id, after=99, page_size=3, page_token="")

    assert page.rows == ()


def test_the_feed_tells_each_change_once_and_resumes_where_it_stopped(store: Store) -> None:
    cursor = store.reader.feed_start()
    order = store.create()
    for name in "abc":
        store.command(lambda commands, name=name: commands.set_milestone(store.ask(order), name))

    first = store.reader.feed(cursor, order_id=order.order_id, channel="", most=2)
    resumed = store.reader.feed(first.rows[-1].cursor, order_id=order.order_id, channel="", most=10)
    at_end = store.reader.feed(resumed.next_token, order_id=order.order_id, channel="", most=10)

    assert [each.line.sequence for each in (*first.rows, *resumed.rows)] == [1, 2, 3, 4]
    assert at_end.rows == ()


def test_the_feed_of_a_channel_leaves_others_out(store: Store) -> None:
    cursor = store.reader.feed_start()
    store.create()

    mine = store.reader.feed(cursor, order_id="", channel=store.channel, most=500)
    others = store.reader.feed(cursor, order_id="", channel="another", most=500)

    assert [each.line.kind for each in mine.rows] == ["PLACED"]
    assert others.rows == ()
    assert others.next_token == mine.next_token


def test_receipts_are_listed_newest_first(store: Store) -> None:
    made = [store.submit(bytes([each])) for each in range(5)]
    source = f"src_{store.name}"

    first = store.reader.receipts(ReceiptQuery(page_size=3, source=source))
    rest = store.reader.receipts(
        ReceiptQuery(page_size=3, source=source, page_token=first.next_token)
    )
    waiting = store.reader.receipts(ReceiptQuery(page_size=9, source=source, waiting=True))

    assert [each.receipt_id for each in (*first.rows, *rest.rows)] == made[::-1]
    assert len(waiting.rows) == 5


def desk(store: Store, act: str, *args: str) -> Case:
    def work(unit: Unit) -> Case:
        handling = Desk(unit, ProtobufEncoder(), an_origin(), store.clock(), TERMS)
        case: Case = getattr(handling, act)(*args)
        return case

    return store.storage.transact(work)


def test_cases_are_listed_most_urgent_first_and_keep_their_log(store: Store) -> None:
    order = store.create()
    late = desk(store, "open", order.order_id, "WRONG_ITEM", "hello", store.fresh())
    soon = desk(store, "open", order.order_id, "ADDRESS_WRONG", "", store.fresh())
    desk(store, "assign", late.case_id, "wang")
    desk(store, "resolve", soon.case_id, "FIXED", "called")

    open_cases = store.reader.cases(CaseQuery(page_size=9, order_id=order.order_id))
    every = CaseQuery(page_size=1, order_id=order.order_id, include_resolved=True)
    first = store.reader.cases(every)
    case, log = store.reader.case(late.case_id)

    assert [each.case_id for each in open_cases.rows] == [late.case_id]
    assert [each.case_id for each in first.rows] == [soon.case_id]
    assert first.next_token
    assert (case.state, case.assignee) == (CaseState.ASSIGNED, "wang")
    assert [(each.act, each.text, each.actor) for each in log] == [
        ("OPENED", "hello", "clerk-7"),
        ("ASSIGNED", "wang", "clerk-7"),
    ]
    assert store.reader.verify_chain(order.order_id).problem == ""


def test_what_does_not_exist_is_refused(store: Store) -> None:
    with pytest.raises(OrderNotFoundError):
        store.reader.order("ord-missing")
    with pytest.raises(OrderNotFoundError):
        store.reader.order_by_ref(OrderRef("douyin", "missing"))
    with pytest.raises(OrderNotFoundError):
        store.reader.dossier("ord-missing")
    with pytest.raises(OrderNotFoundError):
        store.reader.journal("ord-missing", after=0, page_size=1, page_token="")
    with pytest.raises(ReceiptNotFoundError):
        store.reader.receipt("rcp-missing")
    with pytest.raises(CaseNotFoundError):
        store.reader.case("case-missing")


@pytest.mark.parametrize("token", BAD_TOKENS)
def test_a_token_that_is_not_ours_is_refused_everywhere(store: Store, token: str) -> None:
    order = store.create()
    reads = [
        lambda: store.reader.feed(token, order_id="", channel="", most=1),
    ]
    if token:
        reads += [
            lambda: store.reader.orders(OrderQuery(page_size=1, page_token=token)),
            lambda: store.reader.receipts(ReceiptQuery(page_size=1, page_token=token)),
            lambda: store.reader.cases(CaseQuery(page_size=1, page_token=token)),
            lambda: store.reader.journal(order.order_id, after=0, page_size=1, page_token=token),
        ]
    for read in reads:
        with pytest.raises(CursorInvalidError):
            read()
