"""Tells an order's explanation as a story: what is true, why, who disagrees, what comes next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from clients.cli import formats, output
from clients.cli.case_details import handling_table
from clients.cli.options import Language
from clients.cli.order_text import state_name, verifying
from clients.cli.wording import code_of, named
from concord.cases.v1.case_service_pb2 import Case
from concord.orders.v1.order_service_pb2 import OrderExplanation

MARKS: Final = {"AGREES": ("✓", "green"), "BEHIND": ("…", "dim"), "CONTRADICTS": ("✗", "red")}
# The trace that matters is mostly the last one; all are in --json.
TRACES_SHOWN: Final = 5


def story(
    explanation: OrderExplanation,
    cases: Mapping[str, Case],
    now: datetime,
    language: Language | None,
) -> Iterator[RenderableType]:
    """Give the parts of the story, from the truth to what may be asked for."""
    order = explanation.order
    yield Text.assemble(
        (order.name, "bold"),
        "  ",
        (state_name(order.state, language), "bold green"),
        _since(explanation, now),
    )
    if language is not Language.ZH:
        yield Text(explanation.summary_en)
    if language is not Language.EN:
        yield Text(explanation.summary_zh)
    yield output.pairs(
        [
            ("names", ", ".join(f"{ref.namespace}:{ref.value}" for ref in order.refs)),
            ("money", _money(explanation)),
            ("evidence", ", ".join(explanation.evidence)),
            ("holds", ", ".join(f"{hold.reason} ({hold.hold_id})" for hold in order.holds)),
            ("milestone", order.milestone),
            ("providers", verifying(order, language, now)),
        ]
    )
    yield from _claims(explanation, language)
    yield from _awaited(explanation, now)
    yield from _discrepancies(explanation, language)
    yield from _cases(explanation, cases, now, language)
    if order.handling:
        yield _head("Handling")
        yield handling_table(order.handling, language)
    yield Text()
    yield output.pairs(
        [
            ("flags", ", ".join(explanation.flags)),
            ("traces", _traces(explanation)),
            ("you may ask", ", ".join(explanation.allowed_actions) or "nothing: it is final"),
        ]
    )


def _since(explanation: OrderExplanation, now: datetime) -> str:
    at = explanation.order.state_time
    if not at.seconds:
        return ""
    return f"  since {formats.time(at)} ({formats.rough(now - formats.moment(at))})"


def _money(explanation: OrderExplanation) -> str:
    order = explanation.order
    parts = (("total", order.total), ("paid", order.paid), ("refunded", order.refunded))
    return ", ".join(f"{name} {formats.money(of)}" for name, of in parts if formats.money(of))


def _claims(explanation: OrderExplanation, language: Language | None) -> Iterator[RenderableType]:
    if not explanation.claims:
        return
    yield _head("Who says what")
    rows = []
    for claim in explanation.claims:
        standing = code_of(OrderExplanation.Claim.Standing, claim.standing, "STANDING_")
        mark, style = MARKS.get(standing, ("?", ""))
        rows.append(
            (
                claim.source,
                state_name(claim.state, language),
                formats.time(claim.occurred_time),
                formats.time(claim.record_time),
                claim.learnt.lower(),
                claim.voucher,
                Text(f"{mark} {named(standing, language)}", style),
            )
        )
    heads = ("Source", "Says", "By its clock", "Learnt", "How", "Voucher", "Standing")
    yield output.table(heads, rows)


def _awaited(explanation: OrderExplanation, now: datetime) -> Iterator[RenderableType]:
    if not explanation.expectations:
        return
    yield _head("Awaited")
    rows = []
    for expectation in explanation.expectations:
        has_due = bool(expectation.due_time.seconds)
        is_late = has_due and formats.moment(expectation.due_time) < now
        due = formats.until(expectation.due_time, now) if has_due else ""
        rows.append(
            (
                expectation.kind,
                getattr(expectation, "from"),
                formats.time(expectation.due_time),
                Text(due, "red" if is_late else ""),
                expectation.then,
            )
        )
    yield output.table(("What", "From", "Until", "", "Or else"), rows)


def _discrepancies(
    explanation: OrderExplanation, language: Language | None
) -> Iterator[RenderableType]:
    if not explanation.discrepancies:
        return
    yield _head("What disagrees")
    rows = [
        (
            Text(found.kind, "red"),
            found.text_zh if language is Language.ZH else found.text_en,
            found.owner_role,
            found.case,
        )
        for found in explanation.discrepancies
    ]
    yield output.table(("Kind", "Meaning", "Owner", "Case"), rows)


def _cases(
    explanation: OrderExplanation,
    cases: Mapping[str, Case],
    now: datetime,
    language: Language | None,
) -> Iterator[RenderableType]:
    if not explanation.open_cases:
        return
    yield _head("Cases")
    rows = []
    for name in explanation.open_cases:
        case = cases.get(name, Case(name=name))
        rows.append(
            (
                name,
                case.type,
                named(code_of(Case.State, case.state, "STATE_"), language),
                case.owner_role,
                case.assignee or "nobody",
                formats.until(case.due_time, now) if case.due_time.seconds else "",
            )
        )
    yield output.table(("Case", "Type", "State", "Owner", "Assignee", "Due"), rows)


def _traces(explanation: OrderExplanation) -> str:
    shown = list(explanation.trace_ids[-TRACES_SHOWN:])
    hidden = len(explanation.trace_ids) - len(shown)
    more = [f"and {hidden} before (`concord trace {explanation.order.name}`)"] if hidden else []
    return ", ".join([*shown, *more])


def _head(text: str) -> Text:
    return Text(f"\n{text}", "bold")
