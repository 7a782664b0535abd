"""`concord batch …`: many orders handled at once."""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from clients.cli import batch_text as text
from clients.cli import output, tags
from clients.cli.batch_progress import follow
from clients.cli.options import AsJson, In, Limit, Reason, RequestId
from clients.cli.order_text import state_number
from clients.cli.session import connected
from clients.sdk import Concord
from concord.batches.v1 import batch_service_pb2 as api

app = typer.Typer(help="Batches: many orders handled at once.", no_args_is_help=True)

BatchName = Annotated[str, typer.Argument(metavar="BATCH", help="`bat-…`.")]
Template = Annotated[str, typer.Argument(metavar="TEMPLATE", help="`customs_delay` …")]
Tag = Annotated[list[str] | None, typer.Option("--tag", help="Orders with it; repeatable.")]
Channel = Annotated[list[str] | None, typer.Option("--channel", help="Orders of it; repeatable.")]
InState = Annotated[
    list[str] | None, typer.Option("--state", help="Orders that are PAID …; repeatable.")
]
Named = Annotated[
    list[str] | None, typer.Option("--order", help="This order, or reference; repeatable.")
]
FromFile = Annotated[
    Path | None,
    typer.Option("--from", help="A file with one order a line.", exists=True, dir_okay=False),
]
Where = Annotated[str, typer.Option("--where", help="A condition in CEL: `order.amount > 99.0`.")]
Said = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="What the template asks for; repeatable."),
]
Typed = Annotated[str, typer.Option("--type", help="What the batch is: `customs_delay 1000`.")]


@app.command("templates")
def list_templates(*, as_json: AsJson = False, language: In = None) -> None:
    """List what may be done to many orders at once."""
    with connected(as_json=as_json) as concord:
        found = concord.batches.list_templates()
    if as_json:
        output.print_json(found)
    else:
        output.print_all([text.template_table(found.templates, language)])


