"""What must be asked of providers about an order: derived from the facts, as the truth is.

A question stands until the provider's own word ends it. A channel that says "paid", an order
that was cancelled, money that came by another trade: none of these ends it, because under its
number money may still come, and its callback may be lost (ADR 0011).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import unique
from typing import Final

from service.domain.expectations import ARRIVAL_GRACE
from service.domain.fact_sets import FactSet
from service.domain.facts import Circumstance, Fact, FactKind
from service.domain.money import Money
from service.domain.providers import ASKABLE
from service.domain.surplus import payments_of, refund_number, surplus
from service.domain.terms import Terms
from service.domain.truth import Truth
from service.domain.words import Word

# The namespace of the numbers that we give to providers.
MERCHANT: Final = "merchant"


@unique
class InquiryKind(Word):
    """What is asked for; the names are those of `concord.probes.v1.Probe.Kind`."""

    PAYMENT = "PAYMENT"
    CAPTURE = "CAPTURE"
    REFUND = "REFUND"


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One question to one provider; the same key within an order is the same probe."""

    key: str
    kind: InquiryKind
    provider: str
    account: str
    trade: str
    since: datetime
    handle: str = ""
    payment: str = ""
    refund: str = ""
    amount: Money | None = None
    total: Money | None = None
    submit: bool = False
    # Goods or the channel's word are ahead of the money: asked at once.
    urgent: bool = False
    # A person must act meanwhile: asked as seldom as the schedule has it.
    slow: bool = False
    # How long later evidence may still take it back before it is first asked.
    settles: timedelta = field(default=timedelta())


def inquiries(facts: Iterable[Fact], truth: Truth, terms: Terms) -> tuple[Inquiry, ...]:
    """Return every question that stands, by key; the same for any order of arrival."""
    known = _Known(FactSet.of(facts), truth, terms)
    found = [*_payments(known), *_captures(known), *_refunds(known)]
    return tuple(sorted(found, key=lambda each: each.key))


class _Known:
    """The facts of an order as questions about money need them."""

    def __init__(self, facts: FactSet, truth: Truth, terms: Terms) -> None:
        self.facts, self.truth, self.terms = facts, truth, terms
        self.routes = terms.routes.get(truth.channel, ())
        self.numbers = tuple([each.value for each in truth.refs if each.namespace == MERCHANT])
        self.payments = payments_of(facts)

    def of(self, *kinds: FactKind) -> Sequence[Fact]:
        """Return the facts of these kinds, in order of events."""
        if len(kinds) == 1:
            return self.facts.of_kind(kinds[0])
        if self.facts.kinds.isdisjoint(kinds):
            return ()
        return [each for each in self.facts if each.kind in kinds]

    def trades(self, fact: Fact) -> tuple[str, ...]:
        return (fact.ref.value,) if fact.ref.namespace == MERCHANT else self.numbers

    def started(self, provider: str, trade: str) -> list[Fact]:
        return [
            each
            for each in self.of(FactKind.PAYMENT_STARTED)
            if each.moved_by == provider and trade in self.trades(each)
        ]

    def account(self, provider: str, trade: str) -> str:
        told = (
            each.account
            for each in self.facts
            if each.account and each.moved_by == provider and trade in self.trades(each)
        )
        routed = (each.account for each in self.routes if each.provider == provider)
        return next(told, "") or next(routed, "")


_OUTCOMES: Final = (FactKind.PAYMENT_SUCCEEDED, FactKind.PAYMENT_CLOSED)


def _payments(known: _Known) -> Iterator[Inquiry]:
    for provider, trade in sorted(_trades(known)):
        if _authorised(known, provider, trade):
            continue
        started, all_ends = known.started(provider, trade), _ends(known, provider, trade)
        handles = sorted({each.voucher for each in started if each.voucher}) or [""]
        behind = known.truth.has_left and not known.truth.is_paid
        for handle in handles:
            ends = [each for each in all_ends if _is_of(each, handle, handles)]
            disputed = _is_disputed(known, ends)
            if ends and not disputed:
                continue
            yield Inquiry(
                key=_key(InquiryKind.PAYMENT, provider, trade, handle),
                kind=InquiryKind.PAYMENT,
                provider=provider,
                account=known.account(provider, trade),
                trade=trade,
                handle=handle,
                since=_since(known, [each for each in started if each.voucher in {handle, ""}]),
                amount=known.truth.total,
                urgent=disputed or behind,
            )


