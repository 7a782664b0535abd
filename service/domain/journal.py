"""The journal: one row a change, chained by hash within each order.

`hash = SHA-256(tag ‖ previous hash ‖ record)`, where the record is every field, each preceded
by its length: two different rows can never have one preimage. The record's bytes are stored as
they were hashed, and the columns beside them are only for reading.
"""

import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

from service.domain.changes import Change

TAG: Final = b"concord.journal.v1"
GENESIS: Final = bytes(32)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LENGTH: Final = struct.Struct(">I").pack


@dataclass(frozen=True, slots=True)
class Origin:
    """Who caused a change, from where, and in which trace."""

    actor: str
    role: str
    address: str = ""
    traceparent: str = ""

    @property
    def trace_id(self) -> str:
        """The trace id within the W3C context; empty without one."""
        parts = self.traceparent.split("-")
        return parts[1] if len(parts) == 4 else ""  # noqa: PLR2004  # W3C: version-trace-span-flags


class Row(NamedTuple):
    """One journal row, complete."""

    order_id: str
    sequence: int
    change: Change
    origin: Origin
    recorded_at: datetime
    event: bytes
    previous: bytes
    record: bytes
    hash: bytes


def chain_row(  # every argument is a part of the row
    order_id: str,
    sequence: int,
    change: Change,
    *,
    origin: Origin,
    recorded_at: datetime,
    event: bytes,
    previous: bytes,
) -> Row:
    """Return the row with its record and hash."""
    record = encode_record(
        (
            order_id,
            str(sequence),
            change.kind.value,
            change.source,
            origin.actor,
            origin.role,
            origin.address,
            change.voucher,
            change.reason,
            change.old,
            change.new,
            micros(change.occurred_at),
            micros(recorded_at),
            origin.trace_id,
            event,
        )
    )
    previous = previous or GENESIS
    return Row(
        order_id,
        sequence,
        change,
        origin,
        recorded_at,
        event,
        previous,
        record,
        link(previous, record),
    )


def encode_record(fields: Iterable[str | bytes]) -> bytes:
    """Return the fields as one byte string, each preceded by its length in four bytes."""
    raw = [each.encode() if isinstance(each, str) else each for each in fields]
    return b"".join([part for each in raw for part in (_LENGTH(len(each)), each)])


def link(previous: bytes, record: bytes) -> bytes:
    """Return the hash of a record that follows `previous`."""
    return hashlib.sha256(TAG + previous + record).digest()


def micros(moment: datetime) -> str:
    """Return UTC microseconds since the epoch, as decimal text."""
    delta = moment - _EPOCH
    return str((delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds)
