"""`concord case …`: exception orders in handling."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from clients.cli import config, formats, output
from clients.cli.options import AsJson, In, Language, Limit, OrderName, RequestId
from clients.cli.session import connected, name_of
from clients.cli.wording import code_of, named
from concord.cases.v1.case_service_pb2 import Case

app = typer.Typer(help="Cases: exception orders in handling.", no_args_is_help=True)

CaseName = Annotated[str, typer.Argument(metavar="CASE", help="`case-…`.")]
Note = Annotated[str, typer.Option("--note", help="More words.")]


@app.command("open")
def open_case(
    order: OrderName,
    case_type: Annotated[str, typer.Argument(metavar="TYPE", help="DUPLICATE_CHARGE …")],
    *,
    note: Note = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Open a case on an order."""
    with connected(as_json=as_json) as concord:
        name = name_of(concord, order)
        _print(concord.cases.open(name, case_type, note=note, request_id=request_id), as_json)


@app.command("list")
def list_cases(
    *,
    order: Annotated[str, typer.Option(help="Only of this order.")] = "",
    role: Annotated[str, typer.Option(help="Only this role's.")] = "",
    case_type: Annotated[str, typer.Option("--type", help="Only this type.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Also those that ended.")] = False,
    limit: Limit = 50,
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """List cases, most urgent first."""
    with connected(as_json=as_json) as concord:
        where: dict[str, Any] = {
            "order": name_of(concord, order),
            "owner_role": role,
            "type": case_type,
            "include_resolved": every,
            "page_size": min(limit, 500),
        }
        found = list(islice(concord.cases.list(**where), limit))
    if as_json:
        output.print_json({"cases": [output.as_dict(each) for each in found]})
        return
    now = config.now()
    rows = (
        (
            each.name,
            each.order or each.subject,
            each.type,
            _state(each, language),
            each.owner_role,
            each.assignee,
            _due(each, formats.until(each.due_time, now)),
        )
        for each in found
    )
    heads = ("Case", "Order", "Type", "State", "Owner", "Assignee", "Due")
    output.print_all([output.table(heads, rows)])
    if not found:
        output.note("No case matches.")


@app.command()
def show(case: CaseName, *, as_json: AsJson = False, language: In = None) -> None:
    """Show one case with its log."""
    with connected(as_json=as_json) as concord:
        _print(concord.cases.get(case), as_json, language)


@app.command()
def note(
    case: CaseName,
    text: Annotated[str, typer.Argument(metavar="TEXT")],
    *,
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Write a note into the case's log."""
    with connected(as_json=as_json) as concord:
        _print(concord.cases.add_note(case, text, request_id=request_id), as_json)


@app.command()
def assign(
    case: CaseName,
    assignee: Annotated[str, typer.Argument(metavar="PERSON")],
    *,
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Give the case to somebody."""
    with connected(as_json=as_json) as concord:
        _print(concord.cases.assign(case, assignee, request_id=request_id), as_json)


@app.command()
def resolve(
    case: CaseName,
    outcome: Annotated[str, typer.Argument(metavar="OUTCOME", help="REFUNDED, EXPLAINED …")],
    *,
    note: Note = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """End the case."""
    with connected(as_json=as_json) as concord:
        _print(concord.cases.resolve(case, outcome, note=note, request_id=request_id), as_json)


def _print(case: Case, as_json: bool, language: Language | None = None) -> None:  # noqa: FBT001
    if as_json:
        output.print_json(case)
    else:
        output.print_all(_details(case, language))


def _details(case: Case, language: Language | None) -> Iterator[RenderableType]:
    side = code_of(Case.Class, getattr(case, "class"), "CLASS_")
    yield output.pairs(
        [
            ("case", case.name),
            ("order", case.order),
            ("about", case.subject),
            ("type", case.type),
            ("side", "" if side == "UNSPECIFIED" else side),
            ("state", _state(case, language)),
            ("owner", case.owner_role),
            ("assignee", case.assignee),
            ("opened", formats.time(case.open_time)),
            ("due", formats.time(case.due_time)),
            ("resolved", formats.time(case.resolve_time)),
            ("outcome", case.outcome),
        ]
    )
    if case.log:
        rows = (
            (formats.time(entry.act_time), entry.act, entry.actor, entry.text) for entry in case.log
        )
        yield output.table(("When", "Act", "Who", "Said"), rows)


def _state(case: Case, language: Language | None) -> str:
    return named(code_of(Case.State, case.state, "STATE_"), language)


def _due(case: Case, shown: str) -> str:
    """Return the countdown of a case that still runs."""
    return shown if case.due_time.seconds and not case.resolve_time.seconds else ""
