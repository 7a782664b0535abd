"""Lays out the spans of several traces on one time axis, as rows; knows nothing of terminals.

An order lives for hours and works for milliseconds, so time in which nothing happens is folded:
the axis is piecewise, and each fold has a letter and its length.
"""

from __future__ import annotations

import re
import string
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from clients.cli.trace_parts import about
from concord.traces.v1.trace_service_pb2 import Span

# `concord.orders.v1.OrderService/ShipOrder`: the package says nothing here.
PACKAGE: Final = re.compile(r"concord\.\w+\.v\d+\.(?=\w+/)")
# Processes call themselves `concord-service` and so on.
NAMESPACE: Final = "concord-"
NS: Final = 1_000_000_000
# Below a second, waiting is part of the work; above it, someone asks for whom.
WAITING_NS: Final = NS
MIN_SEGMENT: Final = 2
FOLD: Final = 1
LETTERS: Final = string.ascii_lowercase


@dataclass(frozen=True, slots=True)
class Row:
    """One line: a span, several alike, or a wait between two."""

    depth: int
    service: str
    name: str
    start_ns: int
    end_ns: int
    is_error: bool = False
    is_waiting: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """One trace: its rows, parents before children."""

    trace_id: str
    rows: tuple[Row, ...]
    spans: int
    links: tuple[str, ...]
    """Traces that its spans point to."""
    left_out: int = 0
    """Spans of other orders, where a batch's trace holds several."""

    @property
    def start_ns(self) -> int:
        """When its first span began."""
        return min(row.start_ns for row in self.rows)

    @property
    def end_ns(self) -> int:
        """When its last span ended."""
        return max(row.end_ns for row in self.rows)


def traces_of(spans: Iterable[Span], order: str = "") -> list[Trace]:
    """Return the traces, in the order in which they began; of a batch, the order's part only."""
    by_trace: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        by_trace[span.trace_id].append(span)
    traces = []
    for trace_id, members in by_trace.items():
        own = about(order.removeprefix("orders/"), members)
        traces.append(_trace(trace_id, own, len(members) - len(own)))
    return sorted(traces, key=lambda trace: (trace.start_ns, trace.trace_id))


def _trace(trace_id: str, spans: list[Span], left_out: int) -> Trace:
    ids = {span.span_id for span in spans}
    children: dict[str, list[Span]] = defaultdict(list)
    for span in sorted(spans, key=_start):
        children[span.parent_span_id if span.parent_span_id in ids else ""].append(span)
    rows: list[Row] = []
    pending: list[tuple[list[Span], int, Span | None]] = [
        (group, 0, None) for group in reversed(_alike(children, ""))
    ]
    while pending:
        group, depth, parent = pending.pop()
        if parent is not None and (wait := _wait(parent, group[0], depth)):
            rows.append(wait)
        rows.append(_row(group, depth))
        if len(group) == 1:
            below = _alike(children, group[0].span_id)
            pending.extend((one, depth + 1, group[0]) for one in reversed(below))
    links = dict.fromkeys(one for span in spans for one in span.linked_trace_ids if one != trace_id)
    return Trace(trace_id, tuple(rows), len(spans), tuple(links), left_out)


def _alike(children: dict[str, list[Span]], parent: str) -> list[list[Span]]:
    """Group neighbours that differ in time only, such as one query asked five times."""
    groups: list[list[Span]] = []
    for span in children.get(parent, ()):
        last = groups[-1][-1] if groups else None
        if last is not None and _is_plain(children, last, span) and last.name == span.name:
            groups[-1].append(span)
        else:
            groups.append([span])
    return groups


def _is_plain(children: dict[str, list[Span]], *spans: Span) -> bool:
    return all(
        span.kind == "CLIENT" and not span.error and span.span_id not in children for span in spans
    )


def _row(group: Sequence[Span], depth: int) -> Row:
    first = group[0]
    attributes = {one.key: one.value for one in first.attributes}
    notes = [f"{len(group)} times"] if len(group) > 1 else []
    for key in ("concord.agent", "rpc.response.status_code", "error.type"):
        value = attributes.get(key)
        if value is not None and value != "OK" and value not in notes:
            notes.append(value)
    return Row(
        depth=depth,
        service=first.service.removeprefix(NAMESPACE),
        name=PACKAGE.sub("", first.name),
        start_ns=_start(first),
        end_ns=max(_end(span) for span in group),
        is_error=any(span.error for span in group),
        notes=tuple(notes),
    )


