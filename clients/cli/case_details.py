"""How one case is shown: its clock, its steps, what may be done, its documents and its log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from clients.cli import formats, output
from clients.cli.case_text import case_state, due, side_of
from clients.cli.options import Language
from clients.cli.output import Cell
from clients.cli.wording import code_of, named, word
from concord.cases.v1.case_service_pb2 import Case, PurchaseRequest
from concord.cases.v1.handling_pb2 import HandlingEntry

ALLOWED: Final = ("Step", "Act", "Roles", "Missing", "Only if", "Until")
STEPS: Final = ("Step", "Role", "Begun", "Took", "Ended by", "Who")
DOCUMENTS: Final = ("No.", "Kind", "Document", "Bytes", "SHA-256", "Who", "When")
PURCHASES: Final = ("Request", "Articles", "State", "Asked", "Expected")
LOG: Final = ("When", "Act", "Step", "Who", "From", "Document", "Said")


def case_parts(case: Case, now: datetime, language: Language | None) -> Iterator[RenderableType]:
    """Give the parts of a case, from its names to its log."""
    yield output.pairs(_names(case, now, language))
    for title, rows, heads in (
        ("May be done", _allowed(case), ALLOWED),
        ("Steps", _steps(case, now), STEPS),
        ("Documents", _documents(case), DOCUMENTS),
        ("Purchasing", _purchases(case, language), PURCHASES),
        ("Log", _log(case), LOG),
    ):
        if rows:
            yield Text(f"\n{word(title, language)}", "bold")
            yield output.table([word(head, language) for head in heads], rows)


def handling_table(entries: Iterable[HandlingEntry], language: Language | None) -> RenderableType:
    """Return what was done about an order, over all of its cases."""
    rows = (
        (
            formats.time(entry.act_time),
            entry.case_type,
            entry.act,
            entry.step,
            _who(entry),
            entry.address,
            entry.document,
            entry.text,
        )
        for entry in entries
    )
    heads = ("When", "Case", "Act", "Step", "Who", "From", "Document", "Said")
    return output.table([word(head, language) for head in heads], rows)


def _names(case: Case, now: datetime, language: Language | None) -> list[tuple[str, Cell]]:
    severity = code_of(Case.Severity, case.severity, "SEVERITY_")
    merged = f"merged into {case.merged_into}" if case.merged_into else ""
    return [
        ("case", case.name),
        ("order", case.order),
        ("about", case.subject),
        ("type", case.type),
        ("side", side_of(case, language)),
        ("severity", "" if severity == "UNSPECIFIED" else named(severity, language)),
        ("state", case_state(case, language)),
        ("workflow", case.workflow),
        ("owner", case.owner_role),
        ("escalated", f"{case.level}×" if case.level else ""),
        ("assignee", case.assignee),
        ("awaits", ", ".join(case.awaits)),
        ("opened", formats.time(case.open_time)),
        ("reopened", f"{case.reopened}×" if case.reopened else ""),
        ("answer by", "" if case.respond_time.seconds else formats.time(case.respond_by_time)),
        ("due", Text.assemble(formats.time(case.due_time), "  ", due(case, now, language))),
        ("in breach", formats.time(case.breach_time)),
        ("paused", f"{formats.time(case.pause_time)}  {case.pause_reason}".strip()),
        ("resolved", formats.time(case.resolve_time)),
        ("outcome", case.outcome or merged),
        ("linked", ", ".join(f"{link.case} ({link.kind.lower()})" for link in case.links)),
        ("etag", case.etag),
    ]


def _allowed(case: Case) -> list[Sequence[Cell]]:
    return [
        (
            allowed.step,
            Text(allowed.act, "bold"),
            ", ".join(allowed.roles),
            Text(", ".join(allowed.missing_documents), "yellow"),
            allowed.condition,
            formats.time(allowed.until_time),
        )
        for allowed in case.allowed_acts
    ]


def _steps(case: Case, now: datetime) -> list[Sequence[Cell]]:
    return [
        (
            f"{step.step} ({step.number}.)" if step.number > 1 else step.step,
            step.role,
            formats.time(step.begin_time),
            _took(step, now),
            step.act,
            step.actor,
        )
        for step in case.steps
    ]


def _took(step: Case.Step, now: datetime) -> Text:
    begun = formats.moment(step.begin_time)
    if step.end_time.seconds:
        return Text(formats.rough(formats.moment(step.end_time) - begun))
    timer = f", by itself {formats.until(step.timer_time, now)}" if step.timer_time.seconds else ""
    return Text(f"active for {formats.rough(now - begun)}{timer}", "green")


def _documents(case: Case) -> list[Sequence[Cell]]:
    return [
        (
            str(document.number),
            document.kind,
            document.text or f"{document.file_name} ({document.media_type})",
            f"{document.size:,}",
            document.digest[:12],
            document.actor,
            formats.time(document.add_time),
        )
        for document in case.documents
    ]


def _purchases(case: Case, language: Language | None) -> list[Sequence[Cell]]:
    return [
        (
            purchase.name,
            articles(purchase),
            named(code_of(PurchaseRequest.State, purchase.state, "STATE_"), language),
            formats.time(purchase.request_time),
            formats.time(purchase.expect_time),
        )
        for purchase in case.purchase_requests
    ]


def articles(purchase: PurchaseRequest) -> str:
    """Return what is missing: `3 × SKU-1, 1 × SKU-2`."""
    return ", ".join(f"{line.quantity} × {line.sku}" for line in purchase.lines)


def _log(case: Case) -> list[Sequence[Cell]]:
    return [
        (
            formats.time(entry.act_time),
            entry.act,
            entry.step,
            _who(entry),
            entry.address,
            entry.document,
            entry.text,
        )
        for entry in case.log
    ]


def _who(entry: Case.LogEntry | HandlingEntry) -> str:
    if entry.automatic:
        return "by itself"
    return f"{entry.actor} ({entry.role})" if entry.role else entry.actor
