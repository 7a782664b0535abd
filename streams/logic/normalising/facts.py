"""What goes into the reader and what comes out: receipts, facts, rejections, as plain data."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique


@unique
class FactKind(StrEnum):
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
class Circumstance(StrEnum):
    """How it came about; the names are those of `concord.intake.v1.Fact.Circumstance`."""

    NETWORK_RETRY = "NETWORK_RETRY"
    LEARNT_BY_QUERY = "LEARNT_BY_QUERY"
    STOCK_LOCK_RETRY = "STOCK_LOCK_RETRY"
    MANUAL_PICKING = "MANUAL_PICKING"
    LEARNT_BY_FILE = "LEARNT_BY_FILE"


@unique
class RejectionReason(StrEnum):
    """The kinds of unreadable; the names are those of `concord.intake.v1.Rejection.Reason`."""

    TEMPLATE_UNKNOWN = "TEMPLATE_UNKNOWN"
    ENCODING_INVALID = "ENCODING_INVALID"
    SYNTAX_INVALID = "SYNTAX_INVALID"
    FIELD_MISSING = "FIELD_MISSING"
    FIELD_INVALID = "FIELD_INVALID"
    READER_FAILED = "READER_FAILED"


@dataclass(frozen=True, slots=True)
class Receipt:
    """A message as it arrived; `name` is its resource name."""

    name: str
    source: str
    template: str
    channel: str
    body: bytes
    content_type: str
    receive_time: datetime
    account: str = ""


@dataclass(frozen=True, slots=True)
class OrderRef:
    """A name of an order at one of the parties."""

    namespace: str
    value: str


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in the minor units of one currency: 分, cents, whole yen."""

    minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class OrderLine:
    """A quantity of one article."""

    sku: str
    quantity: int
    unit_price: Money | None = None
    # The kind of goods, as the channel names it, behind the channel's name; empty where untold.
    category: str = ""


@unique
class IdentityKind(StrEnum):
    """By what a person is known; the names are those of `concord.intake.v1.Identity.Kind`."""

    PLATFORM = "PLATFORM"
    PHONE = "PHONE"
    MAIL = "MAIL"
    NAME = "NAME"
    ADDRESS = "ADDRESS"


@dataclass(frozen=True, slots=True)
class Identity:
    """One thing by which a person is known, as a keyed hash; none where the value was masked."""

    kind: IdentityKind
    digest: str
    is_masked: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened to one order, as one source tells it."""

    fact_id: str
    kind: FactKind
    ref: OrderRef
    source: str
    occurred_at: datetime
    channel: str = ""
    amount: Money | None = None
    voucher: str = ""
    circumstances: tuple[Circumstance, ...] = ()
    more_refs: tuple[OrderRef, ...] = ()
    list_amount: Money | None = None
    customer: str = ""
    lines: tuple[OrderLine, ...] = ()
    note: str = ""
    provider: str = ""
    account: str = ""
    payment: str = ""
    identities: tuple[Identity, ...] = ()
    # Codes of coupons that were used.
    coupons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a receipt could not be read: where, and what to do, without a value from the message."""

    reason: RejectionReason
    field: str
    advice: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What one receipt means.

    No facts and no rejection means: nothing for any order. Facts beside a rejection come from
    the records of a batch that could be read; read again after a fix, they keep their ids.
    """

    receipt: str
    facts: tuple[Fact, ...] = ()
    rejection: Rejection | None = None
