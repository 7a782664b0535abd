"""Money whose order nobody knows: kept, told to a person in time, and found by its order."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service import catalogue
from service.application.cases import Desk
from service.application.reading import CaseQuery
from service.application.waiting import Waiting
from service.domain.cases import Case, CaseState
from service.domain.errors import CaseClosedError
from service.domain.facts import Fact, FactKind, OrderRef, Outcome
from service.domain.lifecycle import State
from service.domain.terms import Terms
from service.kafka.encoding import ProtobufEncoder
from tests.builders import EVENING, a_fact, an_origin
from tests.fakes import FakeClock
from tests.integration.service.world import Storing

GRACE = timedelta(minutes=15)


def paid(name: str, **given: object) -> Fact:
    ref = OrderRef("merchant", name)
    kind = FactKind.PAYMENT_SUCCEEDED
    return a_fact(kind, ref=ref, fact_id=f"{name}-paid", source="alipay", **given)


def report(storing: Storing, after: timedelta) -> int:
    clock = FakeClock(EVENING + after)
    terms = Terms(catalogue=catalogue.load())
    return Waiting(storing.storage, ProtobufEncoder(), clock, terms).report_orphans()


def case_of(storing: Storing, name: str) -> Case:
    query = CaseQuery(page_size=100, type="PAYMENT_WITHOUT_ORDER", include_resolved=True)
    (found,) = [
        each for each in storing.reader.cases(query).rows if each.subject == f"merchant/{name}"
    ]
    return found


def test_money_without_an_order_opens_one_case_when_its_time_is_over(storing: Storing) -> None:
    assert storing.tell(paid("lost")).outcome is Outcome.EARLY

    assert report(storing, GRACE - timedelta(seconds=1)) == 0
    assert report(storing, GRACE + timedelta(seconds=1)) >= 1
    assert report(storing, 2 * GRACE) == 0

    case = case_of(storing, "lost")
    assert (case.state, case.order_id, case.owner_role) == (CaseState.OPEN, "", "finance")


def test_the_order_that_comes_adopts_the_case_and_ends_it(storing: Storing) -> None:
    storing.tell(paid("found"))
    report(storing, 2 * GRACE)

    created = a_fact(
        FactKind.ORDER_CREATED,
        fact_id="found-created",
        ref=OrderRef("mini", "m-1"),
        more_refs=(OrderRef("merchant", "found"),),
    )
    storing.tell(created)

    order = storing.reader.order_by_ref(OrderRef("mini", "m-1"))
    case = case_of(storing, "found")
    assert order.state is State.PAID
    assert (case.order_id, case.state, case.outcome) == (
        order.order_id,
        CaseState.RESOLVED,
        "EVIDENCE_CAME",
    )
    _, acts = storing.reader.case(case.case_id)
    assert [each.act for each in acts] == ["OPENED", "RESOLVED"]
    assert storing.reader.verify_chain(order.order_id).problem == ""


def test_a_person_can_handle_a_case_that_has_no_order(storing: Storing) -> None:
    storing.tell(paid("handled"))
    report(storing, 2 * GRACE)
    case_id = case_of(storing, "handled").case_id

    def act(name: str, *words: str) -> Case:
        return storing.storage.transact(
            lambda unit: getattr(Desk(unit, ProtobufEncoder(), an_origin(), EVENING), name)(
                case_id, *words
            )
        )

    act("note", "asked the shop")
    act("assign", "lin")
    assert act("resolve", "RETURNED", "").state is CaseState.RESOLVED
    with pytest.raises(CaseClosedError):
        act("assign", "wang")
