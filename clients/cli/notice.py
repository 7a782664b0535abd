"""`concord notice …`: what people are told, what became of it, and whom to reach where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from clients.cli import config, formats, output
from clients.cli.options import AsJson, In, Language, Limit, RequestId
from clients.cli.session import connected, name_of
from clients.cli.wording import code_of, named
from concord.notices.v1.notice_service_pb2 import Delivery, Notice

app = typer.Typer(help="Notices: what people are told.", no_args_is_help=True)

NoticeName = Annotated[str, typer.Argument(metavar="NOTICE", help="`ntc-…`.")]
# Of a text, what fits in a row.
SHORT = 60


@app.command("list")
def list_notices(  # noqa: PLR0913  # Each parameter is an option of the command.
    *,
    state: Annotated[str, typer.Option(help="Only QUEUED, WAITING, SENT, UNCERTAIN or DEAD.")] = "",
    recipient: Annotated[
        str, typer.Option("--to", help="Only to `customer`, `role:finance` …")
    ] = "",
    order: Annotated[str, typer.Option(help="Only about this order.")] = "",
    case: Annotated[str, typer.Option(help="Only of this case.")] = "",
    batch: Annotated[str, typer.Option(help="Only of this batch.")] = "",
    limit: Limit = 50,
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """List notices, newest first."""
    with connected(as_json=as_json) as concord:
        where: dict[str, Any] = {
            "state": _state_number(state),
            "recipient": recipient,
            "order": name_of(concord, order) if order else "",
            "case": case,
            "batch": batch,
            "page_size": min(limit, 500),
        }
        found = list(islice(concord.notices.list(**where), limit))
    _print(found, as_json=as_json, language=language)


@app.command()
def inbox(
    recipient: Annotated[
        str, typer.Argument(metavar="RECIPIENT", help="`role:finance`, `customer:buyer-7` …")
    ],
    *,
    limit: Limit = 20,
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """Show what lies in an inbox: what had nowhere else to go, and all that a role is told."""
    with connected(as_json=as_json) as concord:
        wanted = concord.notices.inbox(recipient, page_size=min(limit, 500))
        found = list(islice(wanted, limit))
    if as_json:
        _print(found, as_json=True, language=language)
        return
    for each in found:
        output.print_all(
            [
                output.pairs(
                    [
                        (formats.time(each.queue_time), each.title or each.problem),
                        ("", each.body),
                        ("about", " ".join(filter(None, (each.order, each.case, each.batch)))),
                    ]
                )
            ]
        )
    if not found:
        output.note("Nothing lies there.")


@app.command()
def show(notice: NoticeName, *, as_json: AsJson = False, language: In = None) -> None:
    """Show one notice: what it says, where it went, and what became of it."""
    with connected(as_json=as_json) as concord:
        _show(concord.notices.get(notice), as_json=as_json, language=language)


@app.command()
def resend(
    notice: NoticeName,
    *,
    request_id: RequestId = "",
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """Send once more what is DEAD."""
    with connected(as_json=as_json) as concord:
        told = concord.notices.resend(notice, request_id=request_id)
        _show(told, as_json=as_json, language=language)


@app.command()
def settle(
    notice: NoticeName,
    *,
    arrived: Annotated[
        bool,
        typer.Option(
            "--arrived/--not-arrived", help="What you found out; what did not is sent again."
        ),
    ],
    request_id: RequestId = "",
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """Say of what is UNCERTAIN whether it arrived."""
    with connected(as_json=as_json) as concord:
        told = concord.notices.settle(notice, arrived=arrived, request_id=request_id)
        _show(told, as_json=as_json, language=language)


@app.command()
def contact(
    recipient: Annotated[
        str,
        typer.Argument(metavar="RECIPIENT", help="`role:finance`, `customer:buyer-7`, `order:…`"),
    ],
    addresses: Annotated[
        list[str] | None,
        typer.Argument(metavar="CHANNEL:ADDRESS…", help="`wecom:finance`, `mail:a@example.com` …"),
    ] = None,
    *,
    notices_in: Annotated[
        str, typer.Option("--language", help="What they are written in: zh or en.")
    ] = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Say where somebody is reached, instead of before; without addresses, in an inbox alone."""
    with connected(as_json=as_json) as concord:
        told = concord.notices.set_contact(
            recipient, addresses or [], language=notices_in, request_id=request_id
        )
    if as_json:
        output.print_json(told)
        return
    where = ", ".join(told.addresses) or "an inbox alone"
    typer.echo(f"{told.recipient} is reached by {where}.")


def _print(found: list[Notice], *, as_json: bool, language: Language | None) -> None:
    if as_json:
        output.print_json({"notices": [output.as_dict(each) for each in found]})
        return
    rows = (
        (
            each.name,
            formats.time(each.queue_time),
            named(code_of(Notice.State, each.state, "STATE_"), language),
            each.recipient,
            each.template,
            each.title[:SHORT] or each.problem,
            _where(each.deliveries),
        )
        for each in found
    )
    heads = ("Notice", "Asked for", "State", "To", "Template", "Title", "Goes to")
    output.print_all([output.table(heads, rows)])
    if not found:
        output.note("No notice matches.")


def _show(notice: Notice, *, as_json: bool, language: Language | None) -> None:
    if as_json:
        output.print_json(notice)
    else:
        output.print_all(_details(notice, language))


def _details(notice: Notice, language: Language | None) -> Iterator[RenderableType]:
    yield output.pairs(
        [
            ("notice", notice.name),
            ("state", named(code_of(Notice.State, notice.state, "STATE_"), language)),
            ("to", notice.recipient),
            ("template", notice.template),
            ("order", notice.order),
            ("case", notice.case),
            ("batch", notice.batch),
            ("asked for", formats.time(notice.queue_time)),
            ("problem", notice.problem),
            ("title", notice.title),
            ("text", notice.body),
        ]
    )
    now = config.now()
    rows = (
        (
            each.channel,
            each.address,
            named(code_of(Delivery.State, each.state, "STATE_"), language),
            str(each.attempts or ""),
            each.code,
            formats.time(each.send_time)
            or (formats.until(each.due_time, now) if each.due_time.seconds else ""),
        )
        for each in notice.deliveries
    )
    heads = ("Channel", "Address", "State", "In vain", "Said", "When")
    yield output.table(heads, rows, right=(3,))


def _where(deliveries: Iterable[Delivery]) -> str:
    return ", ".join(dict.fromkeys(each.channel for each in deliveries))


def _state_number(text: str) -> Any:  # noqa: ANN401  # The generated value type.
    """Return the state's number, 0 without one; or refuse the option."""
    if not text:
        return 0
    try:
        return Notice.State.Value(f"STATE_{text.upper()}")
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is none of QUEUED, WAITING, SENT, UNCERTAIN, DEAD"
        ) from None
