"""The order as it is held: what the facts prove, and what operators set beside it."""

from dataclasses import dataclass, replace
from datetime import datetime

from service.domain.contradictions import Discrepancy, DiscrepancyKind
from service.domain.errors import HoldNotFoundError, VersionConflictError
from service.domain.facts import OrderLine, OrderRef
from service.domain.lifecycle import State
from service.domain.money import Money
from service.domain.truth import RefundState, Truth


@dataclass(frozen=True, slots=True)
class Hold:
    """A reason-coded stop on outbound."""

    hold_id: str
    reason: str
    actor: str
    placed_at: datetime


@dataclass(frozen=True, slots=True)
class Order:
    """One order. Frozen: every change is a new value, numbered by the journal."""

    order_id: str
    state: State
    state_since: datetime
    refund_state: RefundState
    channel: str
    customer: str
    refs: tuple[OrderRef, ...]
    lines: tuple[OrderLine, ...]
    total: Money
    list_total: Money
    paid: Money
    refunded: Money
    placed_at: datetime
    updated_at: datetime
    outbound_approved: bool = False
    discrepancies: tuple[DiscrepancyKind, ...] = ()
    holds: tuple[Hold, ...] = ()
    milestone: str = ""
    sequence: int = 0
    chain_head: bytes = b""
    # What people call it, to find it together with others; sorted.
    tags: tuple[str, ...] = ()

    @property
    def etag(self) -> str:
        """Changes with every change, and with nothing else."""
        return f"{self.sequence}"

    def check_etag(self, expected: str) -> None:
        """Raise `VersionConflictError` unless the caller's etag is empty or the present one."""
        if expected and expected != self.etag:
            raise VersionConflictError(order=self.order_id, etag=self.etag, expected_etag=expected)

    def reflecting(self, truth: Truth, found: tuple[Discrepancy, ...], *, at: datetime) -> "Order":
        """Return the order with what the facts prove now."""
        return Order(
            order_id=self.order_id,
            state=truth.state,
            state_since=truth.since,
            refund_state=truth.refund_state,
            channel=truth.channel,
            customer=truth.customer,
            refs=truth.refs,
            lines=truth.lines,
            total=truth.total,
            list_total=truth.list_total,
            paid=truth.paid,
            refunded=truth.refunded,
            placed_at=truth.placed_at,
            updated_at=at,
            outbound_approved=truth.outbound_approved,
            discrepancies=tuple([each.kind for each in found]),
            holds=self.holds,
            milestone=self.milestone,
            sequence=self.sequence,
            chain_head=self.chain_head,
            tags=self.tags,
        )

    def hold(self, hold: Hold, *, at: datetime) -> "Order":
        """Return the order with one hold more."""
        return replace(self, holds=(*self.holds, hold), updated_at=at)

    def release(self, hold_id: str, *, at: datetime) -> tuple["Order", Hold]:
        """Return the order without the hold, and the hold; or raise `HoldNotFoundError`."""
        for hold in self.holds:
            if hold.hold_id == hold_id:
                rest = tuple(each for each in self.holds if each is not hold)
                return replace(self, holds=rest, updated_at=at), hold
        raise HoldNotFoundError(order=self.order_id, hold=hold_id)

    def with_milestone(self, milestone: str, *, at: datetime) -> "Order":
        """Return the order with another milestone."""
        return replace(self, milestone=milestone, updated_at=at)

    def tagged(self, tag: str, *, at: datetime) -> "Order":
        """Return the order with a tag more; itself where it has it."""
        if tag in self.tags:
            return self
        return replace(self, tags=tuple(sorted((*self.tags, tag))), updated_at=at)

    def untagged(self, tag: str, *, at: datetime) -> "Order":
        """Return the order without a tag; itself where it has none such."""
        if tag not in self.tags:
            return self
        rest = tuple(each for each in self.tags if each != tag)
        return replace(self, tags=rest, updated_at=at)

    def numbered(self, sequence: int, chain_head: bytes) -> "Order":
        """Return the order as of a journal row."""
        return replace(self, sequence=sequence, chain_head=chain_head)


def placed(order_id: str, truth: Truth, *, at: datetime) -> Order:
    """Return a fresh order in its first state, before any journal row."""
    return Order(
        order_id=order_id,
        state=State.PENDING_PAYMENT,
        state_since=truth.placed_at,
        refund_state=RefundState.NONE,
        channel=truth.channel,
        customer=truth.customer,
        refs=truth.refs,
        lines=truth.lines,
        total=truth.total,
        list_total=truth.list_total,
        paid=Money.zero(truth.total.currency),
        refunded=Money.zero(truth.total.currency),
        placed_at=truth.placed_at,
        updated_at=at,
    )
