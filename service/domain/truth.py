"""What a set of facts proves about an order.

The truth is a function of the set, never of the order of arrival: facts are joined, not
replayed. Physical evidence outweighs words: what left cannot be cancelled any more (ADR 0003).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import unique
from typing import Final, NamedTuple

from service.domain.fact_sets import FactSet
from service.domain.facts import PROVES, TOTAL_SO_FAR, Fact, FactKind, OrderLine, OrderRef
from service.domain.lifecycle import ROAD, State
from service.domain.money import Money
from service.domain.words import Word


@unique
class RefundState(Word):
    """How much of the money went back: an axis beside the state."""

    NONE = "NONE"
    REQUESTED = "REQUESTED"
    PARTIAL = "PARTIAL"
    FULL = "FULL"


class Truth(NamedTuple):
    """What the facts prove. `since` says when the present state was entered."""

    state: State
    since: datetime
    refund_state: RefundState
    total: Money
    list_total: Money
    paid: Money
    refunded: Money
    refund_requested: Money
    # What payments with a number of their own brought: a channel's mere word is not in it.
    proven: Money
    is_trade_closed: bool
    channel: str
    customer: str
    placed_at: datetime
    outbound_approved: bool
    refs: tuple[OrderRef, ...]
    lines: tuple[OrderLine, ...]
    parcels: frozenset[str]
    entered: Mapping[State, Fact]

    @property
    def is_paid(self) -> bool:
        """The money that came covers what was asked."""
        return self.paid.minor >= self.total.minor

    @property
    def has_left(self) -> bool:
        """A parcel left, or what follows from one."""
        return self.state in {State.SHIPPING, State.DELIVERED, State.COMPLETED}


def derive(facts: Iterable[Fact]) -> Truth | None:
    """Return what the facts prove; None while nobody has told that the order exists."""
    told = FactSet.of(facts)
    creations = told.of_kind(FactKind.ORDER_CREATED)
    if not creations:
        return None
    first = creations[0]
    totals = [each.amount for each in creations if each.amount is not None]
    total = totals[0] if totals else Money.zero("CNY")
    currency = total.currency
    payments = told.of_kind(FactKind.PAYMENT_SUCCEEDED)
    proven = sum_by_voucher([each for each in payments if each.voucher], currency)
    paid = _with_claims(proven, payments, total)
    refunded = refunded_amount(told.of_kind(FactKind.REFUND_SUCCEEDED), currency)
    requested = sum_by_voucher(_standing_requests(told), currency)
    is_paid = bool(payments) and any(_is_covered(each, payments) for each in creations)
    entered = entries(told)
    if is_paid and _is_lifted(told):
        del entered[State.CANCELLED]
    state = _state(entered, is_paid=is_paid)
    return Truth(
        state=state,
        since=_since(state, told, entered),
        refund_state=_refund_state(paid, refunded, requested),
        total=total,
        list_total=_listed(creations, currency),
        paid=paid,
        refunded=refunded,
        refund_requested=requested,
        proven=proven,
        is_trade_closed=FactKind.PAYMENT_CLOSED in told.kinds,
        channel=first.channel or next((each.channel for each in creations if each.channel), ""),
        customer=first.customer or next((each.customer for each in creations if each.customer), ""),
        placed_at=first.occurred_at,
        outbound_approved=FactKind.OUTBOUND_APPROVED in told.kinds,
        refs=_refs(told, creations),
        lines=first.lines or next((each.lines for each in creations if each.lines), ()),
        parcels=frozenset([each.voucher for each in told.of_kind(FactKind.PARCEL_SHIPPED)]),
        entered=entered,
    )


def _listed(creations: Sequence[Fact], currency: str) -> Money:
    """Return the first list price in this currency."""
    for each in creations:
        if each.list_amount is not None and each.list_amount.currency == currency:
            return each.list_amount
    return Money.zero(currency)


def _refs(facts: Iterable[Fact], creations: Iterable[Fact]) -> tuple[OrderRef, ...]:
    """Return every name of the order; only creations tell more than one (`Fact.refs`)."""
    names = {fact.ref for fact in facts}
    for each in creations:
        names.update(each.more_refs)
    return tuple(sorted(names))


def entries(ordered: Iterable[Fact]) -> dict[State, Fact]:
    """Return, for each state, the earliest fact that proves by itself that it was entered.

    Takes the facts in order of events.
    """
    entered: dict[State, Fact] = {}
    for fact in ordered:
        state = _ENTERS.get(fact.kind)
        if state is not None:
            entered.setdefault(state, fact)
    return entered


# These tell of a state and do not enter it.
_CLAIMS_ONLY: Final = frozenset(
    {
        FactKind.PAYMENT_FAILED,
        FactKind.PAYMENT_CLOSED,
        FactKind.OUTBOUND_APPROVED,
        FactKind.ORDER_REINSTATED,
    }
)
_ENTERS: Final = {kind: state for kind, state in PROVES.items() if kind not in _CLAIMS_ONLY}


def _is_lifted(told: FactSet) -> bool:
    """Tell whether the order was reinstated after its last cancellation.

    Of an unpaid order a reinstatement moves nothing until the money is there.
    """
    cancelled = told.of_kind(FactKind.ORDER_CANCELLED)
    reinstated = told.of_kind(FactKind.ORDER_REINSTATED)
    if not cancelled or not reinstated:
        return False
    return reinstated[-1].occurred_at > cancelled[-1].occurred_at


def _standing_requests(told: FactSet) -> Sequence[Fact]:
    """Return the refunds asked for, without those that the provider closed."""
    asked = told.of_kind(FactKind.REFUND_REQUESTED)
    closed = {each.voucher for each in told.of_kind(FactKind.REFUND_CLOSED)}
    return [each for each in asked if each.voucher not in closed]


def paid_amount(payments: Sequence[Fact], total: Money) -> Money:
    """Return what came: each voucher once; a claim without voucher or amount adds nothing to it.

    A channel that says "paid" names no payment number and often no amount: it tells of the
    same money as the provider, so the larger of the two readings holds, not their sum.
    """
    proven = sum_by_voucher([each for each in payments if each.voucher], total.currency)
    return _with_claims(proven, payments, total)


def _with_claims(proven: Money, payments: Sequence[Fact], total: Money) -> Money:
    said = [each.amount or total for each in payments if not each.voucher or each.amount is None]
    largest = max((each.minor for each in said if each.currency == total.currency), default=0)
    return proven if proven.minor >= largest else Money(largest, total.currency)


def refunded_amount(refunds: Sequence[Fact], currency: str) -> Money:
    """Return what went back: of each payment the refunds one by one, or the largest running total.

    A total and the refunds within it tell of the same money, so the larger of the two holds.
    """
    if not refunds:
        return Money.zero(currency)
    by_payment: dict[str, list[Fact]] = defaultdict(list)
    for fact in refunds:
        by_payment[fact.payment].append(fact)
    return Money(sum(_went_back(each, currency) for each in by_payment.values()), currency)


def _went_back(refunds: Sequence[Fact], currency: str) -> int:
    single = [each for each in refunds if each.note != TOTAL_SO_FAR]
    totals = [
        each.amount.minor
        for each in refunds
        if each.note == TOTAL_SO_FAR and each.amount and each.amount.currency == currency
    ]
    return max(sum_by_voucher(single, currency).minor, max(totals, default=0))


def sum_by_voucher(facts: Sequence[Fact], currency: str) -> Money:
    """Add up amounts of one currency, each voucher once.

    Of two readings of one voucher the larger counts, so that no further fact lowers a sum.
    """
    if not facts:
        return Money.zero(currency)
    amounts: dict[str, int] = {}
    for fact in facts:
        if fact.amount is not None and fact.amount.currency == currency:
            name = fact.voucher or fact.fact_id
            amounts[name] = max(amounts.get(name, 0), fact.amount.minor)
    return Money(sum(amounts.values()), currency)


def _is_covered(creation: Fact, payments: Sequence[Fact]) -> bool:
    """Tell whether what came covers what this source asks, whatever other sources ask.

    Once true it stays true: were it measured against the one total that holds now, a further
    creation in another currency would take a paid order back to unpaid, which no move does.
    """
    if creation.amount is None or not payments:
        return bool(payments)
    return paid_amount(payments, creation.amount).minor >= creation.amount.minor


def _state(entered: Mapping[State, Fact], *, is_paid: bool) -> State:
    for physical in (State.COMPLETED, State.DELIVERED, State.SHIPPING):
        if physical in entered:
            return physical
    if State.CANCELLED in entered:
        return State.CANCELLED
    if is_paid:
        # Stock reserved before the money came counts from the moment the money is there.
        return State.AWAITING_OUTBOUND if State.AWAITING_OUTBOUND in entered else State.PAID
    started = State.PAYING in entered or State.PAID in entered
    return State.PAYING if started else State.PENDING_PAYMENT


def _since(state: State, facts: Iterable[Fact], entered: Mapping[State, Fact]) -> datetime:
    if state in entered:
        own = entered[state].occurred_at
        # Stock reserved before the money came: the state began with the later of the two.
        paid = entered.get(State.PAID)
        waits = state is State.AWAITING_OUTBOUND and paid is not None
        return max(own, paid.occurred_at) if waits and paid is not None else own
    reached = ROAD.index(state)
    proofs = [
        fact.occurred_at
        for fact in facts
        if PROVES.get(fact.kind) in ROAD and ROAD.index(PROVES[fact.kind]) >= reached
    ]
    return min(proofs)


def _refund_state(paid: Money, refunded: Money, requested: Money) -> RefundState:
    if refunded.minor and refunded.minor >= paid.minor:
        return RefundState.FULL
    if refunded.minor:
        return RefundState.PARTIAL
    return RefundState.REQUESTED if requested.minor else RefundState.NONE
