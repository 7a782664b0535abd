"""Commands: what callers ask of an order. A command can be refused.

An accepted command becomes a fact and goes through the same decision as every other, so there
is one front door to an order's state.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from service.application.desks import Desk, OwnDesk
from service.application.ports import Encoder, Unit
from service.application.recording import Decided
from service.application.weighing import weigh_facts
from service.domain.changes import Change, ChangeKind, HoldChanged, Named
from service.domain.deciding import Dossier, weigh
from service.domain.errors import (
    AmountMismatchError,
    IllegalTransitionError,
    InvalidRequestError,
    OrderNotFoundError,
    OrderOnHoldError,
    OutboundNotApprovedError,
    PaymentMissingError,
    ProviderUnknownError,
    ReferenceTakenError,
    RefundExceedsPaymentError,
    RefundNotRequestedError,
)
from service.domain.facts import FACT_OF_ACTION, Fact, FactKind, OrderLine, OrderRef
from service.domain.journal import Origin
from service.domain.lifecycle import LIFECYCLE, Action, next_state
from service.domain.money import Money
from service.domain.order import Hold, Order
from service.domain.refunds import givers, spoken_for
from service.domain.terms import USUAL, Terms


@dataclass(frozen=True, slots=True)
class Ask:
    """What every command names: the order, the caller, a fresh id, and the caller's guard."""

    order_id: str
    origin: Origin
    fresh_id: str
    etag: str = ""
    reason: str = ""
    source: str = "operator"

    def told_by(self, source: str) -> "Ask":
        """Return the same, on the word of another source."""
        return replace(self, source=source)


@dataclass(frozen=True, slots=True)
class Details:
    """What some actions need besides: the outside document and the money."""

    voucher: str = ""
    amount: Money | None = None
    # Of a refund: which payment gives it back, who moved that, and the trade's own name.
    payment: str = ""
    provider: str = ""
    account: str = ""
    ref: OrderRef | None = None


@dataclass(frozen=True, slots=True)
class CreateOrder:
    """Make an order known."""

    origin: Origin
    fresh_id: str
    refs: tuple[OrderRef, ...]
    channel: str
    total: Money
    placed_at: datetime
    list_total: Money | None = None
    customer: str = ""
    lines: tuple[OrderLine, ...] = field(default=())
    source: str = "operator"
    reason: str = ""


