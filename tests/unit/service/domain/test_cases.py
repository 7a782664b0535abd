"""Cases: who must act until when, and what may still be done."""

from datetime import timedelta

import pytest

from service import catalogue
from service.domain.cases import Case, CaseState, open_case
from service.domain.contradictions import DiscrepancyKind
from service.domain.desk.business_time import later
from service.domain.errors import CaseClosedError
from tests.builders import EVENING, NOON

SHIPPED = catalogue.load()


def a_case(case_type: str = "PAID_AFTER_CANCEL") -> Case:
    return open_case("case-1", "ord-1", case_type, at=NOON, catalogue=SHIPPED)


@pytest.mark.parametrize("case_type", SHIPPED.types)
def test_a_case_has_the_owner_and_the_time_of_its_type(case_type: str) -> None:
    case, kind = a_case(case_type), SHIPPED.types[case_type]

    assert case.owner_role == kind.owner_role
    assert case.owner_role in SHIPPED.roles
    assert (case.side, case.severity) == (kind.side, kind.severity)
    calendar = SHIPPED.calendars.get(kind.calendar)
    assert case.due_at == later(calendar, NOON, timedelta(minutes=kind.resolve_minutes))
    # The clockwork begins its handling.
    assert case.wake_at == NOON


def test_every_contradiction_has_a_case_type() -> None:
    assert {each.value for each in DiscrepancyKind} <= set(SHIPPED.types)


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


def test_what_opens_cases_by_itself_is_never_refused_a_type() -> None:
    case = a_case("NO_SUCH_TYPE")

    # Nobody told how it is handled: it goes by no clock, and a person decides.
    assert (case.state, case.workflow, case.wake_at) == (CaseState.OPEN, "", None)
