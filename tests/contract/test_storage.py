"""One suite for every implementation of `Storage` and `Unit`."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from service.application.commands import Commands, Details
from service.application.intake import Intake, Reading, Submitted
from service.application.ports import Answer, Refusal, Rejection, StoredFlag, Stream, Unit
from service.application.reading import CaseQuery
from service.application.waiting import PUBLISHED_MOST, STALE_AFTER, Waiting
from service.domain.errors import (
    CaseNotFoundError,
    DeadlineExceededError,
    FlagNotFoundError,
    OrderNotFoundError,
    RequestIdReusedError,
)
from service.domain.facts import Circumstance, Fact, FactKind, OrderLine, OrderRef, Outcome
from service.domain.lifecycle import Action, State
from service.domain.money import Money
from service.kafka.encoding import ProtobufEncoder
from tests.builders import NOON, TOTAL, a_fact, an_origin
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


# Parked facts.


def test_a_fact_without_an_order_is_parked_and_applied_when_the_order_comes(store: Store) -> None:
    early = store.tell(told(store, FactKind.PAYMENT_SUCCEEDED, minute=2))
    parked = store.storage.transact(lambda unit: unit.parked([store.ref(), store.ref(2)]))
    created = store.tell(told(store, FactKind.ORDER_CREATED))

    assert early.outcome is Outcome.EARLY
    assert [each.kind for each in parked[store.ref()]] == [FactKind.PAYMENT_SUCCEEDED]
    assert created.outcome is Outcome.APPLIED
    order = store.reader.order_by_ref(store.ref())
    assert (order.state, order.paid) == (State.PAID, TOTAL)
    assert store.storage.transact(lambda unit: unit.parked([store.ref()])) == {}


def test_the_receipt_of_a_parked_fact_is_told_what_became_of_it(store: Store) -> None:
    early = store.tell(told(store, FactKind.PAYMENT_SUCCEEDED, minute=2))
    before = store.reader.receipt(early.receipt_id)
    store.tell(told(store, FactKind.ORDER_CREATED))
    after = store.reader.receipt(early.receipt_id)

    assert (before.outcome, before.orders) == (Outcome.EARLY, ())
    assert after.outcome is Outcome.APPLIED
    assert after.orders == (store.reader.order_by_ref(store.ref()).order_id,)


def test_parked_facts_follow_any_of_the_names_that_a_creation_brings(store: Store) -> None:
    store.tell(told(store, FactKind.PAYMENT_SUCCEEDED, ref=store.ref(2), minute=2))
    store.tell(told(store, FactKind.ORDER_CREATED))
    store.tell(told(store, FactKind.ORDER_CREATED, minute=1, more_refs=(store.ref(2),)))

    assert store.reader.order_by_ref(store.ref(2)).state is State.PAID


def test_a_fact_that_is_parked_twice_is_one_fact(store: Store) -> None:
    fact = told(store, FactKind.PAYMENT_SUCCEEDED)

    outcomes = [store.tell(fact).outcome for _ in range(3)]
    store.tell(told(store, FactKind.ORDER_CREATED))

    assert outcomes == [Outcome.EARLY] * 3
    assert store.reader.order_by_ref(store.ref()).paid == TOTAL


def test_a_batch_that_brings_payment_before_creation_ends_paid(store: Store) -> None:
    applied = store.tell(
        told(store, FactKind.PAYMENT_SUCCEEDED, minute=1), told(store, FactKind.ORDER_CREATED)
    )

    assert applied.outcome is Outcome.APPLIED
    assert store.reader.order_by_ref(store.ref()).state is State.PAID


# Receipts.


def test_a_receipt_is_stored_once_and_its_repeats_are_counted(store: Store) -> None:
    receipts = [store.a_receipt(b"one"), store.a_receipt(b"two"), store.a_receipt(b"one")]

    first = store.intake.submit(receipts)
    again = store.intake.submit(receipts[:1])

    assert [each.repeated for each in first] == [False, False, True]
    assert again == [Submitted(first[0].receipt_id, repeated=True)]
    assert store.reader.receipt(first[0].receipt_id).repeats == 1


def test_a_receipt_is_weighed_once_however_often_it_is_read(store: Store) -> None:
    receipt = store.submit()
    facts = (told(store, FactKind.ORDER_CREATED),)

    first = store.intake.apply([Reading(receipt, facts)])[0]
    other = (told(store, FactKind.ORDER_CREATED, amount=Money(1, "CNY")),)
    second = store.intake.apply([Reading(receipt, other)])[0]

    assert (first.outcome, second.outcome) == (Outcome.APPLIED, Outcome.APPLIED)
    assert second.facts == ()
    assert store.reader.order_by_ref(store.ref()).total == TOTAL


def test_a_reading_of_a_receipt_that_nobody_submitted_is_told_apart(store: Store) -> None:
    facts = (told(store, FactKind.ORDER_CREATED),)

    assert store.intake.apply([Reading("rcp-missing", facts)])[0].outcome is None
    with pytest.raises(OrderNotFoundError):
        store.reader.order_by_ref(store.ref())


def test_a_rejected_receipt_is_kept_with_its_reason_and_can_be_tried_again(store: Store) -> None:
    receipt = store.submit(b'{"id": "trunc')
    rejection = Rejection("UNREADABLE", "body", "send whole JSON")
    store.intake.apply([Reading(receipt, rejection=rejection)])
    rejected = store.reader.receipt(receipt)

    retried = store.intake.retry([receipt], "", waiting=False)
    waiting = store.reader.receipt(receipt)
    store.intake.apply([Reading(receipt, (told(store, FactKind.ORDER_CREATED),))])

    assert (rejected.outcome, rejected.rejection) == (Outcome.REJECTED, rejection)
    assert retried == 1
    assert (waiting.outcome, waiting.rejection) == (None, None)
    view = store.reader.receipt(receipt)
    assert view.outcome is Outcome.APPLIED
    assert view.orders == (store.reader.order_by_ref(store.ref()).order_id,)


def test_what_was_applied_cannot_be_tried_again(store: Store) -> None:
    receipt = store.submit()
    store.intake.apply([Reading(receipt, (told(store, FactKind.ORDER_CREATED),))])

    assert store.intake.retry([receipt], "", waiting=False) == 0


def stale(store: Store, slack: timedelta) -> set[str]:
    found = store.storage.transact(
        lambda unit: unit.stale_receipts(LATER, slack, most=100_000, times=PUBLISHED_MOST)
    )
    return {each[0] for each in found}


def test_a_receipt_that_intake_passed_by_is_published_again(store: Store) -> None:
    receipt = store.submit()
    store.tell(told(store, FactKind.ORDER_CREATED))

    assert receipt in stale(store, timedelta())


def test_a_receipt_is_published_again_a_bounded_number_of_times(store: Store) -> None:
    receipt = store.submit()
    store.tell(told(store, FactKind.ORDER_CREATED))

    century = timedelta(days=-36_500)
    times = [receipt in stale(store, century) for _ in range(PUBLISHED_MOST + 2)]

    # The first publication was the submission itself.
    assert times == [True] * (PUBLISHED_MOST - 1) + [False] * 3


def test_a_receipt_that_intake_has_not_reached_is_left_alone(store: Store) -> None:
    store.tell(told(store, FactKind.ORDER_CREATED))
    receipt = store.submit()

    assert receipt not in stale(store, timedelta())


def test_a_receipt_that_just_came_is_left_alone(store: Store) -> None:
    receipt = store.submit()
    store.tell(told(store, FactKind.ORDER_CREATED))

    assert receipt not in stale(store, STALE_AFTER)


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
            lambda commands, action=action: commands.advance(
                store.ask(order), action, Details()
            )
        )

    page = store.reader.journal(order.order_id, after=1, page_size=10, page_token="")
    assert [(each.old_value, each.new_value) for each in page.rows] == [
        ("PENDING_PAYMENT", "PAYING"),
        ("PAYING", "CANCELLED"),
    ]


def test_an_empty_batch_is_no_work(store: Store) -> None:
    intake = Intake(store.storage, ProtobufEncoder(), store.clock)

    assert intake.submit([]) == []
    assert intake.apply([]) == []
