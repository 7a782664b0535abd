"""The way from an old truth to a new one, as changes: one journal row each."""

from collections.abc import Iterator
from typing import Final

from service.domain.changes import Change, ChangeKind, MoneyMoved, Moved, Named, Placed
from service.domain.facts import Fact, FactKind
from service.domain.lifecycle import Action, State, walk
from service.domain.money import Money
from service.domain.truth import RefundState, Truth


def difference(old: Truth | None, new: Truth, fact: Fact) -> Iterator[Change]:
    """Yield what one fact changed; nothing when it told what was known."""
    if old is None:
        yield _placed(new, fact)
    begin = old.state if old else State.PENDING_PAYMENT
    yield from _moves(begin, new, fact)
    if new.outbound_approved and not (old and old.outbound_approved):
        yield _approved(new, fact)
    yield from _money(old, new, fact)
    yield from _notes(old, new, fact)


def _placed(new: Truth, fact: Fact) -> Change:
    return Change(
        kind=ChangeKind.PLACED,
        detail=Placed(new.total, new.list_total, new.customer),
        occurred_at=fact.occurred_at,
        source=fact.source,
        new=State.PENDING_PAYMENT.value,
        voucher=fact.voucher,
        reason=fact.note,
        fact_id=fact.fact_id,
    )


def _moves(begin: State, new: Truth, fact: Fact) -> Iterator[Change]:
    for at, action, end in walk(begin, new.state):
        proof = new.entered.get(end)
        told = proof or fact
        yield Change(
            kind=ChangeKind.MOVED,
            detail=Moved(at, end, action, implied=proof is None),
            occurred_at=told.occurred_at,
            source=told.source,
            old=at.value,
            new=end.value,
            voucher=told.voucher,
            reason=told.note or ("implied by later evidence" if proof is None else ""),
            fact_id=fact.fact_id,
        )


def _approved(new: Truth, fact: Fact) -> Change:
    here = new.state
    if here is State.AWAITING_OUTBOUND:
        return Change(
            kind=ChangeKind.MOVED,
            detail=Moved(here, here, Action.APPROVE_OUTBOUND, implied=False),
            occurred_at=fact.occurred_at,
            source=fact.source,
            old=here.value,
            new=here.value,
            voucher=fact.voucher,
            reason=fact.note or "outbound approved",
            fact_id=fact.fact_id,
        )
    return _note(fact, "outbound_approved")


def _money(old: Truth | None, new: Truth, fact: Fact) -> Iterator[Change]:
    nothing = Money.zero(new.total.currency)
    before = (old.paid, old.refunded, old.refund_state) if old else None
    before = before or (nothing, nothing, RefundState.NONE)
    after = (new.paid, new.refunded, new.refund_state)
    if before == after:
        return
    same_currency = before[1].currency == new.refunded.currency
    returned = new.refunded - before[1] if same_currency else new.refunded
    yield Change(
        kind=ChangeKind.MONEY_MOVED,
        detail=MoneyMoved(new.paid, new.refunded, new.refund_state, returned),
        occurred_at=fact.occurred_at,
        source=fact.source,
        old=sums(*before),
        new=sums(*after),
        voucher=fact.voucher,
        reason=fact.note,
        fact_id=fact.fact_id,
    )


def sums(paid: Money, refunded: Money, refund_state: RefundState) -> str:
    """Return how the journal tells of an order's sums."""
    return f"paid {paid}, refunded {refunded}, refund {refund_state.value}"


def _notes(old: Truth | None, new: Truth, fact: Fact) -> Iterator[Change]:
    if fact.kind is FactKind.NOTED:
        yield _note(fact, fact.note or "noted")
    elif fact.kind in _ALWAYS_NOTED:
        yield _note(fact, fact.kind.value.lower())
    elif fact.kind in _REFUNDS and not _counts(fact, new):
        yield _note(fact, "refund_amount_unknown")
    if old is None:
        return
    moved = old.state is not new.state
    if fact.kind is FactKind.ORDER_REINSTATED and not moved:
        yield _note(fact, "order_reinstated")
    if new.parcels - old.parcels and not moved:
        yield _note(fact, "parcel_shipped")
    is_first = State.AWAITING_OUTBOUND not in old.entered
    unpaid = new.state in {State.PENDING_PAYMENT, State.PAYING}
    if fact.kind is FactKind.STOCK_ALLOCATED and is_first and unpaid:
        # Reserved before the money came: it moves the order as soon as the money is there.
        yield _note(fact, "stock_allocated")
    if fact.kind is FactKind.ORDER_CREATED and set(new.refs) - set(old.refs):
        yield _note(fact, "referenced")


# These move neither state nor money by themselves, and somebody will want to know of them.
_ALWAYS_NOTED: Final = frozenset(
    {
        FactKind.PAYMENT_FAILED,
        FactKind.PAYMENT_CLOSED,
        FactKind.PAYMENT_AUTHORISED,
        FactKind.REFUND_CLOSED,
        FactKind.REFUND_FAILED,
    }
)
_REFUNDS: Final = frozenset({FactKind.REFUND_REQUESTED, FactKind.REFUND_SUCCEEDED})


def _counts(fact: Fact, new: Truth) -> bool:
    return fact.amount is not None and fact.amount.currency == new.total.currency


def _note(fact: Fact, note: str) -> Change:
    return Change(
        kind=ChangeKind.NOTED,
        detail=Named(note),
        occurred_at=fact.occurred_at,
        source=fact.source,
        new=note,
        voucher=fact.voucher,
        reason="" if fact.note == note else fact.note,
        fact_id=fact.fact_id,
    )
