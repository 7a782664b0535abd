"""Puts a case together with what its handling goes by."""

from collections.abc import Sequence
from dataclasses import dataclass

from service.application.desk_ports import CaseLink, CasePapers
from service.domain.cases import Case, CaseAct
from service.domain.deciding import Dossier
from service.domain.desk.catalogue import PLAIN
from service.domain.desk.cut_offs import Moments, planned_shipping
from service.domain.desk.handling import Handling
from service.domain.desk.purchases import PurchaseRequest
from service.domain.desk.taxonomy import CaseType, Moment
from service.domain.lifecycle import State
from service.domain.terms import Terms
from service.domain.truth import derive


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case as people see it: how it is handled, and what belongs to it."""

    handling: Handling
    links: Sequence[CaseLink] = ()
    purchases: Sequence[PurchaseRequest] = ()
    log: Sequence[CaseAct] = ()


def handling_of(terms: Terms, case: Case, dossier: Dossier | None, papers: CasePapers) -> Handling:
    """Return a case with its type, its version of its workflow, and what was done so far."""
    catalogue = terms.catalogue
    is_known = case.type in catalogue.types
    kind = (catalogue if is_known else PLAIN).type(case.type)
    return Handling(
        case=case,
        kind=kind,
        workflow=catalogue.workflows.get(case.workflow),
        calendar=catalogue.calendars.get(case.calendar),
        runs=papers.runs,
        documents=papers.documents,
        moments=_moments(terms, case, kind, dossier),
        acts=papers.acts,
    )


def _moments(terms: Terms, case: Case, kind: CaseType, dossier: Dossier | None) -> Moments:
    if not kind.cut_offs:
        return {}
    found = {Moment.CASE_OPENED: case.opened_at}
    truth = derive(dossier.facts) if dossier and dossier.order else None
    if truth is None:
        return found
    promise, paid = terms.catalogue.promise, truth.entered.get(State.PAID)
    calendar = terms.catalogue.calendars.get(promise.calendar) if promise else None
    if paid and truth.is_paid and promise and calendar:
        planned = planned_shipping(promise, calendar, paid.occurred_at)
        if planned:
            found[Moment.PLANNED_SHIPPING] = planned
    delivered = truth.entered.get(State.DELIVERED)
    if delivered:
        found[Moment.DELIVERED] = delivered.occurred_at
    return found