@app.command()
def create(  # noqa: PLR0913  # Each parameter is an option of the command.
    template: Template,
    *,
    tag: Tag = None,
    channel: Channel = None,
    state: InState = None,
    order: Named = None,
    from_file: FromFile = None,
    where: Where = "",
    said: Said = None,
    reason: Reason = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Freeze a list of orders; nothing happens to them yet."""
    selection = _selection(tag, channel, state, order, from_file, where)
    with connected(as_json=as_json) as concord:
        made = concord.batches.create(
            template, selection, inputs=_said(said), reason=reason, request_id=request_id
        )
    _print(made, as_json=as_json)


@app.command()
def preview(
    batch: BatchName,
    *,
    samples: Annotated[int, typer.Option(help="Show so many orders in full.", min=1, max=20)] = 3,
    as_json: AsJson = False,
) -> None:
    """Tell what a batch would do, with the exact texts for some of its orders."""
    with connected(as_json=as_json) as concord:
        seen = concord.batches.preview(batch, sample_size=samples)
    if as_json:
        output.print_json(seen)
    else:
        output.print_all(text.preview(seen))


@app.command()
def confirm(
    batch: BatchName, *, typed: Typed = "", request_id: RequestId = "", as_json: AsJson = False
) -> None:
    """Let a batch run; `concord batch watch` shows how far it is."""
    with connected(as_json=as_json) as concord:
        _print(concord.batches.confirm(batch, typed=typed, request_id=request_id), as_json=as_json)


@app.command()
def run(  # noqa: PLR0913  # Each parameter is an option of the command.
    template: Template,
    *,
    tag: Tag = None,
    channel: Channel = None,
    state: InState = None,
    order: Named = None,
    from_file: FromFile = None,
    where: Where = "",
    said: Said = None,
    reason: Reason = "",
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Freeze a list, show what would happen, ask, and follow the batch until it has ended."""
    selection = _selection(tag, channel, state, order, from_file, where)
    with connected(as_json=as_json) as concord:
        made = concord.batches.create(template, selection, inputs=_said(said), reason=reason)
        seen = concord.batches.preview(made.name)
        if not as_json:
            output.print_all(text.preview(seen), errors=True)
        try:
            typed = made.to_type if yes else _asked(seen)
        except typer.Abort:
            # What nobody wants keeps its orders from no other batch.
            concord.batches.cancel(made.name)
            raise
        concord.batches.confirm(made.name, typed=typed)
        ended = follow(concord, made.name)
        _end(concord, ended, as_json=as_json)


@app.command()
def show(batch: BatchName, *, as_json: AsJson = False) -> None:
    """Show one batch, how far it is, and why orders were left out or failed."""
    with connected(as_json=as_json) as concord:
        _print(concord.batches.get(batch), as_json=as_json)


@app.command("list")
def list_batches(
    *,
    template: Annotated[str, typer.Option(help="Only of this template.")] = "",
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List batches, newest first."""
    with connected(as_json=as_json) as concord:
        rows = concord.batches.list(template=template, page_size=min(limit, 500))
        found = list(islice(rows, limit))
    if as_json:
        output.print_json({"batches": [output.as_dict(each) for each in found]})
        return
    output.print_all([text.batch_table(found)])
    if not found:
        output.note("No batch matches.")


@app.command()
def watch(batch: BatchName, *, as_json: AsJson = False) -> None:
    """Follow a batch until it has ended; it goes on by itself when you leave."""
    with connected(as_json=as_json) as concord:
        _end(concord, follow(concord, batch), as_json=as_json)


@app.command()
def pause(batch: BatchName, *, request_id: RequestId = "", as_json: AsJson = False) -> None:
    """Stop a batch for a while."""
    with connected(as_json=as_json) as concord:
        _print(concord.batches.pause(batch, request_id=request_id), as_json=as_json)


@app.command()
def resume(batch: BatchName, *, request_id: RequestId = "", as_json: AsJson = False) -> None:
    """Let a paused batch go on."""
    with connected(as_json=as_json) as concord:
        _print(concord.batches.resume(batch, request_id=request_id), as_json=as_json)


@app.command()
def cancel(batch: BatchName, *, request_id: RequestId = "", as_json: AsJson = False) -> None:
    """Call a batch off; what was done stays done."""
    with connected(as_json=as_json) as concord:
        _print(concord.batches.cancel(batch, request_id=request_id), as_json=as_json)


@app.command()
def retry(batch: BatchName, *, request_id: RequestId = "", as_json: AsJson = False) -> None:
    """Take the orders that failed again, and no other; follow it until it has ended."""
    with connected(as_json=as_json) as concord:
        concord.batches.retry(batch, request_id=request_id)
        _end(concord, follow(concord, batch), as_json=as_json)


@app.command()
def results(
    batch: BatchName,
    *,
    state: Annotated[str, typer.Option(help="Only FAILED, EXCLUDED, DONE or WAITING.")] = "",
    csv: Annotated[Path | None, typer.Option("--csv", help="Write a file for Excel.")] = None,
    as_json: AsJson = False,
) -> None:
    """List every order with what became of it, and why."""
    wanted = text.member_state(state)
    with connected(as_json=as_json) as concord:
        found = list(concord.batches.list_members(batch, state=wanted, page_size=1000))
    if as_json:
        output.print_json({"members": [output.as_dict(each) for each in found]})
    elif csv:
        # Excel takes a file for UTF-8 by the mark at its beginning.
        csv.write_text(text.as_csv(found), encoding="utf-8-sig", newline="")
        output.note(f"{len(found)} orders in {csv}")
    else:
        output.print_all([text.member_table(found)])


@app.command()
def coupons(
    *,
    order: Annotated[str, typer.Option(help="Given for this order.")] = "",
    customer: Annotated[str, typer.Option(help="Given to this customer.")] = "",
    batch: Annotated[str, typer.Option(help="Given by this batch.")] = "",
    as_json: AsJson = False,
) -> None:
    """List coupons that were given, the newest 500."""
    with connected(as_json=as_json) as concord:
        found = concord.batches.list_coupons(order=order, customer=customer, batch=batch)
    if as_json:
        output.print_json(found)
    else:
        output.print_all([text.coupon_table(found.coupons)])


def _selection(  # as the options are
    tag: list[str] | None,
    channel: list[str] | None,
    state: list[str] | None,
    order: list[str] | None,
    from_file: Path | None,
    where: str,
) -> api.BatchSelection:
    is_named = bool(order or from_file)
    names, refs = tags.parted(tags.named(order or [], from_file)) if is_named else ([], [])
    return api.BatchSelection(
        tags=tag or [],
        channels=channel or [],
        states=[state_number(each) for each in state or []],
        orders=[each if "/" in each else f"orders/{each}" for each in names],
        refs=refs,
        condition=where,
    )


def _said(pairs: list[str] | None) -> dict[str, str]:
    found = {}
    for each in pairs or []:
        name, sign, value = each.partition("=")
        if not sign:
            raise typer.BadParameter(f"{each!r} is no NAME=VALUE such as delay_days=5")
        found[name.strip()] = value.strip()
    return found


def _asked(seen: api.BatchPreview) -> str:
    """Ask whether it is to run; return what was typed."""
    if not sys.stdin.isatty():
        output.note(f"Confirm it with `concord batch confirm {text.short(seen.batch)}`, or --yes.")
        raise typer.Exit(1)
    if seen.must_type:
        return str(typer.prompt(f"Type `{seen.batch.to_type}` to run it", err=True))
    typer.confirm(f"Run it for {seen.batch.size} orders?", abort=True, err=True)
    return ""


def _end(concord: Concord, ended: api.Batch, *, as_json: bool) -> None:
    """Show how it ended; a batch with failures ends the command with 1."""
    whole = concord.batches.get(ended.name)
    _print(whole, as_json=as_json)
    if whole.counts.failed:
        output.note(f"Why: `concord batch results {text.short(whole)} --state FAILED`")
        raise typer.Exit(1)


def _print(batch: api.Batch, *, as_json: bool) -> None:
    if as_json:
        output.print_json(batch)
    else:
        output.print_all(text.batch(batch))
