"""Cases: who must act until when, and what may still be done."""

import pytest

from service.domain.cases import CASE_TYPES, Case, CaseState, open_case
from service.domain.contradictions import DiscrepancyKind
from service.domain.errors import CaseClosedError
from service.domain.sentences import ROLES_ZH
from tests.builders import EVENING, NOON


def a_case(case_type: str = "PAID_AFTER_CANCEL") -> Case:
    return open_case("case-1", "ord-1", case_type, at=NOON)


@pytest.mark.parametrize("case_type", CASE_TYPES)
def test_a_case_has_the_owner_and_the_time_of_its_type(case_type: str) -> None:
    case = a_case(case_type)

    assert case.owner_role == CASE_TYPES[case_type].owner_role
    assert case.owner_role in ROLES_ZH
    assert case.due_at == NOON + CASE_TYPES[case_type].sla
    assert case.due_at > NOON


def test_every_contradiction_has_a_case_type() -> None:
    assert {each.value for each in DiscrepancyKind} <= set(CASE_TYPES)


def test_every_act_raises_the_version() -> None:
    case = a_case().assign("wang").noted().resolve("REFUNDED", at=EVENING)

    assert case.version == 4
    assert (case.state, case.assignee) == (CaseState.RESOLVED, "wang")
    assert (case.outcome, case.resolved_at) == ("REFUNDED", EVENING)


def test_a_resolved_case_takes_notes_only() -> None:
    resolved = a_case().resolve("REFUNDED", at=EVENING)

    assert resolved.noted().version == 3
    with pytest.raises(CaseClosedError):
        resolved.assign("wang")
    with pytest.raises(CaseClosedError):
        resolved.resolve("AGAIN", at=EVENING)


def test_a_case_of_an_unknown_type_is_not_opened() -> None:
    with pytest.raises(KeyError):
        a_case("NO_SUCH_TYPE")
