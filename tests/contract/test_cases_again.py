"""What is awaited once more, in vain, is told once more: for every implementation of storage."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.application.cases import Desk
from service.application.commands import Details
from service.application.reading import CaseQuery
from service.application.waiting import Waiting
from service.domain.cases import Case, CaseState
from service.domain.facts import Fact, FactKind
from service.domain.lifecycle import Action, State
from service.domain.order import Order
from service.kafka.encoding import ProtobufEncoder
from tests.builders import a_fact, an_origin
from tests.contract.conftest import Store

# Longer than an order may be PAID.
TOO_LONG = timedelta(hours=3)


def overdue(store: Store) -> Order:
    """Return an order that was paid and then forgotten; its case is open."""
    order = store.create()
    for kind in (FactKind.PAYMENT_STARTED, FactKind.PAYMENT_SUCCEEDED):
        store.tell(
            a_fact(kind, minute=1, fact_id=store.fresh(), ref=store.ref(), channel=store.channel)
        )
    wait_in_vain(store)
    return order


def wait_in_vain(store: Store) -> None:
    store.clock.pass_time(TOO_LONG)
    while Waiting(store.storage, ProtobufEncoder(), store.clock).expire_due():
        pass


def act(store: Store, order: Order, action: Action) -> Order:
    ask = store.ask(order)
    return store.command(lambda commands: commands.advance(ask, action, Details()))


def the_case(store: Store, order: Order) -> Case:
    query = CaseQuery(page_size=10, order_id=order.order_id, include_resolved=True)
    (case,) = [each for each in store.reader.cases(query).rows if each.type == "STAGE_OVERDUE"]
    return case


def test_a_case_that_evidence_ended_opens_again_when_the_wait_is_in_vain_again(
    store: Store,
) -> None:
    order = overdue(store)
    first = the_case(store, order)
    act(store, order, Action.CANCEL)
    ended = the_case(store, order)
    assert act(store, order, Action.REINSTATE).state is State.PAID

    wait_in_vain(store)

    again = the_case(store, order)
    assert (first.state, ended.outcome, again.state) == (
        CaseState.OPEN, "EVIDENCE_CAME", CaseState.OPEN,
    )  # fmt: skip
    assert again.case_id == first.case_id
    assert again.due_at > first.due_at
    _, log = store.reader.case(again.case_id)
    assert [each.act for each in log] == ["OPENED", "RESOLVED", "REOPENED"]


@pytest.mark.parametrize("is_ended", [False, True], ids=["open", "ended by a person"])
def test_a_case_that_is_open_or_that_a_person_ended_stays_as_it_is(
    store: Store,
    is_ended: bool,  # noqa: FBT001  # A parameter.
) -> None:
    order = overdue(store)
    before = the_case(store, order)
    if is_ended:
        store.storage.transact(
            lambda unit: Desk(unit, ProtobufEncoder(), an_origin(), store.clock()).resolve(
                before.case_id, "DONE", ""
            )
        )
        before = the_case(store, order)
        act(store, order, Action.CANCEL)
        act(store, order, Action.REINSTATE)

    wait_in_vain(store)

    assert the_case(store, order) == before


def test_a_case_that_ends_and_is_awaited_again_in_one_batch_stays_open(store: Store) -> None:
    order = overdue(store)
    before = the_case(store, order)

    def told(kind: FactKind) -> Fact:
        at = store.clock()
        return a_fact(
            kind, fact_id=store.fresh(), ref=store.ref(), channel=store.channel, occurred_at=at
        )

    cancelled = told(FactKind.ORDER_CANCELLED)
    store.clock.pass_time(timedelta(seconds=1))
    store.tell(cancelled, told(FactKind.ORDER_REINSTATED))

    again = the_case(store, order)
    assert store.reader.order(order.order_id).state is State.PAID
    assert (before.state, again.state) == (CaseState.OPEN, CaseState.OPEN)
    _, log = store.reader.case(again.case_id)
    assert [each.act for each in log] == ["OPENED", "RESOLVED", "REOPENED"]
