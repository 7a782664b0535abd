"""`concord trace`: all traces of one order on one time axis, in the terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from clients.cli import advice, config, output, session
from clients.cli.options import AsJson, OrderName
from clients.cli.timeline import NS, Axis, Row, Trace, duration, traces_of
from clients.sdk import Concord, ConfigError, OutageError
from concord.traces.v1.trace_service_pb2 import ListSpansResponse

TRACE_ID: Final = re.compile(r"[0-9a-f]{32}")
MAX_SPANS: Final = 10_000
PALETTE: Final = ("cyan", "green", "magenta", "yellow", "blue", "bright_cyan", "bright_green")
NAMES: Final = 46
DURATIONS: Final = 11
MIN_AXIS: Final = 20
KEEPER_ADVICE: Final = (
    "`concord status` says whether the span keeper runs; with a collector of your own, look there."
)


def trace(
    order: OrderName,
    *,
    linked: Annotated[
        bool, typer.Option("--linked", help="Also the batches that worked on the order.")
    ] = False,
    width: Annotated[int, typer.Option(help="Columns to draw in; 0: the terminal's.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Draw all traces of an order on one time axis."""
    name, answer = _ask(order, linked=linked, as_json=as_json)
    if as_json:
        output.print_json(_as_json(name, answer))
        return
    traces = traces_of(answer.spans, name)
    if not traces:
        session.fail(
            "NO SPANS",
            f"no spans of {name} are kept: they are forgotten after days, and traces that were"
            " not sampled have none",
            f"`concord order journal {order}` has the whole story.",
        )
        raise typer.Exit(advice.REFUSED)
    console = output.console()
    for line in drawn(name, traces, width=width or console.width):
        console.print(line, no_wrap=True, crop=False, overflow="ignore", soft_wrap=True)
    if answer.truncated:
        output.note(f"Only the first {MAX_SPANS} spans are shown.")


def _ask(order: str, *, linked: bool, as_json: bool) -> tuple[str, ListSpansResponse]:
    """Ask the service for the order's traces, and the keeper for their spans."""
    try:
        keeper = config.surroundings().trace_address()
    except ConfigError as error:
        session.fail("configuration", str(error), KEEPER_ADVICE, as_json=as_json)
        raise typer.Exit(advice.USAGE) from None
    with session.connected(as_json=as_json) as concord:
        explained = concord.orders.explain(**session.named(order))
    name = explained.order.name
    known = [one for one in explained.trace_ids if TRACE_ID.fullmatch(one)]
    try:
        with Concord(keeper) as concord:
            found = concord.traces.list_spans(name, trace_ids=known, page_size=MAX_SPANS)
            more = {one for span in found.spans for one in span.linked_trace_ids}
            if linked and more:
                found = concord.traces.list_spans(
                    name, trace_ids=[*known, *sorted(more)], page_size=MAX_SPANS
                )
    except OutageError as error:
        why = f"nobody answers at {keeper} ({error.message})"
        session.fail("UNREACHABLE", why, KEEPER_ADVICE, as_json=as_json)
        raise typer.Exit(advice.UNREACHABLE) from None
    return name, found


def _as_json(order: str, answer: ListSpansResponse) -> dict[str, Any]:
    traces: dict[str, list[dict[str, Any]]] = {}
    for span in answer.spans:
        one = output.as_dict(span)
        one["attributes"] = {pair.key: pair.value for pair in span.attributes}
        traces.setdefault(span.trace_id, []).append(one)
    return {
        "order": order,
        "truncated": answer.truncated,
        "traces": [{"traceId": trace_id, "spans": spans} for trace_id, spans in traces.items()],
    }


def drawn(order: str, traces: Sequence[Trace], *, width: int) -> Iterator[Text]:
    """Return the drawing, line by line; it reads the same without colours."""
    axis = Axis(traces, max(width - NAMES - DURATIONS, MIN_AXIS))
    services = dict.fromkeys(row.service for one in traces for row in one.rows if row.service)
    colours = {service: PALETTE[n % len(PALETTE)] for n, service in enumerate(services)}
    numbers = {one.trace_id: number for number, one in enumerate(traces, start=1)}
    yield _title(order, traces)
    yield Text("  ").join(Text(f"━ {service}", colours[service]) for service in services)
    yield from _scale(axis)
    for one in traces:
        yield Text()
        yield _heading(one, numbers)
        for row in one.rows:
            yield _line(row, axis, colours)


def _title(order: str, traces: Sequence[Trace]) -> Text:
    start, end = min(one.start_ns for one in traces), max(one.end_ns for one in traces)
    spans = sum(one.spans for one in traces)
    title = Text(order.removeprefix("orders/"), "bold")
    title.append(
        f"  {_count(len(traces), 'trace')}, {_count(spans, 'span')}, {_clock(start)} to"
        f" {_clock(end)} UTC ({duration(end - start)})",
        "not bold",
    )
    return title


def _scale(axis: Axis) -> Iterator[Text]:
    if not axis.folds:
        return
    marks = [" "] * axis.columns
    for fold in axis.folds:
        marks[fold.column] = fold.letter
    yield Text(" " * NAMES + "".join(marks), "dim")
    lengths = ", ".join(f"{fold.letter} {duration(fold.length_ns)}" for fold in axis.folds)
    yield Text(f"Folded, nothing happened: {lengths}", "dim")


def _heading(one: Trace, numbers: dict[str, int]) -> Text:
    text = Text(f"{numbers[one.trace_id]}  trace {one.trace_id}", "bold")
    text.append(f"  {_clock(one.start_ns)}  {_count(one.spans, 'span')}", "not bold")
    text.append(f"  {duration(one.end_ns - one.start_ns)}", "not bold")
    if one.left_out:
        text.append(f"  {_count(one.left_out, 'span')} of other orders left out", "dim")
    shown = [f"trace {numbers[link]}" for link in one.links if link in numbers]
    others = len(one.links) - len(shown)
    if others:
        shown.append(f"{_count(others, 'batch', 'batches')} elsewhere (--linked)")
    if shown:
        text.append(f"  linked: {', '.join(shown)}", "dim")
    return text


def _line(row: Row, axis: Axis, colours: dict[str, str]) -> Text:
    first, length = axis.bar(row)
    cells = [" "] * axis.columns
    for fold in axis.folds:
        cells[fold.column] = "┊"
    mark = "┄" if row.is_waiting else "━"
    cells[first : first + length] = [mark] * len(cells[first : first + length])
    if row.is_error:
        cells[first] = "✗"
    style = "dim" if row.is_waiting else "bold red" if row.is_error else colours[row.service]
    label = "  " * row.depth + (row.name if row.is_waiting else f"{row.service}: {row.name}")
    text = Text(_cut(label, NAMES - 1).ljust(NAMES), "dim" if row.is_waiting else "")
    text.append("".join(cells), style)
    if not row.is_waiting:
        text.append(f" {duration(row.end_ns - row.start_ns)}", "dim")
    if row.is_error:
        text.append(" ERROR", "bold red")
    if row.notes:
        text.append(f" {', '.join(row.notes)}", "bold red" if row.is_error else "dim")
    return text


def _cut(label: str, width: int) -> str:
    """Shorten in the middle: the depth is at the start, and the method at the end."""
    if len(label) <= width:
        return label
    tail = (width - 1) * 2 // 3
    return f"{label[: width - 1 - tail]}…{label[-tail:]}"


def _clock(at_ns: int) -> str:
    at = datetime.fromtimestamp(at_ns // NS, UTC)
    return f"{at:%Y-%m-%d %H:%M:%S}.{at_ns % NS // 1_000_000:03d}"


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
