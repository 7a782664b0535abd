"""One suite for every implementation of `Storage` and `Unit`."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from service.application.commands import Commands, Details
from service.application.outbox import Stream
from service.application.ports import Answer, Refusal, StoredFlag, Unit
from service.application.reading import CaseQuery
from service.application.waiting import Waiting
from service.domain.errors import (
    CaseNotFoundError,
    DeadlineExceededError,
    FlagNotFoundError,
    OrderNotFoundError,
    RequestIdReusedError,
)
from service.domain.facts import Circumstance, Fact, FactKind, OrderLine, OrderRef
from service.domain.lifecycle import Action
from service.domain.money import Money
from service.kafka.encoding import ProtobufEncoder
from tests.builders import NOON, a_fact, an_origin
from tests.contract.conftest import Store

LATER = NOON.replace(year=2199)


class OurOwnFailureError(Exception):
    """Something that no storage raises."""


def told(store: Store, kind: FactKind, **given: object) -> Fact:
    values: dict[str, object] = {
        "fact_id": store.fresh(),
        "ref": store.ref(),
        "channel": store.channel,
    }
    return a_fact(kind, **{**values, **given})


# Transactions.


def test_work_that_raises_leaves_nothing_behind(store: Store) -> None:
    def work(unit: Unit) -> None:
        unit.claim_request(store.name, b"f")
        unit.park([told(store, FactKind.PAYMENT_STARTED)], at=NOON)
        raise OurOwnFailureError

    with pytest.raises(OurOwnFailureError):
        store.storage.transact(work)

    assert store.storage.transact(lambda unit: unit.claim_request(store.name, b"other")) is None
    assert store.storage.transact(lambda unit: unit.parked([store.ref()])) == {}


def test_work_that_nobody_waits_for_any_more_is_not_committed(store: Store) -> None:
    with pytest.raises(DeadlineExceededError):
        store.storage.transact(
            lambda unit: unit.claim_request(store.name, b"f"), still_wanted=lambda: False
        )

    assert store.storage.transact(lambda unit: unit.claim_request(store.name, b"other")) is None


# Requests.


def test_a_request_gets_the_answer_that_it_got_before(store: Store) -> None:
    def first(unit: Unit) -> Answer | None:
        found = unit.claim_request(store.name, b"f")
        unit.keep_answer(store.name, Answer(b"\x00bytes\xff"))
        return found

    assert store.storage.transact(first) is None
    again = store.storage.transact(lambda unit: unit.claim_request(store.name, b"f"))
    assert again == Answer(b"\x00bytes\xff")


def test_a_refusal_is_kept_with_its_values_and_violations(store: Store) -> None:
    refusal = Refusal("INVALID_REQUEST", {"fields": "a,b"}, (("a", "send a"), ("b", "send b")))

    def first(unit: Unit) -> None:
        unit.claim_request(store.name, b"f")
        unit.keep_answer(store.name, Answer(None, refusal))

    store.storage.transact(first)

    again = store.storage.transact(lambda unit: unit.claim_request(store.name, b"f"))
    assert again == Answer(None, refusal)


def test_a_request_id_is_refused_for_another_request(store: Store) -> None:
    store.storage.transact(lambda unit: unit.claim_request(store.name, b"f"))

    with pytest.raises(RequestIdReusedError):
        store.storage.transact(lambda unit: unit.claim_request(store.name, b"g"))


def test_an_answer_is_forgotten_when_it_is_old_and_not_before(store: Store) -> None:
    store.storage.transact(lambda unit: unit.claim_request(store.name, b"f"))

    store.storage.transact(lambda unit: unit.forget_requests(NOON.replace(year=1999), most=9))
    with pytest.raises(RequestIdReusedError):
        store.storage.transact(lambda unit: unit.claim_request(store.name, b"g"))
    while store.storage.transact(lambda unit: unit.forget_requests(LATER, most=9)):
        pass
    assert store.storage.transact(lambda unit: unit.claim_request(store.name, b"g")) is None


# Orders.


def test_an_order_is_read_as_it_was_written(store: Store) -> None:
    more = OrderRef("merchant", f"m-{store.name}")
    order = store.create(
        refs=(store.ref(), more),
        list_total=Money(12_000, "CNY"),
        customer=f"c-{store.name}",
        lines=(OrderLine("sku-1", 2, Money(4_995, "CNY")), OrderLine("sku-2", 1)),
    )
    order = store.command(lambda commands: commands.place_hold(store.ask(order), "ADDRESS"))
    order = store.command(lambda commands: commands.set_milestone(store.ask(order), "packed"))

    assert store.reader.order(order.order_id) == order
    assert store.reader.order_by_ref(more) == order
    assert (order.sequence, order.etag) == (3, "3")


def test_a_fact_is_read_as_it_was_written(store: Store) -> None:
    fact = told(
        store,
        FactKind.ORDER_CREATED,
        occurred_at=NOON + timedelta(microseconds=123_456),
        more_refs=(store.ref(2),),
        list_amount=Money(1, "CNY"),
        lines=(OrderLine("sku", 1, Money(5, "CNY")),),
        circumstances=frozenset({Circumstance.LEARNT_BY_FILE, Circumstance.NETWORK_RETRY}),
        note="汉字 and \N{SNOWMAN}",
        voucher="v",
    )
    store.tell(fact)

    order = store.reader.order_by_ref(store.ref(2))
    (known,) = store.reader.dossier(order.order_id).facts
    assert replace(known, receipt_id="") == fact


def test_an_unknown_order_has_an_empty_dossier(store: Store) -> None:
    found = store.storage.transact(lambda unit: unit.open_dossiers([store.name]))

    assert found[store.name].order is None
    assert found[store.name].facts == ()


def test_references_tell_whose_they_are(store: Store) -> None:
    order = store.create(1)

    owners = store.storage.transact(lambda unit: unit.lock_refs([store.ref(1), store.ref(2)]))

    assert owners == {store.ref(1): order.order_id, store.ref(2): None}


def test_streams_are_numbered_one_by_one_for_each_key(store: Store) -> None:
    one, other = f"a-{store.name}", f"b-{store.name}"

    def take(counts: dict[str, int]) -> dict[str, int]:
        return store.storage.transact(lambda unit: unit.numbers(Stream.CASES, counts))

    assert take({one: 2, other: 1}) == {one: 1, other: 1}
    assert take({one: 1}) == {one: 3}
    assert take({other: 5, one: 1}) == {other: 2, one: 4}


def test_the_journal_lists_every_change_with_its_origin(store: Store) -> None:
    order = store.create()
    store.command(
        lambda commands: commands.set_milestone(store.ask(order, reason="because"), "packed")
    )

    page = store.reader.journal(order.order_id, after=0, page_size=10, page_token="")

    assert [each.sequence for each in page.rows] == [1, 2]
    assert [each.kind for each in page.rows] == ["PLACED", "MILESTONE_CHANGED"]
    last = page.rows[-1]
    origin = an_origin()
    assert (last.actor, last.role, last.address) == (origin.actor, origin.role, origin.address)
    assert (last.reason, last.old_value, last.new_value) == ("because", "", "packed")
    assert last.trace_id == origin.trace_id
    assert store.reader.trace_ids(order.order_id) == [origin.trace_id]


def test_the_hash_chain_of_what_was_written_verifies(store: Store) -> None:
    order = store.create()
    for number in range(5):
        store.command(
            lambda commands, name=f"m-{number}": commands.set_milestone(store.ask(order), name)
        )

    report = store.reader.verify_chain(order.order_id)

    assert (report.rows, report.orders, report.problem) == (6, 1, "")


def test_the_hash_chain_of_several_changes_at_once_verifies(store: Store) -> None:
    store.tell(
        told(store, FactKind.PAYMENT_SUCCEEDED, minute=1), told(store, FactKind.ORDER_CREATED)
    )
    order = store.reader.order_by_ref(store.ref())

    report = store.reader.verify_chain(order.order_id)

    assert (report.rows, report.orders, report.problem) == (4, 1, "")


# Deadlines and cases.


def test_a_deadline_opens_its_case_once(store: Store) -> None:
    order = store.create()
    waiting = Waiting(store.storage, ProtobufEncoder(), store.clock)
    store.clock.pass_time(timedelta(hours=3))

    while waiting.expire_due():
        pass

    (case,) = store.reader.cases(CaseQuery(page_size=5, order_id=order.order_id)).rows
    assert case.type == "STAGE_OVERDUE"
    assert waiting.expire_due() == 0
    assert store.reader.order(order.order_id).sequence == 2


def test_news_that_changes_no_wait_keeps_the_deadline(store: Store) -> None:
    order = store.create()
    (before,) = store.reader.awaited(order.order_id)
    store.clock.pass_time(timedelta(hours=1))
    store.tell(told(store, FactKind.NOTED, minute=9, note="hello"))

    assert list(store.reader.awaited(order.order_id)) == [before]


def test_a_step_forward_replaces_the_deadline(store: Store) -> None:
    order = store.create()
    store.tell(told(store, FactKind.PAYMENT_STARTED, minute=1))

    (awaited,) = store.reader.awaited(order.order_id)
    assert awaited.wait == "PAYING"


def test_what_does_not_exist_is_refused_by_name(store: Store) -> None:
    with pytest.raises(CaseNotFoundError):
        store.storage.transact(lambda unit: unit.lock_case("case-missing"))
    with pytest.raises(FlagNotFoundError):
        store.storage.transact(lambda unit: unit.find_flag("flg-missing"))
    with pytest.raises(OrderNotFoundError):
        store.command(lambda commands: advance(commands, store))


def advance(commands: Commands, store: Store) -> object:
    missing = replace(store.ask(store.create()), order_id="ord-missing")
    return commands.set_milestone(missing, "m")


def test_a_flag_is_stored_once_and_keeps_what_was_done(store: Store) -> None:
    flag = StoredFlag(
        flag_id=f"flg-{store.name}",
        order_id="ord-1",
        customer="c-1",
        rule="discount",
        rule_version=2,
        action="HOLD",
        inputs=(("discount", "0.9"), ("limit", "0.8")),
        occurred_at=NOON,
    )

    first = store.storage.transact(lambda unit: unit.store_flag(flag, at=NOON))
    store.storage.transact(lambda unit: unit.mark_flag(flag.flag_id, "HELD"))
    second = store.storage.transact(lambda unit: unit.store_flag(flag, at=NOON))

    assert first is None
    assert second == replace(flag, act="HELD")


def test_every_change_stands_in_the_journal_once(store: Store) -> None:
    order = store.create()
    for action in (Action.START_PAYMENT, Action.CANCEL):
        store.command(
            lambda commands, action=action: commands.advance(store.ask(order), action, Details())
        )

    page = store.reader.journal(order.order_id, after=1, page_size=10, page_token="")
    assert [(each.old_value, each.new_value) for each in page.rows] == [
        ("PENDING_PAYMENT", "PAYING"),
        ("PAYING", "CANCELLED"),
    ]
