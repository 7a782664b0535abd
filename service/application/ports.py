"""What the use cases need from the outside, as Protocols of plain values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol, TypeVar

from service.application.batch_ports import BatchPart
from service.application.coupon_ports import CouponPart
from service.application.desk_ports import DeskPart
from service.application.feed_ports import FeedPart
from service.application.import_ports import ImportPart
from service.application.notice_ports import NoticePart
from service.application.outbox import Stream
from service.application.people_ports import PeoplePart
from service.application.probe_ports import ProbePart
from service.application.profile_ports import ProfilePart
from service.application.reconciling_ports import ReconcilingPart
from service.application.shared_ports import SharedPart
from service.application.stock_ports import StockPart
from service.domain.cases import Case, CaseAct
from service.domain.changes import Change
from service.domain.deciding import Dossier
from service.domain.expectations import Expectation, ExpectationKind
from service.domain.facts import Fact, OrderRef, Outcome
from service.domain.journal import Row
from service.domain.order import Order

T = TypeVar("T")

Clock = Callable[[], datetime]
Ids = Callable[[], str]


class Message(NamedTuple):
    """One row of the outbox. `n` counts within (stream, key); None where no order is promised."""

    stream: Stream
    key: str
    n: int | None
    payload: bytes
    event_id: str
    subject: str
    happened_at: datetime
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class NewReceipt:
    """A message as it arrived."""

    source: str
    message_id: str
    template: str
    channel: str
    body: bytes
    content_type: str
    received_at: datetime
    order_hint: str
    address: str
    traceparent: str
    account: str = ""


@dataclass(frozen=True, slots=True)
class StoredReceipt:
    """A new receipt with its id and the event that publishes it."""

    receipt_id: str
    dedupe_key: str
    receipt: NewReceipt
    event: bytes


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a receipt could not be read."""

    reason: str
    field: str
    advice: str


@dataclass(frozen=True, slots=True)
class WaitingReceipt:
    """What a decision needs to know of a receipt."""

    receipt_id: str
    source: str
    channel: str
    order_hint: str
    received_at: datetime
    outcome: Outcome | None
    revision: int
    address: str = ""

    @property
    def key(self) -> str:
        """Record key of everything that is published about this receipt."""
        return receipt_key(self.source, self.order_hint, self.receipt_id)


@dataclass(frozen=True, slots=True)
class ReceiptResult:
    """What became of one receipt, with the event that tells of it."""

    receipt: WaitingReceipt
    outcome: Outcome
    rejection: Rejection | None
    facts: tuple[tuple[Fact, Outcome], ...]
    event: bytes
    at: datetime
    traceparent: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal as it was answered, kept so that a repeat gets the same."""

    reason: str
    values: Mapping[str, str]
    violations: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request got: an answer's bytes, or a refusal."""

    body: bytes | None
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Writes:
    """Everything that one decision about one order changes, ready to be stored together."""

    order: Order
    rows: tuple[Row, ...]
    added: tuple[tuple[Fact, Outcome], ...]
    outcomes: Mapping[str, Outcome]
    awaited: tuple[Expectation, ...] | None
    acts: tuple[CaseAct, ...]


@dataclass(frozen=True, slots=True)
class DueTimer:
    """A deadline that passed."""

    order_id: str
    kind: ExpectationKind
    wait: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class StoredFlag:
    """A risk finding."""

    flag_id: str
    order_id: str
    customer: str
    rule: str
    rule_version: int
    action: str
    inputs: tuple[tuple[str, str], ...]
    occurred_at: datetime
    act: str = ""


