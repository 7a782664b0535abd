"""A callback as it came, what it opens to, why it is refused, and what the platform is told."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import Final, TypeVar

from clients.providers.accounts.account import Account

JSON: Final = "application/json"
PLAIN: Final = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Call:
    """One HTTP request, before anything in it is believed."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Opened:
    """What a verified call says: the parts that become the receipt."""

    template: str
    message_id: str
    body: bytes = field(repr=False)
    content_type: str
    order_hint: str = ""


class Refusal(Enum):
    """Why a call is not believed; the value names it in metrics and logs."""

    SIGNATURE = "signature"
    """The signature is missing, or is not that of the platform."""

    STALE = "stale"
    """Signed too long ago, or for a time that has not come: a replay, or a clock that is off."""

    CERTIFICATE = "certificate"
    """The message brings a certificate that nobody we trust has issued, or whose time is over."""

    KEY_UNKNOWN = "key_unknown"
    """Signed or sealed with a key that we do not hold (any more): must come again."""

    MALFORMED = "malformed"
    """Not what this platform sends."""

    OTHER_ACCOUNT = "other_account"
    """Genuine, perhaps, but for a merchant or application that is not this account's."""


# Every one is a failure to all of the platforms. A key of ours that is missing is our fault, so
# the platform must come again; what is forged learns only that it is.
STATUSES: Final[Mapping[Refusal, int]] = MappingProxyType(
    {
        Refusal.SIGNATURE: 401,
        Refusal.STALE: 401,
        Refusal.CERTIFICATE: 401,
        Refusal.KEY_UNKNOWN: 503,
        Refusal.MALFORMED: 400,
        Refusal.OTHER_ACCOUNT: 403,
    }
)


class RefusedError(Exception):
    """The call is not believed; nothing of it may be stored."""

    def __init__(self, refusal: Refusal, detail: str) -> None:
        """Take why, and where it was seen: names of fields, never a value of the call."""
        super().__init__(f"{refusal.value}: {detail}")
        self.refusal = refusal
        self.detail = detail


@dataclass(frozen=True)
class Answer:
    """What the platform is told."""

    status: int
    body: bytes = b""
    content_type: str = PLAIN
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


A_contra = TypeVar("A_contra", bound=Account, contravariant=True)


class Protocol(typing.Protocol[A_contra]):
    """How one provider speaks to us, and wants to be answered."""

    def open(self, account: A_contra, call: Call, now: datetime) -> Opened:
        """Return what the call says, once it is proved.

        Raises:
            RefusedError: it is not; nothing else is raised, whatever the bytes are.
        """
        ...

    def taken(self, call: Call) -> Answer:
        """Return what makes the platform stop: the receipt is durable."""
        ...

    def refused(self, call: Call, refusal: Refusal) -> Answer:
        """Return what a call gets that is not believed."""
        ...

    def again(self, call: Call) -> Answer:
        """Return what makes the platform come again: we failed, or are full."""
        ...
