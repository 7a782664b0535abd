"""`concord workflow …`: kinds of cases, how each is handled, and files of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from clients.cli import advice, output
from clients.cli.options import AsJson, In, Language
from clients.cli.session import connected
from clients.cli.wording import named, word
from clients.sdk import Concord
from concord.workflows.v1.workflow_service_pb2 import (
    CaseType,
    CheckWorkflowResponse,
    Words,
    Workflow,
)

app = typer.Typer(help="Workflows: how each kind of case is handled.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="WORKFLOW", help="`out_of_stock`, or with `@1`.")]
File = Annotated[
    Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="A YAML file.")
]


@app.command("list")
def list_types(*, as_json: AsJson = False, language: In = None) -> None:
    """List kinds of cases: who owns them, until when, by which workflow."""
    with connected(as_json=as_json) as concord:
        found = concord.workflows.types()
    if as_json:
        output.print_json(found)
        return
    heads = ("Type", "", "Side", "Severity", "Owner", "Respond", "Resolve", "Calendar", "Workflow")
    rows = (_row(each, language) for each in found.case_types)
    output.print_all([output.table([word(head, language) for head in heads], rows)])


@app.command()
def show(workflow: Name, *, as_json: AsJson = False, language: In = None) -> None:
    """Show a workflow: steps, who acts, with which documents, and what then."""
    with connected(as_json=as_json) as concord:
        found = concord.workflows.get(workflow)
    if as_json:
        output.print_json(found)
        return
    output.print_all(_shown(found, language))


@app.command()
def check(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", exists=True, dir_okay=False, help="YAML files.")
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Try files as the service would read them; nothing is changed. Ends with 1 on a mistake."""
    with connected(as_json=as_json) as concord:
        answers = [(path, _checked(concord, path)) for path in files]
    wrong = [mistake for _, answer in answers for mistake in answer.mistakes]
    if as_json:
        output.print_json({"files": [output.as_dict(answer) for _, answer in answers]})
    else:
        for path, answer in answers:
            _tell(path, answer)
    if wrong:
        raise typer.Exit(advice.REFUSED)


@app.command()
def draw(
    workflow: Annotated[str, typer.Argument(metavar="WORKFLOW", help="A name, or a YAML file.")],
    *,
    language: Annotated[
        Language, typer.Option("--lang", help="In which words.", envvar="CONCORD_LANG")
    ] = Language.ZH,
) -> None:
    """Draw a workflow as a Mermaid flow chart, for pages that show such."""
    path = Path(workflow)
    with connected() as concord:
        if path.suffix in {".yaml", ".yml"}:
            drawn = concord.workflows.draw(text=path.read_text("utf-8"), language=language.value)
        else:
            drawn = concord.workflows.draw(workflow, language=language.value)
    typer.echo(drawn.mermaid, nl=False)


def _checked(concord: Concord, path: Path) -> CheckWorkflowResponse:
    return concord.workflows.check(path.read_text("utf-8", errors="replace"), file=str(path))


def _tell(path: Path, answer: CheckWorkflowResponse) -> None:
    for each in answer.mistakes:
        typer.echo(f"{each.file}:{each.line}:{each.column}: {each.what}; {each.advice}")
    if not answer.mistakes:
        steps = len(answer.workflow.steps)
        typer.echo(f"{path}: {answer.workflow.name.partition('/')[2]} is fine, {steps} steps")


def _row(each: CaseType, language: Language | None) -> tuple[str, ...]:
    return (
        each.type,
        said(each.title, language),
        named(each.side, language),
        named(each.severity, language),
        each.owner_role,
        span(each.respond_minutes),
        span(each.resolve_minutes),
        each.calendar,
        each.workflow.partition("/")[2],
    )


def _shown(found: Workflow, language: Language | None) -> Iterator[RenderableType]:
    yield Text(f"{found.name.partition('/')[2]}  {said(found.title, language)}", style="bold")
    rows = []
    for step in found.steps:
        for number, act in enumerate(step.acts):
            first = number == 0
            rows.append(
                (
                    (f"▶ {step.step}" if step.step in found.start else step.step) if first else "",
                    said(step.title, language) if first else "",
                    step.role if first else "",
                    act.act,
                    ", ".join(act.documents),
                    ", ".join(act.to) or f"■ {act.outcome}",
                    _notes(step, act),
                )
            )
    heads = ("Step", "", "Role", "Act", "Documents", "Leads to", "")
    yield output.table([word(head, language) for head in heads], rows)


def _notes(step: Workflow.Step, act: Workflow.Act) -> str:
    told = [f"if {act.condition}"] if act.condition else []
    if act.act == step.awaited_act:
        told.append(f"by itself: {step.awaits}")
    if step.timer_minutes and act.act == step.timer_act:
        told.append(f"by itself after {span(step.timer_minutes)}")
    return "; ".join([*told, *(each.kind for each in act.effects)])


def said(words: Words, language: Language | None) -> str:
    """Return words in one language, or in both."""
    if language is None:
        return f"{words.zh} {words.en}"
    return words.zh if language is Language.ZH else words.en


def span(minutes: int) -> str:
    """Return minutes as files have them: `30m`, `2h`."""
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"