def _wait(parent: Span, child: Span, depth: int) -> Row | None:
    start, end = _end(parent), _start(child)
    if end - start <= WAITING_NS:
        return None
    match child.kind:
        case "CONSUMER":
            whom = "Kafka"
        case "PRODUCER":
            whom = "outbox"
        case _:
            whom = child.service.removeprefix(NAMESPACE)
    name = f"waiting: {whom} {duration(end - start)}"
    return Row(depth, "", name, start, end, is_waiting=True)


@dataclass(frozen=True, slots=True)
class Fold:
    """Time in which nothing happened, drawn as one column."""

    letter: str
    column: int
    length_ns: int


@dataclass(frozen=True, slots=True)
class _Segment:
    start_ns: int
    end_ns: int
    column: int
    columns: int


class Axis:
    """Maps time to columns."""

    def __init__(self, traces: Sequence[Trace], columns: int) -> None:
        rows = [row for trace in traces for row in trace.rows if not row.is_waiting]
        busy = _merged(sorted((row.start_ns, row.end_ns) for row in rows))
        # Where even folds would not fit, the shortest gaps are not folded.
        while len(busy) > 1 and len(busy) * (MIN_SEGMENT + FOLD) > columns:
            busy = _without_shortest_gap(busy)
        free = columns - (len(busy) - 1) * FOLD - len(busy) * MIN_SEGMENT
        total = sum(end - start for start, end in busy) or 1
        self._segments: list[_Segment] = []
        self.folds: list[Fold] = []
        column = 0
        for index, (start, end) in enumerate(busy):
            if index:
                letter = LETTERS[(index - 1) % len(LETTERS)]
                self.folds.append(Fold(letter, column, start - busy[index - 1][1]))
                column += FOLD
            width = MIN_SEGMENT + free * (end - start) // total
            self._segments.append(_Segment(start, end, column, width))
            column += width
        self.columns = column

    def column(self, at_ns: int) -> int:
        """Return the column of a moment; one inside a fold is at the fold."""
        for segment in self._segments:
            if at_ns < segment.start_ns:
                return max(segment.column - FOLD, 0)
            if at_ns <= segment.end_ns:
                length = max(segment.end_ns - segment.start_ns, 1)
                offset = (at_ns - segment.start_ns) * segment.columns // length
                return segment.column + min(offset, segment.columns - 1)
        return self.columns - 1

    def bar(self, row: Row) -> tuple[int, int]:
        """Return the first column and the number of columns of a row; one column at least."""
        first = self.column(row.start_ns)
        return first, max(self.column(row.end_ns) - first + 1, 1)


def _merged(intervals: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in intervals:
        if merged and start - merged[-1][1] <= WAITING_NS:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _without_shortest_gap(busy: list[tuple[int, int]]) -> list[tuple[int, int]]:
    index = min(range(1, len(busy)), key=lambda one: busy[one][0] - busy[one - 1][1])
    joined = (busy[index - 1][0], busy[index][1])
    return [*busy[: index - 1], joined, *busy[index + 1 :]]


def duration(ns: int) -> str:
    """Return a length of time as people say it: `340 ms`, `8.2 s`, `2 h 5 min`."""
    seconds = ns / NS
    if ns < NS // 1_000:
        return f"{ns / 1_000:.0f} µs"
    if seconds < 1:
        return f"{ns / 1_000_000:.0f} ms"
    if seconds < 60:  # noqa: PLR2004  # A minute.
        return f"{seconds:.1f} s"
    return " ".join(_parts(round(seconds)))


def _parts(seconds: int) -> Iterator[str]:
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    largest = next(index for index, (_, size) in enumerate(units) if seconds >= size)
    for name, size in units[largest : largest + 2]:
        count, seconds = divmod(seconds, size)
        if count:
            yield f"{count} {name}"


def _start(span: Span) -> int:
    return span.start_time.seconds * NS + span.start_time.nanos


def _end(span: Span) -> int:
    return span.end_time.seconds * NS + span.end_time.nanos