class Commands:
    """Every command on an order, each within the transaction of `unit`."""

    def __init__(
        self,
        unit: Unit,
        encoder: Encoder,
        at: datetime,
        terms: Terms = USUAL,
        desk: Desk | None = None,
    ) -> None:
        """Take the transaction, the event encoder, the present moment and the terms.

        Without a desk, orders are found and written in the transaction itself.
        """
        self._terms = terms
        self._unit = unit
        self._encoder = encoder
        self._at = at
        self._desk = desk or OwnDesk(unit, encoder, at)

    def create(self, command: CreateOrder) -> Order:
        """Make an order known, or raise `ReferenceTakenError`."""
        owners = self._unit.lock_refs(sorted(command.refs))
        for ref, owner in owners.items():
            if owner:
                raise ReferenceTakenError(namespace=ref.namespace, value=ref.value, order=owner)
        fact = Fact(
            fact_id=f"cmd-{command.fresh_id}",
            kind=FactKind.ORDER_CREATED,
            ref=command.refs[0],
            more_refs=command.refs[1:],
            source=command.source,
            channel=command.channel,
            occurred_at=command.placed_at,
            recorded_at=self._at,
            amount=command.total,
            list_amount=command.list_total,
            customer=command.customer,
            lines=command.lines,
            note=command.reason,
            traceparent=command.origin.traceparent,
        )
        weighed = weigh_facts(
            self._unit,
            [fact],
            encoder=self._encoder,
            at=self._at,
            origins={fact.fact_id: command.origin},
            terms=self._terms,
        )
        return next(iter(weighed.orders.values()))

    def advance(self, ask: Ask, action: Action, details: Details) -> Order:
        """Move the order by an action of the lifecycle.

        Raises:
            OrderNotFoundError, VersionConflictError, IllegalTransitionError, OrderOnHoldError,
            OutboundNotApprovedError, AmountMismatchError.
        """
        dossier, order = self._open(ask)
        next_state(order.state, action, order=order.order_id)
        if action is Action.APPROVE_OUTBOUND and order.outbound_approved:
            allowed = tuple(each.value for each in LIFECYCLE[order.state] if each is not action)
            raise IllegalTransitionError(
                order=order.order_id,
                state=order.state.value,
                action=action.value,
                allowed=allowed,
            )
        guard = GUARDS.get(action)
        if guard:
            guard(order, details)
        return self._weigh(ask, dossier, FACT_OF_ACTION[action], details)

    def request_refund(self, ask: Ask, details: Details) -> Order:
        """Ask money back, or raise `RefundExceedsPaymentError`."""
        dossier, order = self._open(ask)
        given = details.amount
        assert given is not None, "the edge refuses a refund without amount"  # noqa: S101
        _refuse_too_much(order, given, _refundable(dossier, order))
        return self._weigh(ask, dossier, FactKind.REFUND_REQUESTED, details)

    def refund(self, ask: Ask, details: Details) -> Order:
        """Ask the provider to give money back; a probe carries it there and follows it.

        Raises:
            InvalidRequestError: another amount was asked back under this number.
            RefundExceedsPaymentError: more than is left of what was paid.
            ProviderUnknownError: no payment that a provider told of has so much left.
        """
        dossier, order = self._open(ask)
        given = details.amount
        assert given is not None, "the edge refuses a refund without amount"  # noqa: S101
        if again := _asked_already(dossier, details, given):
            return self._weigh(ask, dossier, FactKind.REFUND_REQUESTED, again)
        _refuse_too_much(order, given, _refundable(dossier, order))
        for payment, left in givers(dossier.facts, given.currency):
            wanted = details.payment in {"", payment.voucher}
            if wanted and left.minor >= given.minor:
                of_it = replace(
                    details,
                    payment=payment.voucher,
                    provider=payment.source,
                    account=payment.account,
                    ref=payment.ref,
                )
                return self._weigh(ask, dossier, FactKind.REFUND_REQUESTED, of_it)
        raise ProviderUnknownError(order=order.order_id, payment=details.payment)

    def confirm_refund(self, ask: Ask, details: Details) -> Order:
        """Write down that money went back.

        Raises:
            RefundNotRequestedError: no refund waits under this number.
            RefundExceedsPaymentError: more than was asked under it.
        """
        dossier, order = self._open(ask)
        given = details.amount
        assert given is not None, "the edge refuses a refund without amount"  # noqa: S101
        requested = {
            each.voucher: each.amount
            for each in dossier.facts
            if each.kind is FactKind.REFUND_REQUESTED
        }
        done = {each.voucher for each in dossier.facts if each.kind is FactKind.REFUND_SUCCEEDED}
        asked = requested.get(details.voucher)
        if asked is None or details.voucher in done:
            raise RefundNotRequestedError(order=order.order_id, voucher=details.voucher)
        _refuse_too_much(order, given, asked)
        return self._weigh(ask, dossier, FactKind.REFUND_SUCCEEDED, details)

    def place_hold(self, ask: Ask, hold_reason: str) -> Order:
        """Stop outbound for a reason."""
        _, order = self._open(ask)
        hold = Hold(f"hold-{ask.fresh_id}", hold_reason, ask.origin.actor, self._at)
        held = order.hold(hold, at=self._at)
        return self._write(held, ask, _hold_change(order, held, hold, ask, released=False))

    def release_hold(self, ask: Ask, hold_id: str) -> Order:
        """End one hold, or raise `HoldNotFoundError`."""
        _, order = self._open(ask)
        released, hold = order.release(hold_id, at=self._at)
        return self._write(released, ask, _hold_change(order, released, hold, ask, released=True))

    def set_milestone(self, ask: Ask, milestone: str) -> Order:
        """Set or clear the named sub-state."""
        _, order = self._open(ask)
        change = Change(
            kind=ChangeKind.MILESTONE_CHANGED,
            detail=Named(milestone),
            occurred_at=self._at,
            source=ask.source,
            old=order.milestone,
            new=milestone,
            reason=ask.reason,
        )
        return self._write(order.with_milestone(milestone, at=self._at), ask, change)

    def _open(self, ask: Ask) -> tuple[Dossier, Order]:
        dossier = self._desk.open(ask.order_id)
        if dossier.order is None:
            raise OrderNotFoundError(order=ask.order_id)
        dossier.order.check_etag(ask.etag)
        return dossier, dossier.order

    def _weigh(self, ask: Ask, dossier: Dossier, kind: FactKind, details: Details) -> Order:
        order = dossier.order
        assert order is not None, "it was opened"  # noqa: S101
        fact = Fact(
            fact_id=f"cmd-{ask.fresh_id}",
            kind=kind,
            ref=details.ref or order.refs[0],
            source=ask.source,
            channel=order.channel,
            occurred_at=_moment(kind, dossier, self._at),
            recorded_at=self._at,
            amount=details.amount,
            voucher=details.voucher,
            note=ask.reason,
            provider=details.provider,
            account=details.account,
            payment=details.payment,
            traceparent=ask.origin.traceparent,
        )
        verdict = weigh(dossier, [fact], at=self._at, terms=self._terms)
        assert verdict.dossier.order is not None, "it was opened"  # noqa: S101
        decided = Decided(
            order=verdict.dossier.order,
            changes=tuple((each, ask.origin) for each in verdict.changes),
            acts=tuple((each, ask.origin) for each in verdict.acts),
            added=tuple((each, verdict.outcomes[each.fact_id]) for each in verdict.added),
            awaited=verdict.awaited,
            inquiries=verdict.inquiries,
            schedules=self._terms.schedules,
        )
        return self._desk.write(decided)

    def _write(self, order: Order, ask: Ask, change: Change) -> Order:
        decided = Decided(order=order, changes=((change, ask.origin),))
        return self._desk.write(decided)


