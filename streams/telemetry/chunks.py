"""Spans of a chunk of records: one for the chunk, one for each record whose trace is kept.

A chunk holds records of many traces, so its own span is a root, linked to some of them; work done
for the whole chunk (a call to the service, a view written) is below it. A record's span is in the
record's trace, below the `send` that brought it, so one trace runs from cause to consequence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Final

from opentelemetry.trace import Link, Span, SpanKind

from streams.telemetry.spans import (
    KEEP,
    ORDER,
    Value,
    context_of,
    fail,
    is_recording,
    is_sampled,
    span,
    traceparent_of,
    tracer,
)

# A link is 40 bytes on the wire, and nobody reads more than these.
MAX_LINKS: Final = 32


class Chunk:
    """The spans of one chunk in work. Contexts it returns go into requests and headers."""

    def __init__(self, topic: str, agent: str, own: Span) -> None:
        self._topic = topic
        self._agent = agent
        self._own = own
        self._records: list[Span] = []
        self._is_recording = is_recording()

    def record(
        self,
        traceparent: str | None,
        *,
        offset: int,
        order: str | None = None,
        keep: bool = False,
    ) -> str | None:
        """Begin `process <topic>` for one record, and return the context for its consequences.

        It ends with the chunk. A record whose trace is not kept costs nothing and keeps its
        context, unless `keep` says that it holds an error or a contradiction.
        """
        if not self._is_recording or (not keep and not is_sampled(traceparent)):
            return traceparent
        attributes = _messaging("process", self._topic)
        attributes |= {"messaging.kafka.offset": offset, "concord.agent": self._agent}
        return self._begin(f"process {self._topic}", traceparent, SpanKind.CONSUMER, attributes,
                           order=order, keep=keep)  # fmt: skip

    def send(
        self,
        topic: str,
        traceparent: str | None,
        *,
        order: str | None = None,
        keep: bool = False,
    ) -> str | None:
        """Begin `send <topic>` for one record that a record caused; return its header's value."""
        if not self._is_recording or (not keep and not is_sampled(traceparent)):
            return traceparent
        attributes = _messaging("send", topic) | {"concord.agent": self._agent}
        return self._begin(f"send {topic}", traceparent, SpanKind.PRODUCER, attributes,
                           order=order, keep=keep)  # fmt: skip

    def _begin(
        self,
        name: str,
        traceparent: str | None,
        kind: SpanKind,
        attributes: dict[str, Value],
        *,
        order: str | None,
        keep: bool,
    ) -> str | None:
        if order is not None:
            attributes[ORDER] = order
        if keep:
            attributes[KEEP] = True
        at = self._own.get_span_context()
        begun = tracer().start_span(
            name,
            context=context_of(traceparent),
            kind=kind,
            attributes=attributes,
            links=[Link(at)] if at.is_valid and at.trace_flags.sampled else [],
        )
        if not begun.is_recording():
            # Its context would say "not sampled" to everybody behind us, who may well record.
            return traceparent
        self._records.append(begun)
        return traceparent_of(begun)

    def end(self, error: BaseException | None = None) -> None:
        """End what was begun for single records."""
        for one in self._records:
            if error is not None:
                fail(one, error)
            one.end()
        self._records.clear()


@contextmanager
def process_chunk(
    topic: str,
    *,
    agent: str,
    partition: int,
    offsets: tuple[int, int],
    count: int,
    traceparents: Sequence[str | None] = (),
) -> Iterator[Chunk]:
    """Work on one chunk. `offsets` are the first and the last; recorded if one record's trace is.

    `traceparents` are those of the records; up to `MAX_LINKS` sampled ones become links.
    """
    linked = list(islice(filter(is_sampled, traceparents), MAX_LINKS)) if is_recording() else []
    attributes = _messaging("process", topic) | {
        "messaging.destination.partition.id": str(partition),
        "messaging.batch.message_count": count,
        "messaging.kafka.offset": offsets[0],
        "concord.offset.last": offsets[1],
        "concord.agent": agent,
    }
    with span(
        f"process {topic}", kind=SpanKind.CONSUMER, links=linked, attributes=attributes
    ) as own:
        chunk = Chunk(topic, agent, own)
        try:
            yield chunk
        except BaseException as error:
            chunk.end(error)
            raise
        chunk.end()


def _messaging(operation: str, topic: str) -> dict[str, Value]:
    return {
        "messaging.system": "kafka",
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": topic,
    }