class Unit(
    SharedPart,
    StockPart,
    ProbePart,
    DeskPart,
    BatchPart,
    CouponPart,
    FeedPart,
    ImportPart,
    NoticePart,
    PeoplePart,
    ProfilePart,
    ReconcilingPart,
    Protocol,
):
    """One transaction. Locks are taken in one order: references, orders, stock, probes."""

    def lock_refs(self, refs: Sequence[OrderRef]) -> dict[OrderRef, str | None]:
        """Lock names of orders, unknown ones too; return whose they are."""

    def open_dossiers(self, order_ids: Sequence[str]) -> dict[str, Dossier]:
        """Lock orders and return all that is known; an unknown one has an empty dossier."""

    def parked(self, refs: Sequence[OrderRef]) -> dict[OrderRef, tuple[Fact, ...]]:
        """Return the facts that wait under these references."""

    def park(self, facts: Sequence[Fact], *, at: datetime) -> None:
        """Keep facts whose order nobody has told of."""

    def own_refs(self, owners: Mapping[OrderRef, str]) -> None:
        """Write down whose the references are."""

    def save(self, writes: Sequence[Writes]) -> None:
        """Store orders, journal rows, facts, timers, cases."""

    def save_acts(self, acts: Sequence[CaseAct]) -> None:
        """Store cases with their newest act."""

    def orphans(self, before: datetime, *, most: int) -> list[OrderRef]:
        """Return names under which money waits since before then, and no case tells of it."""

    def orphan_cases(self, refs: Sequence[OrderRef]) -> dict[OrderRef, Case]:
        """Return the open cases of money that waited for its order under these names."""

    def publish(self, messages: Sequence[Message]) -> None:
        """Put messages into the outbox."""

    def numbers(self, stream: Stream, counts: Mapping[str, int]) -> dict[str, int]:
        """Take `counts[key]` consecutive numbers for each key; return the first of each."""

    def keep_customer_events(self, messages: Sequence[Message]) -> None:
        """Keep what was published of customers, so that it can be published again."""

    def claim_request(self, request_id: str, fingerprint: bytes) -> Answer | None:
        """Return what this request got before; None when it is new and now ours.

        Raises:
            RequestIdReusedError: the id was used for another request.
        """

    def keep_answer(self, request_id: str, answer: Answer) -> None:
        """Remember what this request got."""

    def forget_requests(self, before: datetime, *, most: int) -> int:
        """Delete answers that nobody will ask for again; return how many."""

    def store_receipts(
        self, receipts: Sequence[StoredReceipt], arrivals: Mapping[str, int]
    ) -> frozenset[str]:
        """Store receipts, each once; return the ids of those that are new.

        `arrivals` says how often each id came; every arrival but a receipt's first is counted.
        """

    def lock_receipts(self, receipt_ids: Sequence[str]) -> dict[str, WaitingReceipt]:
        """Lock receipts and return what a decision needs of them."""

    def close_receipts(self, results: Sequence[ReceiptResult]) -> None:
        """Write down what became of receipts."""

    def refresh_receipts(self, receipt_ids: Sequence[str]) -> None:
        """Give receipts that were early the outcome that their facts have by now."""

    def reopen_receipts(
        self, receipt_ids: Sequence[str], rejected_for: str, *, waiting: bool, limit: int
    ) -> list[tuple[str, str, bytes, str, datetime]]:
        """Take outcomes back; return (id, key, event, traceparent, received_at) to publish."""

    def stale_receipts(
        self, now: datetime, slack: timedelta, *, most: int, times: int
    ) -> list[tuple[str, str, bytes, str, datetime]]:
        """Claim receipts without outcome that intake has passed by.

        While intake works, those that are older, by `slack`, than the newest with an outcome;
        when it has rested that long, those that are older than that.

        Published `p` times, a receipt is claimed again 2^p - 2 minutes later still, and never
        after `times`. Returns the same shape as above.
        """

    def claim_timers(self, now: datetime, *, most: int) -> list[DueTimer]:
        """Return deadlines that passed, oldest first."""

    def finish_timer(self, timer: DueTimer, *, at: datetime) -> None:
        """Mark a deadline as dealt with."""

    def lock_case(self, case_id: str) -> Case:
        """Return a case, its order's row locked; or raise `CaseNotFoundError`."""

    def case_exists(self, case_id: str) -> bool:
        """Tell whether a case of this id was ever opened."""

    def store_flag(self, flag: StoredFlag, *, at: datetime) -> StoredFlag | None:
        """Store a flag; return the stored one when it was there before, else None."""

    def find_flag(self, flag_id: str) -> StoredFlag:
        """Return a flag, or raise `FlagNotFoundError`."""

    def mark_flag(self, flag_id: str, act: str) -> None:
        """Write down what was done about a flag."""


class Storage(Protocol):
    """Runs whole transactions; the only place that commits and the only one that retries."""

    def transact(
        self,
        work: Callable[[Unit], T],
        *,
        still_wanted: Callable[[], bool] = ...,
        is_repeatable: bool = ...,
    ) -> T:
        """Run `work` in one transaction, again from its start after a lost race, then commit.

        Whether a commit came about may stay unknown. Work that finds out by itself, as all does
        unless it says otherwise, is then run again.

        Raises:
            OutageError: storage cannot be reached, or races were lost five times; or nobody
                knows whether work that is not repeatable was committed.
            DeadlineExceededError: the caller had gone before the commit.
        """


class Envelopes(Protocol):
    """Addresses messages."""

    def topic(self, stream: Stream) -> str:
        """Return the topic's name, as the contract declares it."""

    def headers(self, message: Message) -> dict[str, str]:
        """Return the record headers that the writer knows; the relay adds its own."""


class Encoder(Protocol):
    """Turns changes into the bytes that are published."""

    def order_event(self, order: Order, sequence: int, change: Change, *, at: datetime) -> bytes:
        """Encode one journal row's event."""

    def customer_event(self, order: Order, n: int, change: Change) -> bytes:
        """Encode what a customer did."""

    def case_event(self, act: CaseAct, n: int) -> bytes:
        """Encode one act on a case."""

    def receipt_event(self, receipt_id: str, receipt: NewReceipt) -> bytes:
        """Encode the arrival of a receipt."""

    def repeat_event(self, receipt_id: str, receipt: NewReceipt) -> bytes:
        """Encode that a receipt came again."""

    def weighed_event(
        self,
        receipt: WaitingReceipt,
        outcome: Outcome,
        facts: Sequence[tuple[Fact, Outcome]],
        *,
        revision: int,
        template_version: int,
    ) -> bytes:
        """Encode what became of a receipt, and which version of its template read it."""


def receipt_key(source: str, order_hint: str, receipt_id: str) -> str:
    """Return the record key that keeps receipts of one order of one source together."""
    return f"{source}:{order_hint or receipt_id}"
