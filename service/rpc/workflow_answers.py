"""Kinds of cases and workflows as messages."""

from collections.abc import Iterable

from concord.workflows.v1 import workflow_service_pb2 as pb
from service.catalogue.marked import Mistake
from service.domain.desk.catalogue import Catalogue
from service.domain.desk.taxonomy import CaseType, Words
from service.domain.desk.workflows import Act, Effect, Step, Workflow


def case_type(kind: CaseType, catalogue: Catalogue) -> pb.CaseType:
    """Return a kind of case, with the version that a new case begins with."""
    newest = catalogue.newest(kind.workflow) if kind.workflow else None
    return pb.CaseType(
        type=kind.name,
        title=words(kind.title),
        side=kind.side.value,
        severity=kind.severity.value,
        owner_role=kind.owner_role,
        respond_minutes=kind.respond_minutes,
        resolve_minutes=kind.resolve_minutes,
        warn_minutes=kind.warn_minutes,
        calendar=kind.calendar,
        workflow=f"workflows/{newest.key}" if newest else "",
        opened_by_roles=sorted(kind.opened_by_roles),
        opened_by=kind.opened_by,
        escalates_to=kind.escalates_to,
        cut_offs=[
            pb.CaseType.CutOff(
                name=each.name,
                guards=each.guards,
                moment=each.moment.value,
                minutes=each.minutes,
                reason=words(each.reason),
            )
            for each in kind.cut_offs
        ],
    )


def workflow(found: Workflow, *, with_steps: bool = True) -> pb.Workflow:
    """Return a workflow."""
    return pb.Workflow(
        name=f"workflows/{found.key}",
        title=words(found.title),
        start=found.start,
        steps=[_step(each) for each in found.steps.values()] if with_steps else (),
        digest=found.digest,
    )


def mistakes(found: Iterable[Mistake]) -> list[pb.CheckWorkflowResponse.Mistake]:
    """Return what is wrong with a file."""
    return [
        pb.CheckWorkflowResponse.Mistake(
            file=each.file,
            line=each.line,
            column=each.column,
            what=each.what,
            advice=each.advice,
        )
        for each in found
    ]


def words(told: Words) -> pb.Words:
    """Return the same words in each language."""
    return pb.Words(zh=told.get("zh", ""), en=told.get("en", ""))


def _step(step: Step) -> pb.Workflow.Step:
    return pb.Workflow.Step(
        step=step.name,
        title=words(step.title),
        role=step.role,
        acts=[_act(step, each) for each in step.acts],
        condition=step.condition,
        skip_to=step.skip_to,
        joins=step.joins,
        awaits=step.awaits.value,
        awaited_act=step.awaited_act,
        pauses=step.pauses,
        timer_minutes=step.timer.minutes if step.timer else 0,
        timer_act=step.timer.act if step.timer else "",
        on_begin=[_effect(each) for each in step.on_begin],
    )


def _act(step: Step, act: Act) -> pb.Workflow.Act:
    return pb.Workflow.Act(
        act=act.name,
        title=words(act.title),
        to=act.to,
        outcome=act.outcome,
        documents=(*step.documents, *act.documents),
        condition=act.condition,
        effects=[_effect(each) for each in act.effects],
    )


def _effect(effect: Effect) -> pb.Workflow.Effect:
    return pb.Workflow.Effect(kind=effect.kind.value, values=dict(effect.values))
