"""Queues of cases, as every implementation of `Reader` tells them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from service.application.cases import Desk
from service.application.ports import Unit
from service.application.reading import CaseQuery
from service.domain.cases import Case, CaseState
from service.domain.desk.catalogue import Catalogue
from service.domain.desk.taxonomy import CaseType, Severity, Side
from service.domain.terms import Terms
from service.kafka.encoding import ProtobufEncoder
from tests.builders import an_origin
from tests.contract.conftest import Store


def a_type(name: str, side: Side, minutes: int) -> CaseType:
    return CaseType(
        name=name,
        title={},
        side=side,
        severity=Severity.NORMAL,
        owner_role="operations",
        respond_minutes=minutes,
        resolve_minutes=minutes,
        warn_minutes=0,
        calendar="",
        workflow="",
        opened_by_roles=frozenset({an_origin().role}),
        opened_by=(),
        escalates_to=(),
    )


TERMS = Terms(
    catalogue=Catalogue(
        types={
            each.name: each
            for each in (
                a_type("ADDRESS_WRONG", Side.CUSTOMER, 120),
                a_type("STAGE_OVERDUE", Side.SYSTEM, 240),
                a_type("WRONG_ITEM", Side.SUPPLY, 1_440),
            )
        }
    )
)


def desk(store: Store, act: str, *args: str) -> Case:
    def work(unit: Unit) -> Case:
        handling = Desk(unit, ProtobufEncoder(), an_origin(), store.clock(), TERMS)
        case: Case = getattr(handling, act)(*args)
        return case

    return store.storage.transact(work)


@pytest.fixture
def opened(store: Store) -> dict[str, Case]:
    """A case of the customer's side, one of ours that Wang works on, and one that ended."""
    order = store.create()
    cases = {
        kind: desk(store, "open", order.order_id, kind, "", store.fresh())
        for kind in ("ADDRESS_WRONG", "STAGE_OVERDUE", "WRONG_ITEM")
    }
    cases["STAGE_OVERDUE"] = desk(store, "assign", cases["STAGE_OVERDUE"].case_id, "wang")
    cases["WRONG_ITEM"] = desk(store, "resolve", cases["WRONG_ITEM"].case_id, "EXCHANGED", "")
    return cases


def found(store: Store, **wanted: object) -> set[str]:
    query = CaseQuery(page_size=9, channel=store.channel, at=store.clock())
    page = store.reader.cases(replace(query, **wanted))  # type: ignore[arg-type]
    return {each.type for each in page.rows}


def test_a_queue_holds_what_is_open(store: Store, opened: dict[str, Case]) -> None:
    assert found(store) == {"ADDRESS_WRONG", "STAGE_OVERDUE"}
    assert found(store, include_resolved=True) == set(opened)
    assert found(store, states=(CaseState.RESOLVED,)) == {"WRONG_ITEM"}
    assert found(store, states=(CaseState.OPEN,)) == {"ADDRESS_WRONG"}


@pytest.mark.usefixtures("opened")
def test_a_queue_is_of_a_side_a_person_and_a_channel(store: Store) -> None:
    assert found(store, side=Side.CUSTOMER) == {"ADDRESS_WRONG"}
    assert found(store, side=Side.SUPPLY) == set()
    assert found(store, assignee="wang") == {"STAGE_OVERDUE"}
    assert found(store, is_unassigned=True) == {"ADDRESS_WRONG"}
    assert found(store, channel=f"{store.channel}_of_others") == set()


def test_a_queue_is_of_what_is_urgent_or_old(store: Store, opened: dict[str, Case]) -> None:
    due = opened["ADDRESS_WRONG"].due_at - store.clock()

    assert found(store, due_within=due - timedelta(seconds=1)) == set()
    assert found(store, due_within=due) == {"ADDRESS_WRONG"}
    assert found(store, open_for=timedelta(seconds=1)) == set()
    store.clock.pass_time(due)
    assert found(store, due_within=timedelta()) == {"ADDRESS_WRONG"}
    assert found(store, open_for=due) == {"ADDRESS_WRONG", "STAGE_OVERDUE"}


def test_what_was_done_at_the_desk_is_told_in_its_order(
    store: Store, opened: dict[str, Case]
) -> None:
    order_id = opened["ADDRESS_WRONG"].order_id
    store.clock.pass_time(timedelta(minutes=1))
    desk(store, "note", opened["WRONG_ITEM"].case_id, "the blue one")

    told = store.reader.handling(order_id)

    assert {(each.case_type, each.act) for each in told} == {
        ("ADDRESS_WRONG", "OPENED"),
        ("STAGE_OVERDUE", "OPENED"),
        ("STAGE_OVERDUE", "ASSIGNED"),
        ("WRONG_ITEM", "OPENED"),
        ("WRONG_ITEM", "RESOLVED"),
        ("WRONG_ITEM", "NOTED"),
    }
    assert (told[-1].text, told[-1].actor) == ("the blue one", "clerk-7")
    assert store.reader.handling("ord-of-nobody") == []
