"""`concord receipt …`: what arrived, what became of it, and sending more."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import RenderableType

from clients.cli import config, formats, output
from clients.cli.options import AsJson, In, Language, Limit
from clients.cli.progress import counting
from clients.cli.session import connected
from clients.cli.wording import code_of, named
from clients.sdk import Concord
from concord.intake.v1.fact_pb2 import Fact, Outcome
from concord.intake.v1.receipt_pb2 import Receipt, Rejection

app = typer.Typer(help="Receipts: messages as they arrived.", no_args_is_help=True)

# One call a batch; 200 bodies of 4 KiB are well below the 4 MiB of a message.
BATCH_ROWS: Final = 200
BATCH_BYTES: Final = 3 * 1024 * 1024

ReceiptName = Annotated[str, typer.Argument(metavar="RECEIPT", help="`rcp-…`.")]


@app.command("list")
def list_receipts(
    *,
    outcome: Annotated[str, typer.Option(help="Only this, such as REJECTED.")] = "",
    waiting: Annotated[bool, typer.Option("--waiting", help="Only without outcome.")] = False,
    source: Annotated[str, typer.Option(help="Only from this source.")] = "",
    limit: Limit = 50,
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """List receipts, newest first."""
    where: dict[str, Any] = {
        "outcome": _outcome_number(outcome),
        "waiting": waiting,
        "source": source,
        "page_size": min(limit, 500),
    }
    with connected(as_json=as_json) as concord:
        found = list(islice(concord.intake.list(**where), limit))
    if as_json:
        output.print_json({"receipts": [output.as_dict(each) for each in found]})
        return
    rows = (
        (
            each.name,
            formats.time(each.receive_time),
            each.source,
            each.template,
            outcome_name(each.outcome, language),
            str(each.repeats or ""),
            ", ".join(each.orders) or rejection_text(each),
        )
        for each in found
    )
    heads = ("Receipt", "Arrived", "Source", "Template", "Outcome", "Again", "Orders, or why not")
    output.print_all([output.table(heads, rows, right=(5,))])
    if not found:
        output.note("No receipt matches.")


@app.command()
def show(
    receipt: ReceiptName,
    *,
    body: Annotated[bool, typer.Option("--body", help="Write the bytes as they came.")] = False,
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """Show one receipt with its outcome."""
    with connected(as_json=as_json) as concord:
        found = concord.intake.get(receipt)
    if body:
        sys.stdout.buffer.write(found.body)
    elif as_json:
        output.print_json(found)
    else:
        output.print_all(_details(found, language))


@app.command()
def retry(
    receipts: Annotated[list[str] | None, typer.Argument(metavar="[RECEIPT]...")] = None,
    *,
    rejected: Annotated[bool, typer.Option("--rejected", help="All rejected ones.")] = False,
    rejected_for: Annotated[str, typer.Option(help="Only rejected for: FIELD_MISSING …")] = "",
    waiting: Annotated[bool, typer.Option("--waiting", help="All without outcome.")] = False,
    as_json: AsJson = False,
) -> None:
    """Publish receipts again: those named, or all that match."""
    chosen = [bool(receipts), rejected or bool(rejected_for), waiting]
    if sum(chosen) != 1:
        raise typer.BadParameter("name receipts, or give one of --rejected and --waiting")
    with connected(as_json=as_json) as concord:
        answer = concord.intake.retry(
            receipts or (), rejected_for=_reason_number(rejected_for), waiting=waiting
        )
    if as_json:
        output.print_json(answer)
    else:
        typer.echo(f"{answer.retried} published again")


@app.command()
def submit(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    *,
    template: Annotated[str, typer.Option("--template", "-t", help="Which template reads it.")],
    source: Annotated[str, typer.Option("--source", "-s", help="Who sent it.")],
    channel: Annotated[str, typer.Option(help="The sales channel, if known.")] = "",
    lines: Annotated[bool, typer.Option("--lines", help="Each line is a message.")] = False,
    as_json: AsJson = False,
) -> None:
    """Submit a message, or with --lines a file of them; sending again changes nothing."""
    stored: list[str] = []
    repeated = 0
    with connected(as_json=as_json) as concord, counting("submitting", file.stat().st_size) as done:
        for batch in _batches(_bodies(file, lines=lines)):
            answer = concord.intake.submit(
                [_receipt(concord, body, template, source, channel) for body in batch]
            )
            stored += [each.receipt for each in answer.submitted if not each.repeated]
            repeated += sum(each.repeated for each in answer.submitted)
            done(sum(map(len, batch)))
    if as_json:
        output.print_json({"stored": stored, "repeated": repeated})
        return
    typer.echo(f"{len(stored)} stored, {repeated} known before")
    if len(stored) == 1:
        typer.echo(f"See what becomes of it: concord receipt show {stored[0]}")


def _receipt(concord: Concord, body: bytes, template: str, source: str, channel: str) -> Receipt:
    arrived = Timestamp()
    arrived.FromDatetime(config.now())
    return Receipt(
        source=source, template=template, channel=channel, body=body, receive_time=arrived
    )


def _bodies(file: Path, *, lines: bool) -> Iterator[bytes]:
    if not lines:
        yield file.read_bytes()
        return
    with file.open("rb") as opened:
        for line in opened:
            if line.strip():
                yield line.strip()


def _batches(bodies: Iterator[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for body in bodies:
        if batch and (len(batch) == BATCH_ROWS or size + len(body) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(body)
        size += len(body)
    if batch:
        yield batch


def _details(receipt: Receipt, language: Language | None) -> Iterator[RenderableType]:
    yield output.pairs(
        [
            ("receipt", receipt.name),
            ("outcome", outcome_name(receipt.outcome, language)),
            ("rejected", rejection_text(receipt)),
            ("source", receipt.source),
            ("channel", receipt.channel),
            ("template", _template_text(receipt)),
            ("arrived", formats.time(receipt.receive_time)),
            ("again", str(receipt.repeats or "")),
            ("message id", receipt.message_id),
            ("bytes", str(len(receipt.body))),
            ("orders", ", ".join(receipt.orders)),
        ]
    )
    if receipt.facts:
        rows = (
            (
                fact.fact_id,
                code_of(Fact.Kind, fact.kind, "KIND_"),
                outcome_name(fact.outcome, language),
            )
            for fact in receipt.facts
        )
        yield output.table(("Fact", "Kind", "Outcome"), rows)


def _template_text(receipt: Receipt) -> str:
    version = receipt.template_version
    return f"{receipt.template}, version {version}" if version else receipt.template


def outcome_name(number: int, language: Language | None) -> str:
    """Return an outcome's name; "waiting" where there is none."""
    code = code_of(Outcome, number, "OUTCOME_")
    return "waiting" if code == "UNSPECIFIED" else named(code, language)


def rejection_text(receipt: Receipt) -> str:
    """Return why a receipt could not be read; empty where it could."""
    if not receipt.HasField("rejection"):
        return ""
    reason = code_of(Rejection.Reason, receipt.rejection.reason, "REASON_")
    parts = (reason, receipt.rejection.field, receipt.rejection.advice)
    return ": ".join(part for part in parts if part)


def _outcome_number(text: str) -> Any:  # noqa: ANN401  # The generated value type.
    return _value(Outcome, "OUTCOME_", text)


def _reason_number(text: str) -> Any:  # noqa: ANN401
    return _value(Rejection.Reason, "REASON_", text)


def _value(enum: Any, prefix: str, text: str) -> Any:  # noqa: ANN401
    """Return the enum's value for a code, 0 without one; or refuse the option."""
    if not text:
        return 0
    try:
        return enum.Value(prefix + text.upper())
    except ValueError:
        codes = ", ".join(name.removeprefix(prefix) for name in enum.keys()[1:])
        raise typer.BadParameter(f"{text!r} is none of {codes}") from None
