"""Finds the part of a batch's trace that is about one order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from concord.traces.v1.trace_service_pb2 import Span

PREFIX: Final = "orders/"
# A record's key names its order too, where the order is known only after the record was sent.
NAMING: Final = ("order.id", "messaging.kafka.message.key")


def about(order: str, spans: Sequence[Span]) -> list[Span]:
    """Return the spans of one trace that are about the order; all, where it is about no other.

    A span that names the order, the largest part of the tree around it that names no other order,
    and what led there.
    """
    named = {span.span_id: name for span in spans if (name := _order_of(span))}
    if set(named.values()) <= {order} or order not in named.values():
        return list(spans)
    parents = {span.span_id: span.parent_span_id for span in spans}
    shared: set[str] = set()
    for span_id, name in named.items():
        if name != order:
            shared.update(_upwards(span_id, parents))
    kept: set[str] = set()
    tops: set[str] = set()
    for span_id, name in named.items():
        if name == order:
            path = _upwards(span_id, parents)
            kept.update(path)
            tops.add([one for one in path if one not in shared or one == span_id][-1])
    children: dict[str, list[str]] = defaultdict(list)
    for span_id, parent in parents.items():
        children[parent].append(span_id)
    pending = list(tops - shared)
    while pending:
        span_id = pending.pop()
        kept.add(span_id)
        pending.extend(one for one in children[span_id] if one != span_id)
    return [span for span in spans if span.span_id in kept]


def _order_of(span: Span) -> str:
    for pair in span.attributes:
        if pair.key in NAMING:
            return pair.value.removeprefix(PREFIX)
    return ""


def _upwards(span_id: str, parents: dict[str, str]) -> list[str]:
    """Return the span and its ancestors, lowest first; a circle ends where it began."""
    path: dict[str, None] = {}
    at = span_id
    while at in parents and at not in path:
        path[at] = None
        at = parents[at]
    return list(path)
