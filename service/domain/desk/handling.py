"""A case with all that its handling goes by, and what may be done about it: the only place."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from service.domain.cases import Case
from service.domain.desk import cut_offs
from service.domain.desk.calendars import Calendar
from service.domain.desk.cut_offs import Moments
from service.domain.desk.errors import (
    ConditionNotMetError,
    CutOffPassedError,
    DocumentsMissingError,
    RoleNotAllowedError,
    StepNotActiveError,
)
from service.domain.desk.taxonomy import CaseType
from service.domain.desk.workflows import Act, Step, Workflow


@dataclass(frozen=True, slots=True)
class StepRun:
    """One time that a step was active; `begun_n` and `ended_n` count the case's log."""

    step: str
    number: int
    role: str
    begun_at: datetime
    begun_n: int
    timer_at: datetime | None = None
    ended_at: datetime | None = None
    ended_n: int | None = None
    act: str = ""
    actor: str = ""

    @property
    def is_active(self) -> bool:
        """Somebody must act, or something must come."""
        return self.ended_at is None


@dataclass(frozen=True, slots=True)
class Document:
    """A document of a case: a text, or where a file lies, and what it was when it came."""

    number: int
    name: str
    actor: str
    added_at: datetime
    role: str = ""
    text: str = ""
    location: str = ""
    file_name: str = ""
    media_type: str = ""
    size: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Handling:
    """One case, how its type is handled, and what was done so far."""

    case: Case
    kind: CaseType
    workflow: Workflow | None = None
    calendar: Calendar | None = None
    runs: tuple[StepRun, ...] = ()
    documents: tuple[Document, ...] = ()
    moments: Moments = field(default_factory=lambda: MappingProxyType({}))
    # What was done, oldest first, as `step.act`.
    acts: tuple[str, ...] = ()

    @property
    def active(self) -> tuple[StepRun, ...]:
        """The steps that are under way, in the order in which they began."""
        found = [each for each in self.runs if each.is_active]
        return tuple(sorted(found, key=lambda each: (each.begun_n, each.step)))

    def step(self, name: str) -> Step | None:
        """Return a step of the case's version of its workflow, or None."""
        return self.workflow.steps.get(name) if self.workflow else None


@dataclass(frozen=True, slots=True)
class AllowedAct:
    """What the workflow lets people do now, and what it takes."""

    step: str
    act: str
    roles: tuple[str, ...]
    missing: tuple[str, ...]
    condition: str
    until: datetime | None


Holds = Callable[[str], bool]


def allowed(handling: Handling) -> tuple[AllowedAct, ...]:
    """Return what may be done at the active steps, by whom, with what and until when."""
    found = []
    for run in handling.active:
        step = handling.step(run.step)
        for act in step.acts if step else ():
            assert step is not None, "it has acts"  # noqa: S101
            found.append(
                AllowedAct(
                    step.name,
                    act.name,
                    roles_at(handling, step),
                    missing(handling, step, act),
                    act.condition,
                    cut_offs.last_moment(
                        handling.kind.cut_offs, f"{step.name}.{act.name}", handling.moments
                    ),
                )
            )
    return tuple(found)


def roles_at(handling: Handling, step: Step) -> tuple[str, ...]:
    """Return whose people may act at a step: its role's, and those that the case went up to."""
    return tuple(dict.fromkeys((step.role, *handling.kind.escalates_to[: handling.case.level])))


def missing(handling: Handling, step: Step, act: Act) -> tuple[str, ...]:
    """Return the documents that an act takes and that are not there.

    What an earlier act took is used up: days of delay that were told are no news the next time,
    and an approval approves once. Another of its kind must have come since the step began.
    """
    taken = {name for what in handling.acts for name in _documents_of(handling, what)}
    begun = max((each.begun_at for each in handling.active if each.step == step.name), default=None)
    there = {
        each.name
        for each in handling.documents
        if each.name not in taken or begun is None or each.added_at >= begun
    }
    needed = dict.fromkeys((*step.documents, *act.documents))
    return tuple(each for each in needed if each not in there)


def _documents_of(handling: Handling, what: str) -> tuple[str, ...]:
    name, _, act_name = what.partition(".")
    step = handling.step(name)
    act = step.act(act_name) if step else None
    return (*step.documents, *act.documents) if step and act else ()


def refuse_act(
    handling: Handling,
    step_name: str,
    act_name: str,
    *,
    role: str,
    at: datetime,
    holds: Holds,
) -> tuple[StepRun, Step, Act]:
    """Return what is to be done, or refuse it.

    Raises:
        CaseClosedError, StepNotActiveError, RoleNotAllowedError, CutOffPassedError,
        DocumentsMissingError, ConditionNotMetError.
    """
    handling.case.refuse_closed()
    run, step, act = _find(handling, step_name, act_name)
    what = f"{step.name}.{act.name}"
    roles = roles_at(handling, step)
    if role not in roles:
        raise RoleNotAllowedError(
            case=handling.case.case_id, act=what, role=role, allowed_roles=roles
        )
    refuse_late(handling, what, at=at)
    lacking = missing(handling, step, act)
    if lacking:
        raise DocumentsMissingError(case=handling.case.case_id, act=what, missing=lacking)
    if act.condition and not holds(act.condition):
        raise ConditionNotMetError(case=handling.case.case_id, act=what, condition=act.condition)
    return run, step, act


def refuse_late(handling: Handling, what: str, *, at: datetime) -> None:
    """Raise `CutOffPassedError` where this may not be asked any more."""
    late = cut_offs.passed(handling.kind.cut_offs, what, handling.moments, at=at)
    if late:
        cut_off, until = late
        raise CutOffPassedError(
            act=what,
            cut_off=cut_off.name,
            until=until.isoformat(),
            explanation=cut_off.reason.get("zh", ""),
            explanation_en=cut_off.reason.get("en", ""),
        )


def _find(handling: Handling, step_name: str, act_name: str) -> tuple[StepRun, Step, Act]:
    found = []
    for run in handling.active:
        step = handling.step(run.step)
        act = step.act(act_name) if step and step_name in {"", run.step} else None
        if step and act:
            found.append((run, step, act))
    if len(found) != 1:
        raise StepNotActiveError(
            case=handling.case.case_id,
            act=f"{step_name}.{act_name}" if step_name else act_name,
            allowed_acts=acts_of(handling),
        )
    return found[0]


def acts_of(handling: Handling) -> tuple[str, ...]:
    """Return the acts of the active steps, as `step.act`."""
    return tuple(f"{each.step}.{each.act}" for each in allowed(handling))
