"""Facts: what happened to an order, as one source tells it. A fact cannot be refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import unique
from types import MappingProxyType
from typing import Final, NamedTuple

from service.domain.customers.identity import Identity
from service.domain.lifecycle import Action, State
from service.domain.money import Money
from service.domain.words import Word


@unique
class FactKind(Word):
    """What happened; the names are those of `concord.intake.v1.Fact.Kind`."""

    ORDER_CREATED = "ORDER_CREATED"
    PAYMENT_STARTED = "PAYMENT_STARTED"
    PAYMENT_SUCCEEDED = "PAYMENT_SUCCEEDED"
    PAYMENT_FAILED = "PAYMENT_FAILED"
    STOCK_ALLOCATED = "STOCK_ALLOCATED"
    OUTBOUND_APPROVED = "OUTBOUND_APPROVED"
    PARCEL_SHIPPED = "PARCEL_SHIPPED"
    PARCEL_DELIVERED = "PARCEL_DELIVERED"
    ORDER_COMPLETED = "ORDER_COMPLETED"
    ORDER_CANCELLED = "ORDER_CANCELLED"
    REFUND_REQUESTED = "REFUND_REQUESTED"
    REFUND_SUCCEEDED = "REFUND_SUCCEEDED"
    NOTED = "NOTED"
    PAYMENT_CLOSED = "PAYMENT_CLOSED"
    PAYMENT_AUTHORISED = "PAYMENT_AUTHORISED"
    REFUND_CLOSED = "REFUND_CLOSED"
    REFUND_FAILED = "REFUND_FAILED"
    ORDER_REINSTATED = "ORDER_REINSTATED"


@unique
class Circumstance(Word):
    """How it came about, by the source's own word; the only ground for a cause of delay."""

    NETWORK_RETRY = "NETWORK_RETRY"
    LEARNT_BY_QUERY = "LEARNT_BY_QUERY"
    STOCK_LOCK_RETRY = "STOCK_LOCK_RETRY"
    MANUAL_PICKING = "MANUAL_PICKING"
    LEARNT_BY_FILE = "LEARNT_BY_FILE"


@unique
class Outcome(Word):
    """What became of a fact or of a receipt."""

    APPLIED = "APPLIED"
    CONFIRMED = "CONFIRMED"
    EARLY = "EARLY"
    CONTRADICTING = "CONTRADICTING"
    REJECTED = "REJECTED"
    IGNORED = "IGNORED"


# The note of a refund whose amount is all that went back of its payment so far: Alipay's notices
# tell no other.
TOTAL_SO_FAR: Final = "total_so_far"

# A receipt with several facts is summed up by the one that most needs attention.
GRAVITY: Final = (
    Outcome.CONTRADICTING,
    Outcome.EARLY,
    Outcome.APPLIED,
    Outcome.CONFIRMED,
    Outcome.IGNORED,
)

# Which state a fact proves by itself.
PROVES: Final[Mapping[FactKind, State]] = MappingProxyType(
    {
        FactKind.ORDER_CREATED: State.PENDING_PAYMENT,
        FactKind.PAYMENT_STARTED: State.PAYING,
        FactKind.PAYMENT_FAILED: State.PAYING,
        FactKind.PAYMENT_CLOSED: State.PAYING,
        FactKind.PAYMENT_AUTHORISED: State.PAYING,
        FactKind.PAYMENT_SUCCEEDED: State.PAID,
        FactKind.STOCK_ALLOCATED: State.AWAITING_OUTBOUND,
        FactKind.OUTBOUND_APPROVED: State.AWAITING_OUTBOUND,
        FactKind.PARCEL_SHIPPED: State.SHIPPING,
        FactKind.PARCEL_DELIVERED: State.DELIVERED,
        FactKind.ORDER_COMPLETED: State.COMPLETED,
        FactKind.ORDER_CANCELLED: State.CANCELLED,
        FactKind.ORDER_REINSTATED: State.PAID,
    }
)

# Which fact an accepted command becomes.
FACT_OF_ACTION: Final[Mapping[Action, FactKind]] = MappingProxyType(
    {
        Action.START_PAYMENT: FactKind.PAYMENT_STARTED,
        Action.CONFIRM_PAYMENT: FactKind.PAYMENT_SUCCEEDED,
        Action.ALLOCATE: FactKind.STOCK_ALLOCATED,
        Action.APPROVE_OUTBOUND: FactKind.OUTBOUND_APPROVED,
        Action.SHIP: FactKind.PARCEL_SHIPPED,
        Action.CONFIRM_DELIVERY: FactKind.PARCEL_DELIVERED,
        Action.COMPLETE: FactKind.ORDER_COMPLETED,
        Action.CANCEL: FactKind.ORDER_CANCELLED,
        Action.REINSTATE: FactKind.ORDER_REINSTATED,
    }
)


class OrderRef(NamedTuple):
    """A name of an order at one of the parties.

    A tuple, because batches look names up and sort them by the thousand.
    """

    namespace: str
    value: str


@dataclass(frozen=True, slots=True)
class OrderLine:
    """A quantity of one article."""

    sku: str
    quantity: int
    unit_price: Money | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened to one order. Equal ids mean the same happening."""

    fact_id: str
    kind: FactKind
    ref: OrderRef
    source: str
    occurred_at: datetime
    channel: str = ""
    amount: Money | None = None
    voucher: str = ""
    circumstances: frozenset[Circumstance] = frozenset()
    more_refs: tuple[OrderRef, ...] = ()
    list_amount: Money | None = None
    customer: str = ""
    lines: tuple[OrderLine, ...] = ()
    note: str = ""
    # Who moves the money, where another one tells of it; and our account there.
    provider: str = ""
    account: str = ""
    # The payment that a refund gives back.
    payment: str = ""
    # By what else the person is known; `customer` is the account at the channel.
    identities: tuple[Identity, ...] = ()
    # Kinds of goods, as the channel names them, and codes of the coupons that were used.
    categories: tuple[str, ...] = ()
    coupons: tuple[str, ...] = ()
    receipt_id: str = ""
    recorded_at: datetime | None = field(default=None, compare=False)
    traceparent: str = field(default="", compare=False)
    address: str = field(default="", compare=False)

    @property
    def refs(self) -> tuple[OrderRef, ...]:
        """Every name of the order that this fact tells; only a creation tells more than one.

        Whatever else a fact named, it would be found by that name when it comes after the order
        and not when it comes before.
        """
        if self.kind is not FactKind.ORDER_CREATED:
            return (self.ref,)
        return (self.ref, *self.more_refs)

    @property
    def moved_by(self) -> str:
        """The provider of the money that this fact is about, as far as the fact itself tells."""
        return self.provider or self.source

    @property
    def when(self) -> tuple[datetime, str]:
        """Order of events: by the source's clock, ties broken the same way everywhere."""
        return self.occurred_at, self.fact_id
