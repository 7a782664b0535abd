"""Opens and handles cases; every act stands in the case's log and in the order's journal."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from service.application.case_files import CaseFile, CaseFiles, refuse_stale
from service.application.conditions import Conditions
from service.application.desk_ports import CaseLink
from service.application.handlings import CaseView
from service.application.ports import Encoder, Unit
from service.domain.cases import MERGED, Case, CaseAct, PausedBy, open_case
from service.domain.desk import cut_offs
from service.domain.desk.errors import (
    CaseNotPausedError,
    CaseNotResolvedError,
    CasePausedError,
    LoadCapReachedError,
    RoleNotAllowedError,
)
from service.domain.desk.handling import Document, refuse_act, refuse_late
from service.domain.desk.purchases import PurchaseRequest, PurchaseState
from service.domain.errors import InvalidRequestError, OrderNotFoundError
from service.domain.journal import Origin
from service.domain.terms import USUAL, Terms

RELATED: Final = "RELATED"


@dataclass(frozen=True, slots=True)
class Desk:
    """Handles cases within one transaction, on behalf of one caller."""

    unit: Unit
    encoder: Encoder
    origin: Origin
    at: datetime
    terms: Terms = USUAL
    conditions: Conditions | None = None

    def open(self, order_id: str, case_type: str, note: str, fresh_id: str) -> Case:
        """Open a case on an order, and begin its handling.

        Raises:
            InvalidRequestError: the type is not known.
            RoleNotAllowedError: the caller's role does not open such cases.
            CutOffPassedError: it is too late to ask.
            OrderNotFoundError: there is no such order.
        """
        catalogue = self.terms.catalogue
        if not catalogue.is_plain:
            self._refuse_opener(case_type)
        dossier = self.unit.open_dossiers([order_id])[order_id]
        if dossier.order is None:
            raise OrderNotFoundError(order=order_id)
        case = open_case(f"case-{fresh_id}", order_id, case_type, at=self.at, catalogue=catalogue)
        file = self._files.opened(case, dossier)
        refuse_late(file.turn.handling, cut_offs.OPEN, at=self.at)
        origin = self.origin
        file.turn.acts.append(
            CaseAct(
                case,
                "OPENED",
                origin.actor,
                self.at,
                note,
                role=origin.role,
                address=origin.address,
            )
        )
        if case.wake_at is not None:
            file.turn.start()
            file.turn.settle()
        return self._files.write(file)

    def note(self, case_id: str, text: str) -> Case:
        """Write a note into the case's log, or raise `CaseNotFoundError`."""
        file = self._files.locked(case_id)
        file.turn.respond()
        file.turn.log("NOTED", text)
        return self._files.write(file)

    def act(
        self,
        case_id: str,
        step: str,
        act: str,
        documents: Sequence[tuple[str, str]],
        *,
        note: str = "",
        etag: str = "",
    ) -> Case:
        """Do what a step allows, with the documents that come along.

        Raises:
            CaseNotFoundError, CaseClosedError, CaseChangedError, StepNotActiveError,
            RoleNotAllowedError, CutOffPassedError, DocumentsMissingError, ConditionNotMetError;
            and whatever refuses what the act brings about. Nothing is written then.
        """

        def work() -> Case:
            file = self._files.locked(case_id)
            refuse_stale(file, etag)
            turn = file.turn
            self._refuse_unfit(documents)
            papers = turn.handling.documents
            given = [
                self._document(len(papers) + number, kind, text)
                for number, (kind, text) in enumerate(documents, 1)
            ]
            foreseen = replace(turn.handling, documents=(*papers, *given))
            done = refuse_act(
                foreseen,
                step,
                act,
                role=self.origin.role,
                at=self.at,
                holds=lambda each: file.hands.holds(each, foreseen),
            )
            for document in given:
                self._add(file, document)
            turn.act(*done, note)
            turn.settle()
            return self._files.write(file)

        return self.unit.attempt(work)

    def document(self, case_id: str, document: Document) -> Case:
        """Add a document; its number, and who adds it, are ours.

        Raises:
            CaseNotFoundError, CaseClosedError, InvalidRequestError.
        """
        file = self._files.locked(case_id)
        file.turn.case.refuse_closed()
        if document.text:
            self._refuse_unfit([(document.name, document.text)])
        self._refuse_unknown([document.name])
        file.turn.respond()
        origin, number = self.origin, len(file.turn.handling.documents) + 1
        self._add(file, replace(document, number=number, actor=origin.actor, role=origin.role))
        return self._files.write(file)

    def assign(self, case_id: str, assignee: str, *, etag: str = "") -> Case:
        """Give the case to somebody.

        Raises:
            CaseNotFoundError, CaseClosedError, CaseChangedError.
            LoadCapReachedError: they have as many as one of the role may have.
        """
        file = self._files.locked(case_id)
        refuse_stale(file, etag)
        turn = file.turn
        if assignee != turn.case.assignee:
            self._refuse_overload(assignee, turn.case.owner_role)
        old = turn.case.assignee
        turn.case = replace(turn.case.assign(assignee), version=turn.case.version)
        turn.respond()
        turn.log("ASSIGNED", assignee)
        turn.settle()
        return self._files.write(file, old=old)

    def escalate(self, case_id: str, note: str, *, etag: str = "") -> Case:
        """Bring the case before the next role that its type names."""
        file = self._open_file(case_id, etag)
        file.turn.escalate(note)
        file.turn.settle()
        return self._files.write(file)

    def pause(self, case_id: str, reason: str, *, etag: str = "") -> Case:
        """Let the case's clocks stand still, or raise `CasePausedError`."""
        file = self._open_file(case_id, etag)
        if file.turn.case.paused_by is PausedBy.HAND:
            raise CasePausedError(case=case_id)
        file.turn.respond()
        # What the clocks say by now, they say before they stand.
        file.turn.strike()
        if file.turn.case.paused_at is not None:
            file.turn.resume()
        file.turn.pause(reason)
        file.turn.settle()
        return self._files.write(file)

    def resume(self, case_id: str, note: str, *, etag: str = "") -> Case:
        """Let the case's clocks run again, or raise `CaseNotPausedError`."""
        file = self._open_file(case_id, etag)
        if file.turn.case.paused_by is not PausedBy.HAND:
            raise CaseNotPausedError(case=case_id)
        file.turn.resume(note)
        file.turn.settle()
        return self._files.write(file)

    def merge(self, case_id: str, into: str, note: str, *, etag: str = "") -> Case:
        """End a case as a duplicate of another one of its order."""
        duplicate, kept = self._files.locked(case_id), self._files.locked(into)
        refuse_stale(duplicate, etag)
        turn = duplicate.turn
        turn.case.refuse_closed()
        if case_id == into or kept.turn.case.order_id != turn.case.order_id:
            advice = "name another case of the same order"
            raise InvalidRequestError((("into", advice),))
        turn.log("MERGED", f"into {into}")
        turn.case = replace(turn.case, merged_into=into)
        turn.resolve(MERGED, note)
        self.unit.link_cases(CaseLink(case_id, into, MERGED, self.origin.actor, self.at))
        case = self._files.write(duplicate)
        # Its journal went on by the duplicate's rows.
        kept.order = duplicate.order
        kept.turn.log("MERGED", f"{case_id} was a duplicate")
        self._files.write(kept)
        return case

    def link(self, case_id: str, other_id: str, note: str) -> Case:
        """Say that two cases belong together; nothing where it is said already."""
        file, other = self._files.locked(case_id), self._files.locked(other_id)
        if case_id == other_id:
            raise InvalidRequestError((("other", "name another case"),))
        link = CaseLink(case_id, other_id, RELATED, self.origin.actor, self.at)
        if not self.unit.link_cases(link):
            return file.turn.case
        file.turn.log("LINKED", note or other_id)
        other.turn.log("LINKED", note or case_id)
        self._files.write(other)
        if file.turn.case.order_id == other.turn.case.order_id:
            # Its journal went on by the other's rows.
            file.order = other.order
        return self._files.write(file)

    def resolve(self, case_id: str, outcome: str, note: str, *, etag: str = "") -> Case:
        """End the case, or raise `CaseNotFoundError`, `CaseClosedError`.

        Raises:
            RoleNotAllowedError: its workflow is under way, and it did not go up to this role.
        """
        file = self._open_file(case_id, etag)
        turn = file.turn
        handling = turn.handling
        upper = handling.kind.escalates_to[: turn.case.level]
        if handling.active and self.origin.role not in upper:
            raise RoleNotAllowedError(
                case=case_id, act="resolve", role=self.origin.role, allowed_roles=upper
            )
        turn.respond()
        turn.resolve(outcome, note)
        return self._files.write(file)

    def reopen(self, case_id: str, note: str, *, etag: str = "") -> Case:
        """Open an ended case again, from the start of its workflow.

        Raises:
            CaseNotFoundError, CaseChangedError, CaseNotResolvedError.
        """
        file = self._files.locked(case_id)
        refuse_stale(file, etag)
        turn = file.turn
        if not turn.case.is_resolved:
            raise CaseNotResolvedError(case=case_id)
        again = turn.case.reopen(at=self.at)
        turn.case = replace(again, version=turn.case.version)
        turn.log("REOPENED", note)
        if not self.terms.catalogue.is_plain:
            turn.start()
            turn.settle()
        return self._files.write(file)

    def answer_purchase(
        self, purchase_id: str, state: PurchaseState, expected_at: datetime | None, note: str
    ) -> PurchaseRequest:
        """Say what becomes of a purchase request; the case that waits goes on by itself."""
        known = self.unit.find_purchase(purchase_id)
        # An order before its case, a case before what belongs to it.
        file = self._files.locked(known.case_id) if known.case_id else None
        request = self.unit.lock_purchase(purchase_id)
        answered = request.answered(state, expected_at, at=self.at)
        self.unit.save_purchase(answered)
        if file is not None:
            file.turn.log("PURCHASE", f"{state.value} {note}".strip())
            self._files.write(file)
            self.unit.wake_case(known.case_id, at=self.at)
        return answered

    def view(self, case_id: str) -> CaseView:
        """Return a case as it stands by now in this transaction, without its log."""
        file = self._files.locked(case_id)
        return CaseView(
            file.turn.handling, self.unit.links_of(case_id), self.unit.purchases_of(case_id)
        )

    @property
    def _files(self) -> CaseFiles:
        return CaseFiles(self.unit, self.encoder, self.origin, self.at, self.terms, self.conditions)

    def _open_file(self, case_id: str, etag: str) -> CaseFile:
        file = self._files.locked(case_id)
        refuse_stale(file, etag)
        file.turn.case.refuse_closed()
        return file

    def _document(self, number: int, kind: str, text: str) -> Document:
        return Document(
            number=number,
            name=kind,
            actor=self.origin.actor,
            added_at=self.at,
            role=self.origin.role,
            text=text,
        )

    def _add(self, file: CaseFile, document: Document) -> None:
        self.unit.add_document(file.turn.case.case_id, document)
        file.turn.document(document)

    def _refuse_opener(self, case_type: str) -> None:
        known = self.terms.catalogue.types
        if case_type not in known:
            raise InvalidRequestError((("type", f"send one of: {', '.join(sorted(known))}"),))
        roles = known[case_type].opened_by_roles
        if self.origin.role not in roles:
            raise RoleNotAllowedError(
                case=case_type,
                act=cut_offs.OPEN,
                role=self.origin.role,
                allowed_roles=tuple(sorted(roles)),
            )

    def _refuse_overload(self, assignee: str, role: str) -> None:
        cap = self.terms.catalogue.load_caps.get(role)
        if cap is None:
            return
        load = self.unit.load_of(assignee)
        if load >= cap:
            raise LoadCapReachedError(assignee=assignee, role=role, open=load, cap=cap)

    def _refuse_unknown(self, kinds: Sequence[str]) -> None:
        known = self.terms.catalogue.documents
        unknown = [each for each in kinds if known and each not in known]
        if unknown:
            advice = f"send one of: {', '.join(sorted(known))}"
            raise InvalidRequestError(tuple((f"documents.{each}", advice) for each in unknown))

    def _refuse_unfit(self, documents: Sequence[tuple[str, str]]) -> None:
        self._refuse_unknown([kind for kind, _ in documents])
        known = self.terms.catalogue.documents
        unfit = [kind for kind, text in documents if kind in known and not known[kind].takes(text)]
        if unfit:
            raise InvalidRequestError(
                tuple(
                    (f"documents.{each}", f"send a {known[each].form.value} {known[each].pattern}")
                    for each in unfit
                )
            )
