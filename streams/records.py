"""Records as they come and go: headers, and what a header says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from google.protobuf.message import Message

from streams.topics import topic_of

SOURCE: Final = "/concord/streams"
EPOCH: Final = "concord-epoch"
TYPE: Final = "ce_type"
TRACEPARENT: Final = "traceparent"
# A life a second for 300 years has ten; Python reads no number of more than 4,300.
EPOCH_DIGITS_MAX: Final = 10
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


def headers_by_name(record: Record) -> dict[str, bytes]:
    """Return the headers of the record; the first where there are two of a name."""
    headers = record.headers
    by_name = dict(headers)
    # Twice as fast as to go through them backwards.
    return by_name if len(by_name) == len(headers) else dict(reversed(headers))


def text_of(headers: Mapping[str, bytes], name: str) -> str | None:
    """Return one header as text."""
    value = headers.get(name)
    return None if value is None else value.decode("utf-8", "replace")


def epoch_of(headers: Mapping[str, bytes]) -> int | None:
    """Return the life of the broker that a record was published in, where it says so."""
    text = text_of(headers, EPOCH)
    is_number = text and text.isdecimal() and len(text) <= EPOCH_DIGITS_MAX
    return int(text) if text and is_number else None


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
            TYPE: self.message.DESCRIPTOR.full_name,
            "ce_subject": self.subject,
            "content-type": "application/protobuf",
            EPOCH: str(epoch),
            TRACEPARENT: self.traceparent or "",
        }
        return [(name, value.encode()) for name, value in pairs.items() if value]
