"""What notices need within a transaction, as Protocols of plain values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from service.domain.desk.grouping import Line
from service.domain.desk.notices import Delivery, Notice, NoticeAsked, NoticeState, Sending

__all__ = ["Contact", "NoticeAsked", "NoticePart", "NoticeQuery", "NoticeReader", "NoticeStorage"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Contact:
    """Where somebody is reached, and in which language; without an address, nowhere."""

    recipient: str
    # Each a channel and an address there.
    addresses: tuple[tuple[str, str], ...]
    language: str = ""


@dataclass(frozen=True, slots=True)
class NoticeQuery:
    """Which notices to list."""

    page_size: int
    page_token: str = ""
    state: NoticeState | None = None
    recipient: str = ""
    order_id: str = ""
    case_id: str = ""
    batch_id: str = ""
    template: str = ""
    # Only what lies in the inbox of this recipient.
    inbox: str = ""


class NoticePart(Protocol):
    """The part of every transaction that knows notices. Their locks come after all others."""

    def queue_notices(self, asked: Sequence[NoticeAsked], *, at: datetime) -> None:
        """Let people be told, each key once ever; whoever is asked twice is told once."""

    def lock_notice(self, notice_id: str) -> Notice:
        """Lock and return a notice with its deliveries, or raise `NoticeNotFoundError`."""

    def keep_notice(self, notice: Notice) -> None:
        """Store what became of a (locked) notice and its deliveries."""

    def set_contact(self, contact: Contact, *, at: datetime) -> None:
        """Write down where somebody is reached, instead of what was known."""


class NoticeDesk(NoticePart, Protocol):
    """What composing and delivering need beside that, in transactions of their own."""

    def claim_queued(self, *, most: int) -> list[Notice]:
        """Lock and return notices that are not composed, oldest first; passes over locked ones."""

    def contacts_of(self, recipients: Sequence[str]) -> dict[str, Contact]:
        """Return where people are reached; who is not known is not there."""

    def customers_of(self, order_ids: Sequence[str]) -> dict[str, str]:
        """Return the customer of each order."""

    def keep_composed(self, notices: Sequence[Notice]) -> None:
        """Store composed notices with their fresh deliveries."""

    def sendings_of(self, lease: str) -> list[Sending]:
        """Return what was claimed under a lease, with the deliveries that are under way."""

    def lock_lines(self, channels: Sequence[str], now: datetime) -> list[Line]:
        """Lock and return addresses of grouped channels to which something is due.

        Such as somebody else has locked, and such as are paused, are passed over.
        """

    def waiting_for(self, line: Line, now: datetime, *, most: int) -> list[Delivery]:
        """Return what is due to a (locked) address: most urgent first, then oldest."""

    def claim_single(self, channels: Sequence[str], now: datetime, *, most: int) -> list[Delivery]:
        """Lock and return deliveries that are due and go alone; passes over locked ones."""

    def begin_sendings(self, sendings: Sequence[Sending]) -> None:
        """Store fresh attempts; their deliveries are under way."""

    def lock_sending(self, sending_id: str) -> Sending:
        """Lock and return an attempt with its deliveries, or raise `SendingEndedError`."""

    def claim_lapsed(self, now: datetime, *, most: int) -> list[Sending]:
        """Lock and return attempts whose lease ended unreported; passes over locked ones."""

    def end_sending(self, sending: Sending) -> None:
        """Store what came of a (locked) attempt, its deliveries, and their notices' states."""

    def lock_line(self, channel: str, address: str) -> Line:
        """Lock and return an address of a grouped channel."""

    def keep_line(self, line: Line) -> None:
        """Store until when a (locked) address is left alone."""


class NoticeStorage(Protocol):
    """Runs work in transactions; see `service.application.ports.Storage`."""

    def transact(
        self,
        work: Callable[[NoticeDesk], T],
        *,
        still_wanted: Callable[[], bool] = ...,
        is_repeatable: bool = True,
    ) -> T:
        """Run `work` in one transaction."""


class NoticeReader(Protocol):
    """Reads notices, without locks."""

    def notice(self, notice_id: str) -> Notice:
        """Return a notice with its deliveries, or raise `NoticeNotFoundError`."""

    def notices(self, query: NoticeQuery) -> tuple[Sequence[Notice], str]:
        """List notices, newest first, and the next page's token.

        Raises:
            CursorInvalidError: the token is not one of ours.
        """

    def notice_counts(self) -> Mapping[NoticeState, int]:
        """Return how many notices are queued, wait, are uncertain, are dead."""
