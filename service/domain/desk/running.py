"""Moves a case through its workflow: acts end steps, steps begin, effects are brought about.

What is beyond the case, `Hands` do: they judge conditions, and bring effects about where the case
stands by then. Every move is an entry of the case's log; entries number what happens at one moment.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from service.domain.cases import CaseAct, CaseState, PausedBy
from service.domain.desk import clocks
from service.domain.desk.business_time import later, worked
from service.domain.desk.clocks import Stroke
from service.domain.desk.handling import Document, Handling, StepRun
from service.domain.desk.workflows import Act, Awaited, Effect, EffectKind, Step
from service.domain.errors import OrderError
from service.domain.journal import Origin

# What ends a step that nobody acted at.
SKIPPED: Final = "SKIPPED"
CASE_ENDED: Final = "CASE_ENDED"


@dataclass(frozen=True, slots=True)
class EffectAsked:
    """An effect that is due, under a key that it has once ever."""

    key: str
    effect: Effect
    # `step.act`, or `step` where it comes with the begin.
    by: str


class Hands(Protocol):
    """What a turn works with."""

    def holds(self, condition: str, handling: Handling) -> bool:
        """Judge a condition, or raise `ConditionFailedError`."""

    def bring_about(self, asked: EffectAsked, turn: "Turn") -> str:
        """Bring an effect about and say what was done; refusals are raised.

        Where it concerns the order, what the turn has so far is written first, and `turn.case` is
        as it stands afterwards: facts may have ended it.
        """


class Turn:
    """One go at a case: by a person, whom refusals reach, or by itself, when they are logged."""

    def __init__(
        self, handling: Handling, hands: Hands, origin: Origin, *, at: datetime, by_itself: bool
    ) -> None:
        """Take the case as it stands, locked."""
        self._handling, self._hands, self._origin, self._at = handling, hands, origin, at
        self._by_itself = by_itself
        self._passed_over: set[str] = set()
        self.case = handling.case
        self.runs = list(handling.runs)
        self.done = list(handling.acts)
        self.acts: list[CaseAct] = []

    @property
    def origin(self) -> Origin:
        """Whose turn it is, in which trace."""
        return self._origin

    @property
    def handling(self) -> Handling:
        """The case as this turn leaves it."""
        return replace(self._handling, case=self.case, runs=tuple(self.runs), acts=tuple(self.done))

    def log(
        self, act: str, text: str = "", *, step: str = "", document: str = "", quiet: bool = False
    ) -> None:
        """Write an entry into the case's log; `quiet` where nobody did it, whoever's turn it is."""
        by_itself = self._by_itself or quiet
        self.case = self.case.noted()
        entry = CaseAct(
            self.case,
            act,
            "system" if by_itself else self._origin.actor,
            self._at,
            text,
            role="system" if by_itself else self._origin.role,
            address="" if by_itself else self._origin.address,
            step=step,
            document=document,
            is_automatic=by_itself,
        )
        self.acts.append(entry)

    def respond(self) -> None:
        """Write down that somebody did something about the case."""
        if self.case.responded_at is None and not self._by_itself:
            self.case = replace(self.case, responded_at=self._at)

    def start(self) -> None:
        """Begin the handling: its clocks, and the first steps of its workflow."""
        kind, workflow = self._handling.kind, self._handling.workflow
        self.case = clocks.started(self.case, kind, self._handling.calendar, at=self._at)
        for name in workflow.start if workflow else ():
            self._begin(name)

    def act(self, run: StepRun, step: Step, act: Act, note: str = "") -> None:
        """Do what a step allows; what it takes was checked before."""
        what = f"{step.name}.{act.name}"
        self.respond()
        self.log("ACTED", note, step=what)
        self.done.append(what)
        self._end(run, act.name)
        for number, effect in enumerate(act.effects):
            key = f"{self.case.case_id}:{step.name}:{act.name}:{run.number}:{number}"
            self._bring_about(EffectAsked(key, effect, what))
        if self.case.is_resolved:
            return
        if act.outcome:
            self.resolve(act.outcome)
        for name in act.to:
            self._begin(name)

    def document(self, document: Document) -> None:
        """Write down that a document was added."""
        self.log("DOCUMENTED", document.file_name or document.name, document=document.name)
        self._handling = replace(self._handling, documents=(*self._handling.documents, document))

    def resolve(self, outcome: str, note: str = "") -> None:
        """End the case, and every step that is active."""
        self.case = replace(self.case.resolve(outcome, at=self._at), version=self.case.version)
        self.log("RESOLVED", note or outcome)
        self.close()

    def close(self) -> None:
        """End the steps of a case that ended."""
        for run in [each for each in self.runs if each.is_active]:
            self._end(run, CASE_ENDED)
        self.case = replace(self.case, wake_at=None)

    def escalate(self, why: str) -> None:
        """Bring the case before the next role, or before the last once more."""
        roles = self._handling.kind.escalates_to
        if not roles:
            self.log("ESCALATED", why)
            return
        level = min(self.case.level + 1, len(roles))
        self.case = replace(self.case, level=level, owner_role=roles[level - 1])
        self.log("ESCALATED", f"{roles[level - 1]}: {why}")
        self.tell("case_escalated", roles[level - 1])

    def pause(self, reason: str) -> None:
        """Let the clocks stand still, by hand."""
        self.case = clocks.paused(self.case, PausedBy.HAND, reason, at=self._at)
        self.log("PAUSED", reason)

    def resume(self, note: str = "") -> None:
        """Let the clocks run again, and the timers of steps with them."""
        calendar, stopped = self._handling.calendar, self.case.paused_at
        for run in [each for each in self.runs if each.is_active and stopped]:
            if stopped and run.timer_at and run.timer_at > stopped:
                stood = worked(calendar, stopped, self._at)
                self._put(replace(run, timer_at=later(calendar, run.timer_at, stood)))
        self.case = clocks.resumed(self.case, calendar, at=self._at)
        self.log("RESUMED", note)

    def strike(self) -> None:
        """Say what the clocks say; a breach goes to the next role by itself."""
        strokes = clocks.strikes(self.case, at=self._at)
        for stroke in strokes:
            if stroke is Stroke.WARNED and Stroke.BREACHED in strokes:
                continue
            self.case = clocks.struck(self.case, stroke, at=self._at)
            self.log(stroke.value, f"due {self.case.due_at.isoformat()}", quiet=True)
            if stroke is Stroke.BREACHED:
                self.tell("case_breach", self.case.owner_role)
                self.escalate("in breach")
            else:
                self.tell("case_warning", self.case.owner_role)

    def ring(self) -> None:
        """Do what timers of steps ask for that have passed; a pause by hand holds them, too."""
        if self.case.paused_by is PausedBy.HAND:
            return
        for run in [each for each in self.runs if each.is_active]:
            step = self._handling.step(run.step)
            if run.timer_at is None or run.timer_at > self._at or step is None:
                continue
            rung = replace(run, timer_at=None)
            self._put(rung)
            act = step.act(step.timer.act) if step.timer and step.timer.act else None
            if act is None:
                self.log("TIMER", "escalates", step=step.name, quiet=True)
                self.escalate(f"{step.name} took too long")
            elif self._may(act.condition, step.name):
                self.log("TIMER", act.name, step=step.name, quiet=True)
                self.act(rung, step, act)
            if self.case.is_resolved:
                return

    def came(self, what: frozenset[Awaited]) -> None:
        """Go on where what was awaited has come."""
        for run in [each for each in self.runs if each.is_active]:
            step = self._handling.step(run.step)
            act = step.act(step.awaited_act) if step and step.awaits in what else None
            if step and act and self._may(act.condition, step.name):
                self.log("CAME", step.awaits.value, step=step.name, quiet=True)
                self.act(run, step, act)
            if self.case.is_resolved:
                return

    def settle(self, *, seen: int | None = None) -> None:
        """Let the case stand as its steps say: who owns it, what it awaits, when it wakes.

        `seen` is how far the order's journal was when it was looked at for what is awaited.
        """
        if self.case.is_resolved:
            self.close()
            return
        active = self.handling.active
        steps = [each for run in active if (each := self._handling.step(run.step))]
        self._own(active)
        stands = bool(steps) and all(each.pauses for each in steps)
        if self.case.paused_by is PausedBy.STEP and not stands:
            self.case = clocks.resumed(self.case, self._handling.calendar, at=self._at)
            self.log("RESUMED", quiet=True)
        elif self.case.paused_at is None and stands:
            reason = ",".join(each.name for each in steps)
            self.case = clocks.paused(self.case, PausedBy.STEP, reason, at=self._at)
            self.log("PAUSED", reason, quiet=True)
        awaits = tuple(sorted({each.awaits.value for each in steps} - {""}))
        is_held = self.case.paused_by is PausedBy.HAND
        timers = () if is_held else [each.timer_at for each in active]
        wake = clocks.waking(self.case, timers)
        if set(awaits) - set(self.case.awaits):
            # It may have come already.
            wake = self._at
        looked = self.case.order_seen if seen is None else seen
        self.case = replace(self.case, awaits=awaits, order_seen=looked, wake_at=wake)

    def tell(self, template: str, role: str) -> None:
        """Let a role know of the case; `{case}:{template}:{version}` is told once."""
        effect = Effect(EffectKind.NOTICE, {"template": template, "to": f"role:{role}"})
        key = f"{self.case.case_id}:{template}:{self.case.version}"
        self._hands.bring_about(EffectAsked(key, effect, ""), self)

    def _own(self, active: Sequence[StepRun]) -> None:
        """Hand the case over where a step of another role began; its person does not go along."""
        if not active:
            return
        newest = max(each.begun_n for each in active)
        told = {each.case.version for each in self.acts}
        role = active[0].role
        if newest in told and role != self.case.owner_role:
            self.case = replace(self.case, owner_role=role, assignee="", state=CaseState.OPEN)

    def _begin(self, name: str) -> None:
        step = self._handling.step(name)
        if step is None or self.case.is_resolved or not self._is_joined(step):
            return
        if any(each.step == name and each.is_active for each in self.runs):
            return
        number = 1 + sum(each.step == name for each in self.runs)
        if not self._may(step.condition, name):
            self._skip(step, number)
            return
        timer = step.timer
        due = (
            later(self._handling.calendar, self._at, timedelta(minutes=timer.minutes))
            if timer
            else None
        )
        self.log("BEGUN", step.role, step=name, quiet=True)
        self._put(StepRun(name, number, step.role, self._at, self.case.version, due))
        for index, effect in enumerate(step.on_begin):
            key = f"{self.case.case_id}:{name}:begin:{number}:{index}"
            self._bring_about(EffectAsked(key, effect, name))

    def _skip(self, step: Step, number: int) -> None:
        if step.name in self._passed_over:
            # Two steps that pass each other on: the loader refuses them, a turn ends.
            return
        self._passed_over.add(step.name)
        self.log("SKIPPED", step.condition, step=step.name, quiet=True)
        run = StepRun(step.name, number, step.role, self._at, self.case.version)
        self._put(run)
        self._end(run, SKIPPED)
        for name in step.skip_to:
            self._begin(name)

    def _is_joined(self, step: Step) -> bool:
        """Tell whether all that come together in a step have ended since it last began."""
        begun = max((each.begun_n for each in self.runs if each.step == step.name), default=0)
        ended = {
            each.step for each in self.runs if each.ended_n is not None and each.ended_n > begun
        }
        return set(step.joins) <= ended

    def _end(self, run: StepRun, act: str) -> None:
        actor = "system" if self._by_itself or act in {SKIPPED, CASE_ENDED} else self._origin.actor
        self._put(
            replace(
                run,
                ended_at=self._at,
                ended_n=self.case.version,
                act=act,
                actor=actor,
                timer_at=None,
            )
        )

    def _put(self, run: StepRun) -> None:
        key = (run.step, run.number)
        self.runs = [each for each in self.runs if (each.step, each.number) != key]
        self.runs.append(run)

    def _may(self, condition: str, step: str) -> bool:
        if not condition:
            return True
        try:
            return self._hands.holds(condition, self.handling)
        except OrderError as error:
            if not self._by_itself:
                raise
            self.log("CONDITION_FAILED", str(error), step=step)
            return False

    def _bring_about(self, asked: EffectAsked) -> None:
        kind = asked.effect.kind.value
        try:
            said = self._hands.bring_about(asked, self)
        except OrderError as error:
            if not self._by_itself:
                raise
            self.log("EFFECT_REFUSED", f"{kind}: {error}", step=asked.by)
            return
        self.log("EFFECT", f"{kind}: {said}" if said else kind, step=asked.by, quiet=True)
