"""Opens the file of a case within a transaction, and writes back what was done with it.

A file is a locked case with its order and a turn at it. Files are written together: what many
clocks say at one moment is stored in a few statements.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from service.application.case_contexts import CaseContexts
from service.application.conditions import Conditions
from service.application.desk_ports import CasePapers
from service.application.effects import (
    BESIDE_THE_ORDER,
    SOURCE,
    Cause,
    Effects,
    asked_back,
)
from service.application.handlings import handling_of
from service.application.ports import Encoder, Unit
from service.application.recording import Decided, record, record_acts
from service.domain.cases import Case, CaseAct
from service.domain.changes import Change, ChangeKind, Named
from service.domain.deciding import Dossier
from service.domain.desk.awaited import come
from service.domain.desk.errors import CaseChangedError
from service.domain.desk.handling import Handling, StepRun, acts_of
from service.domain.desk.notices import NoticeAsked
from service.domain.desk.purchases import PurchaseState
from service.domain.desk.running import EffectAsked, Turn
from service.domain.desk.workflows import Awaited, EffectKind
from service.domain.errors import ConditionFailedError
from service.domain.facts import FactKind
from service.domain.journal import Origin
from service.domain.order import Order
from service.domain.terms import USUAL, Terms
from service.domain.truth import derive

SYSTEM: Final = Origin("system", "system")


@dataclass
class CaseFile:
    """A locked case with its order, and a turn at it."""

    turn: Turn
    dossier: Dossier | None
    order: Order | None
    hands: "CaseHands"
    stored: set[StepRun] = field(default_factory=set)
    notices: list[NoticeAsked] = field(default_factory=list)
    # What was stored of the case; it is stored again only where it differs.
    kept: Case | None = None


def refuse_stale(file: CaseFile, etag: str) -> None:
    """Raise `CaseChangedError` unless the etag is empty or the present one."""
    case, handling = file.turn.case, file.turn.handling
    if etag and etag != case.etag:
        raise CaseChangedError(
            case=case.case_id,
            etag=case.etag,
            expected_etag=etag,
            state=case.state.value,
            steps=tuple(each.step for each in handling.active),
            allowed_acts=acts_of(handling),
        )


@dataclass(frozen=True, slots=True)
class CaseFiles:
    """Opens files and writes them, within one transaction, for a caller or for nobody."""

    unit: Unit
    encoder: Encoder
    origin: Origin
    at: datetime
    terms: Terms = USUAL
    conditions: Conditions | None = None
    by_itself: bool = False

    def locked(self, case_id: str) -> CaseFile:
        """Lock a case and its order, or raise `CaseNotFoundError`."""
        case = self.unit.lock_case(case_id)
        dossier = self.unit.open_dossiers([case.order_id])[case.order_id] if case.order_id else None
        papers = self.unit.papers([case_id]).get(case_id, CasePapers())
        return self.opened(case, dossier, papers)

    def opened(
        self, case: Case, dossier: Dossier | None, papers: CasePapers | None = None
    ) -> CaseFile:
        """Return the file of a case that is locked, or not stored yet."""
        papers = papers or CasePapers()
        handling = handling_of(self.terms, case, dossier, papers)
        hands = CaseHands(self)
        origin = self.origin
        if self.by_itself:
            # What goes on by itself goes on in the trace that opened the case.
            origin = replace(origin, traceparent=case.traceparent)
        turn = Turn(handling, hands, origin, at=self.at, by_itself=self.by_itself)
        order = dossier.order if dossier else None
        file = CaseFile(turn, dossier, order, hands, set(papers.runs), kept=case)
        hands.file = file
        return file

    def look(self, file: CaseFile) -> None:
        """Do what the case asks for by itself: begin, strike, ring, go on."""
        turn = file.turn
        if turn.case.is_resolved:
            turn.close()
            return
        if turn.case.begun_at is None:
            turn.start()
        turn.strike()
        turn.ring()
        awaited = {each for run in turn.handling.active for each in self._awaits(turn, run)}
        if awaited and not turn.case.is_resolved:
            turn.came(self._come(file, awaited))
        turn.settle(seen=file.order.sequence if file.order else 0)

    def write(self, file: CaseFile, *, old: str = "") -> Case:
        """Write down what a turn did; return the case as it is stored."""
        self.write_all([file], old=old)
        return file.turn.case

    def write_all(self, files: Sequence[CaseFile], *, old: str = "") -> None:
        """Write down what turns did, of cases of as many orders."""
        decided, owners, apart = [], [], list[tuple[CaseAct, Origin]]()
        for file in files:
            acts = _taken(file)
            pairs = tuple((each, _origin_of(each, file.turn.origin)) for each in acts)
            if not acts:
                if file.turn.case != file.kept:
                    self.unit.save_case(file.turn.case)
            elif file.order is None:
                apart.extend(pairs)
            else:
                changes = tuple((_change(act, old), origin) for act, origin in pairs)
                decided.append(Decided(order=file.order, changes=changes, acts=pairs))
                owners.append(file)
        if apart:
            record_acts(self.unit, apart, encoder=self.encoder)
        if decided:
            orders = record(self.unit, decided, encoder=self.encoder, at=self.at)
            for file, order in zip(owners, orders, strict=True):
                file.order = order
        self.unit.save_runs({file.turn.case.case_id: _fresh_runs(file) for file in files})
        self.unit.queue_notices([each for file in files for each in file.notices], at=self.at)
        for file in files:
            file.notices.clear()
            file.stored.update(file.turn.runs)
            file.kept = file.turn.case

    def _awaits(self, turn: Turn, run: StepRun) -> tuple[Awaited, ...]:
        step = turn.handling.step(run.step)
        return (step.awaits,) if step and step.awaits is not Awaited.NOTHING else ()

    def _come(self, file: CaseFile, awaited: set[Awaited]) -> frozenset[Awaited]:
        truth = derive(file.dossier.facts) if file.dossier and file.order else None
        found = come(truth) if truth else frozenset()
        if Awaited.PURCHASE in awaited:
            asked = self.unit.purchases_of(file.turn.case.case_id)
            if asked and all(each.state is PurchaseState.ARRIVED for each in asked):
                found |= {Awaited.PURCHASE}
        return found & awaited


class CaseHands:
    """What a turn works with: conditions, and effects that are brought about as it goes."""

    file: CaseFile

    def __init__(self, files: CaseFiles) -> None:
        """Take the transaction."""
        self._files = files

    def holds(self, condition: str, handling: Handling) -> bool:
        """Judge a condition, or raise `ConditionFailedError`."""
        conditions, files = self._files.conditions, self._files
        if conditions is None:
            raise ConditionFailedError(condition=condition, problem="nobody judges conditions here")
        contexts = CaseContexts(files.unit, files.at)
        context = contexts.context(condition, handling, self.file.order)
        return conditions.holds(condition, context)

    def bring_about(self, asked: EffectAsked, turn: Turn) -> str:
        """Bring an effect about and say what was done; refusals are raised."""
        files, file, case = self._files, self.file, turn.case
        cause = Cause(
            key=asked.key,
            order_id=case.order_id,
            case_id=case.case_id,
            values=_values(file),
            severity=case.severity,
        )
        effects = Effects(files.unit, files.encoder, turn.origin, files.at, files.terms)
        if asked.effect.kind is EffectKind.NOTICE:
            notice = effects.notice_of(asked.effect.values, cause)
            file.notices.append(notice)
            return f"{notice.template} to {notice.recipient}"
        if asked.effect.kind in BESIDE_THE_ORDER:
            return effects.bring_about(asked.effect, cause)
        files.write(file)
        said = effects.bring_about(asked.effect, cause)
        # Facts that the effect brought may have ended the case.
        turn.case = files.unit.lock_case(case.case_id)
        file.dossier = files.unit.open_dossiers([case.order_id])[case.order_id]
        file.order, file.kept = file.dossier.order, turn.case
        return said


def _origin_of(act: CaseAct, origin: Origin) -> Origin:
    return replace(SYSTEM, traceparent=origin.traceparent) if act.is_automatic else origin


def _taken(file: CaseFile) -> list[CaseAct]:
    """Return what a turn did since it was last written; the last act tells how the case stands."""
    acts, file.turn.acts = file.turn.acts, []
    if acts:
        acts[-1] = replace(acts[-1], case=file.turn.case)
    return acts


def _fresh_runs(file: CaseFile) -> list[StepRun]:
    return [each for each in file.turn.runs if each not in file.stored]


def _change(act: CaseAct, old: str) -> Change:
    case = act.case
    # The words of notes and documents stay in the case's log: they may name people.
    new = {"ASSIGNED": case.assignee, "RESOLVED": case.outcome}.get(act.act, "")
    return Change(
        kind=ChangeKind.CASE_CHANGED,
        detail=Named(case.case_id, act.act),
        occurred_at=act.at,
        source="system" if act.is_automatic else "operator",
        old=old,
        new=new or act.step or act.document or case.type,
        reason=act.role if act.step else "",
    )


def _values(file: CaseFile) -> Mapping[str, str]:
    """Return what messages about a case may say."""
    case, order = file.turn.case, file.order
    title = file.turn.handling.kind.title
    values = {
        "case": case.case_id,
        "type": f"{title.get('zh', '')} {case.type}".strip(),
        "due": case.due_at.isoformat(timespec="minutes"),
        "assignee": case.assignee,
        # Of money or a feed without an order: who told of it.
        "channel": case.subject.partition("/")[0],
    }
    if order is not None:
        values |= {
            "order": order.order_id,
            "order_number": order.refs[0].value if order.refs else order.order_id,
            "channel": order.channel,
            "amount": _amount(file, order),
            "items": ", ".join(f"{each.sku} × {each.quantity}" for each in order.lines[:20]),
        }
    # The newest of each kind, which is last.
    values |= {each.name: each.text for each in file.turn.handling.documents if each.text}
    values["reason"] = values.get("cause", "")
    return {name: value for name, value in values.items() if value}


def _amount(file: CaseFile, order: Order) -> str:
    """Return what is to go back by this case, or what went back; in minor units, `19900 CNY`."""
    workflow = file.turn.handling.workflow
    acts = [act for step in workflow.steps.values() for act in step.acts] if workflow else []
    kinds = [
        effect.values.get("amount", "all")
        for act in acts
        for effect in act.effects
        if effect.kind is EffectKind.REFUND
    ]
    amount = asked_back(order, kinds[0] if kinds else "all")
    if amount.minor <= 0 and file.dossier is not None:
        gone = [
            each.amount
            for each in sorted(file.dossier.facts, key=lambda each: each.when)
            if each.kind is FactKind.REFUND_REQUESTED and each.source == SOURCE and each.amount
        ]
        amount = gone[-1] if gone else amount
    return f"{amount.minor} {amount.currency}" if amount.minor > 0 else ""
