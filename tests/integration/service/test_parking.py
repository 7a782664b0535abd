"""Facts whose order is not known yet are kept, and found when it is, also in a race."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import sqlalchemy as sa

from service.application.ports import Unit
from service.domain.facts import Fact, FactKind, OrderRef, Outcome
from service.domain.lifecycle import State
from tests.builders import TOTAL, a_fact
from tests.integration.service.world import Storing

ROUNDS = 60


def fact(kind: FactKind, name: str, minute: int = 0, **given: object) -> Fact:
    ref = OrderRef("douyin", name)
    return a_fact(kind, minute=minute, fact_id=f"{name}-{kind.value}-{minute}", ref=ref, **given)


def test_creation_and_payment_in_two_threads_always_end_paid(storing: Storing) -> None:
    both = threading.Barrier(2)

    def tell(each: Fact) -> Outcome | None:
        both.wait(timeout=10)
        return storing.tell(each).outcome

    with ThreadPoolExecutor(2) as threads:
        for number in range(ROUNDS):
            name = f"race-{number}"
            created, paid = (
                threads.submit(tell, fact(kind, name, minute))
                for minute, kind in enumerate((FactKind.ORDER_CREATED, FactKind.PAYMENT_SUCCEEDED))
            )
            assert created.result(30) is Outcome.APPLIED
            assert paid.result(30) in {Outcome.EARLY, Outcome.APPLIED}
            order = storing.reader.order_by_ref(OrderRef("douyin", name))
            assert (order.state, order.paid) == (State.PAID, TOTAL), name


def test_batches_that_share_references_in_opposite_orders_do_not_deadlock(
    storing: Storing,
) -> None:
    names = [f"crossed-{number}" for number in range(20)]
    created = [fact(FactKind.ORDER_CREATED, each) for each in names]
    paid = [fact(FactKind.PAYMENT_SUCCEEDED, each, 1) for each in reversed(names)]
    shipped = [fact(FactKind.PARCEL_SHIPPED, each, 2) for each in names[::2] + names[1::2]]

    with ThreadPoolExecutor(6) as threads:
        applied = threads.map(storing.tell_each, [paid, created, shipped] * 4, timeout=60)

    assert all(each.outcome is not None for batch in applied for each in batch)
    states = {storing.reader.order_by_ref(OrderRef("douyin", each)).state for each in names}
    assert states == {State.SHIPPING}
    assert storing.reader.verify_chain("").problem == ""


def test_two_creations_of_one_order_at_once_make_one_order(storing: Storing) -> None:
    refs = [OrderRef("merchant", "twice"), OrderRef("douyin", "twice")]
    told = [
        a_fact(fact_id="twice-1", ref=refs[0], more_refs=(refs[1],)),
        a_fact(fact_id="twice-2", ref=refs[1], more_refs=(refs[0],), source="erp"),
    ]
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(storing.tell, told * 5))

    assert len({storing.reader.order_by_ref(each).order_id for each in refs}) == 1


def test_a_chain_of_names_leads_every_fact_to_its_order(storing: Storing) -> None:
    refs = [OrderRef("douyin", f"link-{number}") for number in range(4)]
    for number, ref in enumerate(refs):
        parked = storing.tell(
            a_fact(FactKind.NOTED, fact_id=f"link-note-{number}", ref=ref, note="hello")
        )
        assert parked.outcome is Outcome.EARLY

    for number, (ref, following) in enumerate(pairwise(refs)):
        storing.tell(
            a_fact(minute=number, fact_id=f"link-{number}", ref=ref, more_refs=(following,))
        )

    (order_id,) = {storing.reader.order_by_ref(each).order_id for each in refs}
    notes = [each for each in storing.reader.dossier(order_id).facts if each.kind is FactKind.NOTED]
    assert len(notes) == len(refs)


def test_what_is_parked_is_listed_and_what_was_applied_is_not(
    storing: Storing, engine: sa.Engine
) -> None:
    storing.tell(fact(FactKind.NOTED, "alone"))

    def parked(unit: Unit) -> dict[OrderRef, tuple[Fact, ...]]:
        return unit.parked([OrderRef("douyin", "alone"), OrderRef("douyin", "crossed-1")])

    assert list(storing.storage.transact(parked)) == [OrderRef("douyin", "alone")]
    with engine.connect() as connection:
        left = connection.execute(
            sa.text("SELECT count(*) FROM facts WHERE order_id IS NULL")
        ).scalar_one()
    assert left == 1


def test_only_a_creation_names_others_whatever_comes_first(storing: Storing) -> None:
    told = {}
    for name, is_early in (("payment-first", True), ("order-first", False)):
        ref, other = OrderRef("erp", name), OrderRef("douyin", name)
        paid = a_fact(
            FactKind.PAYMENT_SUCCEEDED, fact_id=f"{name}-paid", ref=other, more_refs=(ref,)
        )
        created = a_fact(fact_id=f"{name}-created", ref=ref)
        for each in (paid, created) if is_early else (created, paid):
            storing.tell(each)
        order = storing.reader.order_by_ref(ref)
        told[name] = (order.state, order.paid.minor, len(order.refs))

    assert set(told.values()) == {(State.PENDING_PAYMENT, 0, 1)}
