"""Receipts and parked facts: one suite for every implementation of `Storage` and `Unit`."""

from __future__ import annotations

from datetime import timedelta

import pytest

from concord.intake.v1.receipt_pb2 import ReceiptEvent, ReceiptWeighed
from service.application.intake import Intake, Reading, Submitted
from service.application.ports import Rejection
from service.application.waiting import PUBLISHED_MOST, STALE_AFTER
from service.domain.errors import OrderNotFoundError
from service.domain.facts import Fact, FactKind, Outcome
from service.domain.lifecycle import State
from service.domain.money import Money
from service.kafka.encoding import ProtobufEncoder
from tests.builders import NOON, TOTAL, a_fact
from tests.contract.conftest import Store

LATER = NOON.replace(year=2199)


def told(store: Store, kind: FactKind, **given: object) -> Fact:
    values: dict[str, object] = {
        "fact_id": store.fresh(),
        "ref": store.ref(),
        "channel": store.channel,
    }
    return a_fact(kind, **{**values, **given})


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
    assert store.reader.receipt(first[0].receipt_id).repeats == 2


def test_the_same_message_for_another_account_is_a_repeat(store: Store) -> None:
    first = store.intake.submit([store.a_receipt(b"one", account="a")])[0]
    again = store.intake.submit([store.a_receipt(b"one", account="b")])[0]

    assert again == Submitted(first.receipt_id, repeated=True)
    kept = ReceiptEvent.FromString(store.reader.receipt(first.receipt_id).event).received
    assert kept.account == "a"


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


def test_a_receipt_shows_the_event_of_the_outcome_that_stands(store: Store) -> None:
    receipt = store.submit()
    rejected = Reading(receipt, rejection=Rejection("UNREADABLE", "body", ""), template_version=2)
    before = store.reader.receipt(receipt).weighed
    store.intake.apply([rejected])
    told = ReceiptWeighed.FromString(store.reader.receipt(receipt).weighed)
    store.intake.retry([receipt], "", waiting=False)
    meanwhile = store.reader.receipt(receipt).weighed
    store.intake.apply([Reading(receipt, template_version=3)])
    again = ReceiptWeighed.FromString(store.reader.receipt(receipt).weighed)

    assert (before, meanwhile) == (b"", b"")
    assert (told.revision, told.template_version) == (1, 2)
    assert (again.revision, again.template_version) == (2, 3)


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
    store.clock.at = LATER + timedelta(seconds=1)
    store.tell(told(store, FactKind.ORDER_CREATED))

    assert receipt in stale(store, timedelta())


def test_what_waits_when_intake_rests_is_published_again(store: Store) -> None:
    store.tell(told(store, FactKind.ORDER_CREATED))
    receipt = store.submit()

    assert receipt in stale(store, STALE_AFTER)


def test_a_receipt_is_published_again_a_bounded_number_of_times(store: Store) -> None:
    receipt = store.submit()
    store.tell(told(store, FactKind.ORDER_CREATED))

    century = timedelta(days=-36_500)
    times = [receipt in stale(store, century) for _ in range(PUBLISHED_MOST + 2)]

    # The first publication was the submission itself.
    assert times == [True] * (PUBLISHED_MOST - 1) + [False] * 3


def test_a_receipt_that_intake_has_not_reached_is_left_alone(store: Store) -> None:
    store.clock.at = LATER
    store.tell(told(store, FactKind.ORDER_CREATED))
    receipt = store.submit()

    assert receipt not in stale(store, timedelta(seconds=1))


def test_a_receipt_that_just_came_is_left_alone(store: Store) -> None:
    receipt = store.submit()
    store.clock.at = LATER
    store.tell(told(store, FactKind.ORDER_CREATED))

    assert receipt not in stale(store, STALE_AFTER)


def test_an_empty_batch_is_no_work(store: Store) -> None:
    intake = Intake(store.storage, ProtobufEncoder(), store.clock)

    assert intake.submit([]) == []
    assert intake.apply([]) == []
