"""Opens and handles cases; every act stands in the case's log and in the order's journal."""

from dataclasses import dataclass
from datetime import datetime

from service.application.ports import Encoder, Unit
from service.application.recording import Decided, record, record_acts
from service.domain.cases import Case, CaseAct, open_case
from service.domain.changes import Change, ChangeKind, Named
from service.domain.errors import OrderNotFoundError
from service.domain.journal import Origin


@dataclass(frozen=True, slots=True)
class Desk:
    """Handles cases within one transaction, on behalf of one caller."""

    unit: Unit
    encoder: Encoder
    origin: Origin
    at: datetime

    def open(self, order_id: str, case_type: str, note: str, fresh_id: str) -> Case:
        """Open a case on an order.

        Raises:
            InvalidRequestError: the type is not known.
            OrderNotFoundError: there is no such order.
        """
        case = open_case(f"case-{fresh_id}", order_id, case_type, at=self.at)
        return self._write(case, "OPENED", note, old="")

    def note(self, case_id: str, text: str) -> Case:
        """Write a note into the case's log, or raise `CaseNotFoundError`."""
        case = self.unit.lock_case(case_id)
        return self._write(case.noted(), "NOTED", text, old=case.state.value)

    def assign(self, case_id: str, assignee: str) -> Case:
        """Give the case to somebody, or raise `CaseNotFoundError`, `CaseClosedError`."""
        case = self.unit.lock_case(case_id)
        return self._write(case.assign(assignee), "ASSIGNED", assignee, old=case.assignee)

    def resolve(self, case_id: str, outcome: str, note: str) -> Case:
        """End the case, or raise `CaseNotFoundError`, `CaseClosedError`."""
        case = self.unit.lock_case(case_id)
        ended = case.resolve(outcome, at=self.at)
        return self._write(ended, "RESOLVED", note, old=case.state.value)

    def _write(self, case: Case, act: str, text: str, *, old: str) -> Case:
        done = CaseAct(case, act, self.origin.actor, self.at, text)
        if case.subject and not case.order_id:
            record_acts(self.unit, [(done, self.origin)], encoder=self.encoder)
            return case
        order = self.unit.open_dossiers([case.order_id])[case.order_id].order
        if order is None:
            raise OrderNotFoundError(order=case.order_id)
        change = Change(
            kind=ChangeKind.CASE_CHANGED,
            detail=Named(case.case_id, act),
            occurred_at=self.at,
            source="operator",
            old=old,
            # The note's words stay in the case's log: they may name people.
            new=case.assignee if act == "ASSIGNED" else case.outcome or case.type,
        )
        decided = Decided(
            order=order,
            changes=((change, self.origin),),
            acts=((done, self.origin),),
        )
        record(self.unit, [decided], encoder=self.encoder, at=self.at)
        return case
