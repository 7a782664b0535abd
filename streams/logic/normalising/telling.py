"""Tells one fact of one record, as a rule of the template says."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final, TypeVar

from streams.logic.normalising import texts
from streams.logic.normalising.facts import (
    Circumstance,
    Fact,
    Identity,
    Money,
    OrderLine,
    OrderRef,
    Receipt,
    RejectionReason,
)
from streams.logic.normalising.identities import identities
from streams.logic.normalising.identity import fact_id
from streams.logic.normalising.places import MISSING, Path, Record
from streams.logic.normalising.refusals import InexactError, UnfitError, UnreadableError
from streams.logic.normalising.template import (
    Condition,
    CustomerRule,
    FactRule,
    LineRule,
    MoneyRule,
    Part,
    Pick,
    Pseudonym,
    RefRule,
    Template,
    TimeRule,
)

# What a channel writes where it has no kind.
_NO_KIND: Final = frozenset({"", "0"})
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Teller:
    """Knows what the facts of one record have in common: template, receipt, order.

    The order is named by a rule, read from the record that the rule stands at.
    """

    template: Template
    receipt: Receipt
    pseudonym: Pseudonym | None
    record: Record
    order: tuple[RefRule, Record] | None = None

    def case(self, part: Part, record: Record) -> tuple[FactRule, ...]:
        """Return the rules of the case that the record is, or refuse it."""
        assert part.switch is not None, "only a part with a switch has cases"  # noqa: S101
        chosen = take(record, part.switch, texts.choice)
        if chosen is None:
            return ()
        if part.cut_at:
            chosen = chosen.partition(part.cut_at)[0]
        if chosen in part.cases:
            return part.cases[chosen]
        if part.others is not None:
            return part.others
        raise UnreadableError(
            RejectionReason.FIELD_INVALID,
            record.label_of(part.switch.paths[0]),
            "The template has no such case: add it, or correct the sender; then retry the receipt.",
        )

    def tell(self, rule: FactRule, record: Record) -> Fact | None:
        """Return the fact, or None where its conditions do not hold."""
        if not all(holds(condition, record) for condition in rule.when):
            return None
        template, receipt = self.template, self.receipt
        assert self.order is not None, "a template that tells facts names their order"  # noqa: S101
        ref = next(refs(*self.order), None)
        assert ref is not None, "an order's own reference is not optional"  # noqa: S101
        own_time = _time(rule.at, record)
        channel = self._word(template.channel_at) or receipt.channel or template.channel
        fact = Fact(
            fact_id="",
            kind=rule.kind,
            ref=ref,
            source=self._word(template.source) or receipt.source,
            channel=channel,
            occurred_at=own_time or receipt.receive_time,
            amount=_money(rule.amount, record),
            voucher=_text(rule.voucher, record, texts.identifier),
            circumstances=self._circumstances(rule, record),
            more_refs=tuple(found for each in rule.more_refs for found in refs(each, record)),
            list_amount=_money(rule.list_amount, record),
            customer=self._customer(rule.customer, record, ref.namespace),
            lines=_lines(rule.lines, record, channel),
            note=_text(rule.note, record, texts.word),
            provider=_text(rule.provider, record, texts.namespace),
            account=_text(rule.account, record, texts.account) or receipt.account,
            payment=_text(rule.payment, record, texts.identifier),
            identities=self._identities(rule, record, ref.namespace),
            coupons=_coupons(rule, record),
        )
        return replace(fact, fact_id=fact_id(fact, has_own_time=own_time is not None))

    def _word(self, pick: Pick | None) -> str:
        return _text(pick, self.record, texts.namespace)

    def _circumstances(self, rule: FactRule, record: Record) -> tuple[Circumstance, ...]:
        found = {*self.template.circumstances, *rule.circumstances}
        if rule.circumstances_at is not None:
            path = rule.circumstances_at
            for each in record.inside(path):
                found.add(_fitting(texts.circumstance, each.value, each.label))
        return tuple(sorted(found))

    def _identities(self, rule: FactRule, record: Record, namespace: str) -> tuple[Identity, ...]:
        if not rule.identities or self.pseudonym is None:
            return ()
        return identities(rule.identities, record, namespace, self.pseudonym)

    def _customer(self, rule: CustomerRule | None, record: Record, namespace: str) -> str:
        if rule is None:
            return ""
        if rule.is_opaque:
            return _text(rule.pick, record, texts.word)
        value = _text(rule.pick, record, texts.key)
        return self.pseudonym(namespace, value) if self.pseudonym and value else ""


def take(record: Record, pick: Pick, read: Callable[[object], _T]) -> _T | None:
    """Return the picked value as `read` makes it; None where it is absent and may be so."""
    for path in pick.paths:
        value = record.get(path)
        if value is not MISSING:
            return _fitting(read, value, record.label_of(path))
    if pick.literal is not None:
        return read(pick.literal)
    if pick.is_optional:
        return None
    raise UnreadableError(
        RejectionReason.FIELD_MISSING,
        record.label_of(pick.paths[0]),
        "This field must be there; ask the sender, or check which template it names.",
    )


def holds(condition: Condition, record: Record) -> bool:
    """Return whether a condition holds for a record."""
    if condition.is_about_presence:
        found = any(record.has(path) for path in condition.paths)
        return found is not condition.negated
    told = [texts.written(each) or "" for path in condition.paths for each in record.all(path)]
    fits = any(
        each in condition.equals
        or each.startswith(condition.begins)
        or any(part in each for part in condition.contains)
        for each in told
    )
    return fits is not condition.negated


def refs(rule: RefRule, record: Record) -> Iterator[OrderRef]:
    """Yield the order's names that a rule finds."""
    records = record.inside(rule.each) if rule.each is not None else iter((record,))
    for each in records:
        if rule.only is not None and not holds(rule.only, each):
            continue
        value = take(each, rule.value, texts.identifier)
        namespace = take(each, rule.namespace, texts.namespace)
        if value is not None and namespace is not None:
            yield OrderRef(namespace, value)


