"""`concord case …`: exception orders in handling."""

from __future__ import annotations

import mimetypes
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from clients.cli import case_queue, config, output
from clients.cli.case_details import case_parts
from clients.cli.options import AsJson, Etag, In, Language, OrderName, RequestId
from clients.cli.session import connected, name_of
from clients.sdk import Concord
from concord.cases.v1.case_service_pb2 import Case

app = typer.Typer(help="Cases: exception orders in handling.", no_args_is_help=True)

app.command("list")(case_queue.list_cases)
app.command("watch")(case_queue.watch)
app.command("count")(case_queue.count)
app.command("stats")(case_queue.stats)

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


@app.command()
def show(case: CaseName, *, as_json: AsJson = False, language: In = None) -> None:
    """Show one case: its steps, what may be done, its documents and its log."""
    with connected(as_json=as_json) as concord:
        _print(concord.cases.get(case), as_json, language)


@app.command()
def act(  # noqa: PLR0913  # Each parameter is an option of the command.
    case: CaseName,
    act: Annotated[str, typer.Argument(metavar="ACT", help="As `show` names it.")],
    *,
    step: Annotated[str, typer.Option(help="Where several active steps have this act.")] = "",
    documents: Annotated[
        list[str] | None,
        typer.Option("--doc", "-d", help="KIND=TEXT, such as approval_number=FIN-118; repeatable."),
    ] = None,
    note: Note = "",
    etag: Etag = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Do what a step of the case's workflow allows."""
    given = dict(_document(each) for each in documents or [])
    _do(
        as_json,
        lambda concord: concord.cases.act(
            case, act, step=step, documents=given, note=note, etag=etag, request_id=request_id
        ),
    )


@app.command()
def note(
    case: CaseName,
    text: Annotated[str, typer.Argument(metavar="TEXT")],
    *,
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Write a note into the case's log."""
    _do(as_json, lambda concord: concord.cases.add_note(case, text, request_id=request_id))


@app.command()
def document(
    case: CaseName,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="return_receipt, photo …")],
    text: Annotated[str, typer.Argument(metavar="[TEXT]", help="Where it is a text.")] = "",
    *,
    file: Annotated[
        Path | None, typer.Option("--file", help="Where it is a file.", exists=True, dir_okay=False)
    ] = None,
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Add a document: a text such as a number, or a file."""
    if (file is None) == (not text):
        raise typer.BadParameter("give a text, or --file, and not both")
    _do(
        as_json,
        lambda concord: concord.cases.add_document(
            case,
            kind,
            text,
            content=file.read_bytes() if file else b"",
            file_name=file.name if file else "",
            media_type=_media_type(file) if file else "",
            request_id=request_id,
        ),
    )


@app.command()
def fetch(
    case: CaseName,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="As `show` numbers it.")],
    *,
    to: Annotated[
        Path | None, typer.Option("--to", help="Write it there, not to standard output.")
    ] = None,
) -> None:
    """Give a document's content."""
    with connected() as concord:
        found = concord.cases.get_document(case, number)
    content = found.content or found.text.encode()
    if to is None:
        sys.stdout.buffer.write(content)
        return
    to.write_bytes(content)
    output.note(f"{to}: {len(content):,} bytes, SHA-256 {found.digest}")


@app.command()
def assign(
    case: CaseName,
    assignee: Annotated[str, typer.Argument(metavar="PERSON")],
    *,
    etag: Etag = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Give the case to somebody."""
    _do(
        as_json,
        lambda concord: concord.cases.assign(case, assignee, etag=etag, request_id=request_id),
    )


@app.command()
def escalate(
    case: CaseName,
    why: Annotated[str, typer.Argument(metavar="WHY")],
    *,
    etag: Etag = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Bring the case before the next role that its type names."""
    _do(
        as_json, lambda concord: concord.cases.escalate(case, why, etag=etag, request_id=request_id)
    )


@app.command()
def pause(
    case: CaseName,
    why: Annotated[str, typer.Argument(metavar="WHY", help="Who is awaited, and for what.")],
    *,
    etag: Etag = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Let the case's clocks stand still while somebody outside is awaited."""
    _do(as_json, lambda concord: concord.cases.pause(case, why, etag=etag, request_id=request_id))


@app.command()
def resume(
    case: CaseName,
    *,
    note: Note = "",
    etag: Etag = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Let the case's clocks run again."""
    _do(
        as_json,
        lambda concord: concord.cases.resume(case, note=note, etag=etag, request_id=request_id),
    )


@app.command()
def merge(
    case: CaseName,
    into: Annotated[str, typer.Argument(metavar="INTO", help="The case that goes on.")],
    *,
    note: Note = "",
    etag: Etag = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """End the case as a duplicate of another of the same order."""
    _do(
        as_json,
        lambda concord: concord.cases.merge(
            case, into, note=note, etag=etag, request_id=request_id
        ),
    )


@app.command()
def link(
    case: CaseName,
    other: Annotated[str, typer.Argument(metavar="OTHER")],
    *,
    note: Note = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Say that two cases belong together."""
    _do(
        as_json,
        lambda concord: concord.cases.link(case, other, note=note, request_id=request_id),
    )


@app.command()
def resolve(
    case: CaseName,
    outcome: Annotated[str, typer.Argument(metavar="OUTCOME", help="REFUNDED, EXPLAINED …")],
    *,
    note: Note = "",
    etag: Etag = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """End the case; while its workflow is under way, its acts decide how."""
    _do(
        as_json,
        lambda concord: concord.cases.resolve(
            case, outcome, note=note, etag=etag, request_id=request_id
        ),
    )


@app.command()
def reopen(
    case: CaseName,
    why: Annotated[str, typer.Argument(metavar="WHY")],
    *,
    etag: Etag = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Open an ended case again, from the start of its workflow."""
    _do(as_json, lambda concord: concord.cases.reopen(case, why, etag=etag, request_id=request_id))


def _do(as_json: bool, ask: Callable[[Concord], Case]) -> None:  # noqa: FBT001
    with connected(as_json=as_json) as concord:
        _print(ask(concord), as_json)


def _print(case: Case, as_json: bool, language: Language | None = None) -> None:  # noqa: FBT001
    if as_json:
        output.print_json(case)
    else:
        output.print_all(case_parts(case, config.now(), language))


def _document(text: str) -> tuple[str, str]:
    kind, equals, said = text.partition("=")
    if not equals or not kind or not said:
        raise typer.BadParameter(f"{text!r} is not KIND=TEXT, such as approval_number=FIN-118")
    return kind, said


def _media_type(file: Path) -> str:
    return mimetypes.guess_type(file.name)[0] or "application/octet-stream"