def _captures(known: _Known) -> Iterator[Inquiry]:
    named = {
        (each.moved_by, trade)
        for each in known.of(FactKind.PAYMENT_AUTHORISED)
        if each.moved_by in ASKABLE
        for trade in known.trades(each)
    }
    for provider, trade in sorted(named):
        if _ends(known, provider, trade):
            continue
        reserved = _authorised(known, provider, trade)
        handles = {each.voucher for each in known.started(provider, trade) if each.voucher}
        yield Inquiry(
            key=_key(InquiryKind.CAPTURE, provider, trade),
            kind=InquiryKind.CAPTURE,
            provider=provider,
            account=known.account(provider, trade),
            trade=trade,
            handle=min(handles, default=""),
            payment=next((each.voucher for each in reserved if each.voucher), ""),
            since=reserved[0].occurred_at,
            amount=next((each.amount for each in reserved if each.amount), known.truth.total),
            urgent=known.truth.has_left and not known.truth.is_paid,
        )


def _trades(known: _Known) -> set[tuple[str, str]]:
    """Return who may have money for the order under which number."""
    found = {
        (fact.moved_by, trade)
        for fact in known.of(FactKind.PAYMENT_STARTED)
        if fact.moved_by in ASKABLE
        for trade in known.trades(fact)
    }
    if known.routes and known.numbers:
        chosen = _chosen(known)
        for route in known.routes:
            if route.provider in ASKABLE:
                found |= {(route.provider, each) for each in known.numbers if each not in chosen}
    return found


def _chosen(known: _Known) -> set[str]:
    """Return the numbers under which the buyer is known to have chosen a provider."""
    found: set[str] = set()
    for fact in known.of(
        FactKind.PAYMENT_STARTED, FactKind.PAYMENT_SUCCEEDED, FactKind.PAYMENT_AUTHORISED
    ):
        # An answer to our own question tells nothing of whom the buyer chose, nor does the end
        # of a trade tell that there is no other.
        if fact.kind is FactKind.PAYMENT_STARTED:
            is_told = bool(fact.provider) or fact.source in ASKABLE
            is_told = is_told and Circumstance.LEARNT_BY_QUERY not in fact.circumstances
        else:
            is_told = bool(fact.voucher)
        if is_told:
            found.update(known.trades(fact))
    return found


def _authorised(known: _Known, provider: str, trade: str) -> list[Fact]:
    return [
        each
        for each in known.of(FactKind.PAYMENT_AUTHORISED)
        if each.moved_by == provider and trade in known.trades(each)
    ]


def _ends(known: _Known, provider: str, trade: str) -> list[Fact]:
    """Return the facts that are the trade's own outcome, by the provider's word."""
    return [
        each
        for each in known.of(*_OUTCOMES)
        if each.moved_by == provider
        and trade in known.trades(each)
        # Somebody else's word counts where it names the payment, and never for an end unpaid.
        and (
            each.source == provider
            or (each.kind is FactKind.PAYMENT_SUCCEEDED and bool(each.voucher))
        )
    ]


def _is_of(outcome: Fact, handle: str, handles: Sequence[str]) -> bool:
    """Tell whether an outcome is that of this handle, and not of another one of the trade."""
    return outcome.voucher == handle or outcome.voucher not in handles


def _is_disputed(known: _Known, ends: Sequence[Fact]) -> bool:
    """Tell whether the provider calls the trade closed and a channel calls the order paid.

    It is asked once more: an answer of later than the channel's word settles it.
    """
    if not ends or any(each.kind is FactKind.PAYMENT_SUCCEEDED for each in ends) or known.payments:
        return False
    words = [each.occurred_at for each in known.of(FactKind.PAYMENT_SUCCEEDED)]
    answers = [
        each.occurred_at for each in ends if Circumstance.LEARNT_BY_QUERY in each.circumstances
    ]
    return bool(words) and not any(each > max(words) for each in answers)