def _fitting(read: Callable[[object], _T], value: object, field: str) -> _T:
    try:
        return read(value)
    except UnfitError as error:
        raise UnreadableError(RejectionReason.FIELD_INVALID, field, error.advice) from None


def _text(pick: Pick | None, record: Record, read: Callable[[object], str]) -> str:
    return "" if pick is None else take(record, pick, read) or ""


def _time(rule: TimeRule, record: Record) -> datetime | None:
    if rule.read is None:
        return None
    if rule.is_latest:
        found = [
            _fitting(rule.read, value, record.label_of(path))
            for path in rule.pick.paths
            for value in record.all(path)
        ]
        if found:
            return max(found)
    pick = replace(rule.pick, is_optional=True) if rule.falls_back_to_receipt else rule.pick
    return take(record, pick, rule.read)


def _money(rule: MoneyRule | None, record: Record) -> Money | None:
    if rule is None or take(record, rule.pick, lambda value: value) is None:
        return None
    currency = take(record, rule.currency, rule.code)
    assert currency is not None, "a currency is not optional"  # noqa: S101
    if rule.terms:
        return _sum(rule, record, currency)
    return take(record, rule.pick, partial(_amount, rule, currency))


def _amount(rule: MoneyRule, currency: str, value: object) -> Money | None:
    try:
        return rule.read(value, currency)
    except InexactError:
        if rule.drops_inexact:
            return None
        raise


def _sum(rule: MoneyRule, record: Record, currency: str) -> Money:
    added = sum(_minor(rule, record, currency, term) for term in rule.terms)
    left = added - _minor(rule, record, currency, rule.less)
    if left < 0:
        label = record.label_of(rule.less[0])
        advice = "More is taken off than there is; look at the message."
        raise UnreadableError(RejectionReason.FIELD_INVALID, label, advice)
    return Money(left, currency)


def _minor(rule: MoneyRule, record: Record, currency: str, places: tuple[Path, ...]) -> int:
    """Return the sum of all values at the first of the places that has any."""
    for path in places:
        found = [
            _fitting(partial(_amount, rule, currency), value, record.label_of(path))
            for value in record.all(path)
        ]
        if found:
            return sum(each.minor for each in found if each is not None)
    return 0


def _coupons(rule: FactRule, record: Record) -> tuple[str, ...]:
    """Return the codes of coupons, each once; an empty one is none."""
    found = {
        _fitting(texts.identifier, each.value, each.label)
        for path in rule.coupons
        for each in record.inside(path)
        if each.value not in ("", None)
    }
    return tuple(sorted(found))


def _lines(rule: LineRule | None, record: Record, channel: str) -> tuple[OrderLine, ...]:
    if rule is None:
        return ()
    found = (list(record.inside(path)) for path in rule.each)
    records: list[Record] = next((each for each in found if each), [])
    if rule.skips_none:
        records = [each for each in records if take(each, rule.quantity, str) != "0"]
    return tuple(_line(rule, each, channel) for each in records)


def _line(rule: LineRule, record: Record, channel: str) -> OrderLine:
    sku = take(record, rule.sku, texts.identifier)
    pieces = take(record, rule.quantity, texts.quantity)
    assert sku is not None, "a line's article is not optional"  # noqa: S101
    assert pieces is not None, "a line's quantity is not optional"  # noqa: S101
    kind = _text(rule.category, record, texts.identifier)
    # Channels number their kinds each in their own way.
    category = f"{channel}:{kind}" if kind not in _NO_KIND else ""
    return OrderLine(sku, pieces, _money(rule.unit_price, record), category)