def _refuse_hold(order: Order, _details: Details) -> None:
    if order.holds:
        reasons = tuple(each.reason for each in order.holds)
        raise OrderOnHoldError(order=order.order_id, holds=reasons)


def _refuse_unapproved(order: Order, details: Details) -> None:
    _refuse_hold(order, details)
    if not order.outbound_approved:
        raise OutboundNotApprovedError(order=order.order_id)


def _refuse_unpaid(order: Order, _details: Details) -> None:
    if order.paid.minor < order.total.minor or not order.paid.minor:
        raise PaymentMissingError(order=order.order_id)


def _refuse_other_amount(order: Order, details: Details) -> None:
    if details.amount != order.total:
        raise AmountMismatchError(order=order.order_id, expected=order.total, given=details.amount)


# What depends on data beyond the state; the lifecycle table itself allows or not.
GUARDS: Final[Mapping[Action, Callable[[Order, Details], None]]] = MappingProxyType(
    {
        Action.CONFIRM_PAYMENT: _refuse_other_amount,
        Action.APPROVE_OUTBOUND: _refuse_hold,
        Action.SHIP: _refuse_unapproved,
        Action.REINSTATE: _refuse_unpaid,
    }
)


def _moment(kind: FactKind, dossier: Dossier, at: datetime) -> datetime:
    """Return when a command takes effect: a cancel and its opposite follow what they undo.

    Sources' clocks run ahead of ours now and then; the newest of the two holds (`truth.py`).
    """
    undone = {
        FactKind.ORDER_REINSTATED: FactKind.ORDER_CANCELLED,
        FactKind.ORDER_CANCELLED: FactKind.ORDER_REINSTATED,
    }.get(kind)
    earlier = [each.occurred_at for each in dossier.facts if each.kind is undone]
    return max(at, max(earlier) + timedelta(microseconds=1)) if earlier else at


def _asked_already(dossier: Dossier, details: Details, given: Money) -> Details | None:
    """Return what stands under this refund number: a repeat adds nothing.

    Another amount under it is refused: a provider gives back once under a number.
    """
    closed = {each.voucher for each in dossier.facts if each.kind is FactKind.REFUND_CLOSED}
    for fact in dossier.facts:
        is_same = fact.kind is FactKind.REFUND_REQUESTED and fact.voucher == details.voucher
        if not (is_same and fact.provider and fact.amount) or fact.voucher in closed:
            continue
        if fact.amount != given:
            advice = f"{fact.amount} was asked back under this number; take another one"
            raise InvalidRequestError((("voucher", advice),))
        return replace(
            details,
            payment=fact.payment,
            provider=fact.provider,
            account=fact.account,
            ref=fact.ref,
        )
    return None


def _refundable(dossier: Dossier, order: Order) -> Money:
    gone = spoken_for(dossier.facts, order.total.currency)
    return Money(max(order.paid.minor - gone.minor, 0), order.total.currency)


def _refuse_too_much(order: Order, given: Money, most: Money) -> None:
    if given.currency != most.currency or given.minor > most.minor:
        raise RefundExceedsPaymentError(order=order.order_id, refundable=most, given=given)


def _hold_change(order: Order, after: Order, hold: Hold, ask: Ask, *, released: bool) -> Change:
    return Change(
        kind=ChangeKind.HOLD_CHANGED,
        detail=HoldChanged(hold.hold_id, hold.reason, hold.actor, hold.placed_at, released),
        occurred_at=after.updated_at,
        source=ask.source,
        old=",".join(each.reason for each in order.holds),
        new=",".join(each.reason for each in after.holds),
        reason=ask.reason,
    )


def allowed_actions(order: Order) -> tuple[str, ...]:
    """Return what a command may ask for now, as far as it depends on the order alone."""
    barred = set()
    if order.outbound_approved:
        barred.add(Action.APPROVE_OUTBOUND)
    else:
        barred.add(Action.SHIP)
    if order.paid.minor < order.total.minor:
        barred.add(Action.REINSTATE)
    if order.holds:
        barred |= {Action.APPROVE_OUTBOUND, Action.SHIP}
    return tuple(each.value for each in LIFECYCLE[order.state] if each not in barred)