def _since(known: _Known, started: Sequence[Fact]) -> datetime:
    """Return when the buyer last began to pay: another attempt deserves asking anew."""
    told = [each for each in started if Circumstance.LEARNT_BY_QUERY not in each.circumstances]
    if told:
        return max(each.occurred_at for each in told)
    return min((each.occurred_at for each in started), default=known.truth.placed_at)


_REFUNDS: Final = (
    FactKind.REFUND_REQUESTED,
    FactKind.REFUND_SUCCEEDED,
    FactKind.REFUND_CLOSED,
    FactKind.REFUND_FAILED,
)


def _refunds(known: _Known) -> Iterator[Inquiry]:
    told: dict[str, list[Fact]] = {}
    for fact in known.of(*_REFUNDS):
        if fact.voucher:
            told.setdefault(fact.voucher, []).append(fact)
    if told:
        own = {refund_number(each): each for each in known.payments if each.source in ASKABLE}
        for number, facts in told.items():
            yield from _begun(known, number, facts, own.get(number))
    for payment in surplus(known.facts, known.truth, known.terms):
        number = refund_number(payment)
        if number not in told:
            trade = next(iter(known.trades(payment)), "")
            yield replace(
                _refund(known, payment.source, trade, number),
                payment=payment.voucher,
                amount=payment.amount,
                total=payment.amount,
                since=payment.occurred_at,
                submit=True,
                settles=ARRIVAL_GRACE,
            )


def _begun(
    known: _Known, number: str, facts: Sequence[Fact], own: Fact | None
) -> Iterator[Inquiry]:
    asked = [each for each in facts if each.kind is FactKind.REFUND_REQUESTED]
    kinds = {each.kind for each in facts}
    if not asked or kinds & {FactKind.REFUND_SUCCEEDED, FactKind.REFUND_CLOSED}:
        return
    ordered = next((each for each in asked if each.provider in ASKABLE), None)
    told_by = next((each.source for each in facts if each.source in ASKABLE), "")
    provider = ordered.provider if ordered else told_by
    if not provider:
        return
    name = next((each.payment for each in facts if each.payment), "")
    payment = own or _given_back(known, provider, name)
    amounts = [each.amount for each in asked if each.amount is not None]
    numbers = known.trades(payment) if payment else ()
    numbers = numbers or tuple(each.ref.value for each in facts if each.ref.namespace == MERCHANT)
    trade = next(iter(numbers or known.numbers), "")
    yield replace(
        _refund(known, provider, trade, number),
        payment=name or (payment.voucher if payment else ""),
        amount=max(amounts, key=lambda each: each.minor, default=None),
        total=payment.amount if payment else None,
        # The moment of our own order, whatever else comes: a provider may know the refund by it.
        since=(own or ordered or asked[0]).occurred_at,
        submit=ordered is not None and all(each.source != provider for each in facts),
        slow=FactKind.REFUND_FAILED in kinds,
    )


def _given_back(known: _Known, provider: str, name: str) -> Fact | None:
    """Return the payment of this name; without a name, the provider's only one."""
    found = [
        each
        for each in known.payments
        if (each.voucher == name if name else each.moved_by == provider)
    ]
    return found[0] if len(found) == 1 else None


def _refund(known: _Known, provider: str, trade: str, number: str) -> Inquiry:
    told = (each for each in known.of(*_REFUNDS) if each.voucher == number)
    handles = {each.voucher for each in known.started(provider, trade) if each.voucher}
    return Inquiry(
        key=_key(InquiryKind.REFUND, provider, number),
        kind=InquiryKind.REFUND,
        provider=provider,
        account=next((each.account for each in told if each.account), "")
        or known.account(provider, trade),
        trade=trade,
        handle=min(handles) if len(handles) == 1 else "",
        refund=number,
        since=known.truth.placed_at,
    )


def _key(kind: InquiryKind, *parts: str) -> str:
    return "|".join((kind.value.lower(), *(each for each in parts if each)))
