"""Records as they come and go: headers, and what a header says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from google.protobuf.message import Message

from streams.topics import topic_of

SOURCE: Final = "/concord/streams"
EPOCH: Final = "concord-epoch"
TRACEPARENT: Final = "traceparent"
Headers = Sequence[tuple[str, bytes]]


class Record(Protocol):
    """What is used of a consumed record."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


def header(record: Record, name: str) -> str | None:
    """Return a header of the record; the first where there are two."""
    for each, value in record.headers or ():
        if each == name:
            return value.decode("utf-8", "replace")
    return None


def epoch_of(record: Record) -> int | None:
    """Return the life of the broker that the record was published in, where it says so."""
    text = header(record, EPOCH)
    return int(text) if text and text.isdecimal() else None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to send. Its id is the same however often it is sent."""

    message: Message
    event_id: str
    key: bytes | None
    traceparent: str | None = None
    # None: the key decides.
    partition: int | None = None
    subject: str = ""

    @property
    def topic(self) -> str:
        return topic_of(type(self.message))

    def headers(self, epoch: int) -> list[tuple[str, bytes]]:
        """Return the CloudEvents headers, the life of the broker and the trace context."""
        pairs = {
            "ce_specversion": "1.0",
            "ce_id": self.event_id,
            "ce_source": SOURCE,
            "ce_type": self.message.DESCRIPTOR.full_name,
            "ce_subject": self.subject,
            "content-type": "application/protobuf",
            EPOCH: str(epoch),
            TRACEPARENT: self.traceparent or "",
        }
        return [(name, value.encode()) for name, value in pairs.items() if value]
