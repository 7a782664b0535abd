"""What probes need within a transaction, as a Protocol of plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from service.domain.probing import Probe, ProbeState


@dataclass(frozen=True, slots=True)
class Claim:
    """Who wants work, how much, and for how long."""

    lease: str
    until: datetime
    most: int
    providers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProbeQuery:
    """Which probes to list."""

    page_size: int
    page_token: str = ""
    order_id: str = ""
    state: ProbeState | None = None
    provider: str = ""


@dataclass(frozen=True, slots=True)
class Backlog:
    """How far asking is behind, for one provider."""

    provider: str
    due: int
    oldest_due_at: datetime | None


class ProbePart(Protocol):
    """The part of a transaction that knows probes. Their locks come after those of orders."""

    def lock_probes(self, order_ids: Sequence[str]) -> dict[str, tuple[Probe, ...]]:
        """Lock the probes of (locked) orders, and return them by order."""

    def lock_probe(self, probe_id: str) -> Probe:
        """Lock a probe and return it, or raise `ProbeNotFoundError`."""

    def find_probe(self, probe_id: str) -> Probe:
        """Return a probe without locking it, or raise `ProbeNotFoundError`."""

    def keep_probes(self, probes: Sequence[Probe]) -> None:
        """Store (locked or fresh) probes."""

    def claim_probes(self, claim: Claim, now: datetime) -> list[Probe]:
        """Lease probes whose time has come; nobody else gets them until the lease ends.

        Two of three are such as were never asked, the longest waiting first; one of three such
        as come closest to having waited for two of their intervals. Where one kind is short the
        other fills up.
        """

    def unprobed_orders(self, after: str, *, most: int) -> list[str]:
        """Return orders, by id, that wait for money, have a merchant's number and no probe."""

    def has_open_refusal(self, provider: str, account: str) -> bool:
        """Tell whether somebody already looks into why an account's questions are refused."""


class ProbeReader(Protocol):
    """Reads probes, without locks."""

    def probe(self, probe_id: str) -> Probe:
        """Return a probe, or raise `ProbeNotFoundError`."""

    def probes(self, query: ProbeQuery) -> tuple[Sequence[Probe], str]:
        """List probes, soonest due first, and the next page's token.

        Raises:
            CursorInvalidError: the token is not one of ours.
        """

    def verifications(self, order_ids: Sequence[str]) -> Mapping[str, Sequence[Probe]]:
        """Return the armed probes of orders, soonest due first."""

    def probe_backlog(self, now: datetime) -> Sequence[Backlog]:
        """Return what is due, for each provider that has armed probes."""
