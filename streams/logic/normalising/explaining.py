"""Explains a reading: what each record of a message becomes, field by field, and why.

The facts are those that the reader tells, by the same functions; what is added is where each
value came from. Of a person's values it says only that they are there.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from streams.logic.normalising.currencies import exponent
from streams.logic.normalising.facts import Fact, Money, Receipt, Rejection
from streams.logic.normalising.places import MISSING, Record
from streams.logic.normalising.reading import (
    open_record,
    opened,
    records_of,
    refuse_other_messages,
)
from streams.logic.normalising.refusals import UnreadableError
from streams.logic.normalising.telling import Teller, holds
from streams.logic.normalising.template import (
    Condition,
    FactRule,
    Part,
    Pick,
    RefRule,
    Template,
    Templates,
)
from streams.logic.normalising.texts import written

# Enough to recognise a value by; a whole address or a nested object is not needed for that.
_SHOWN_MAX: Final = 60


@dataclass(frozen=True, slots=True)
class Origin:
    """Where one value of a fact came from: the place in the message, and what was sent there."""

    name: str
    value: str
    place: str
    sent: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One rule of the template at one record: the fact that it told, or why it told none."""

    record: str
    kind: str
    why: tuple[str, ...]
    fact: Fact | None = None
    origins: tuple[Origin, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a message becomes: every rule that was tried, in order, and what could not be read."""

    steps: tuple[Step, ...]
    rejections: tuple[Rejection, ...]


def explain(receipt: Receipt, template: Template, templates: Templates) -> Explanation:
    """Return what a message becomes by a template, and why."""
    steps: list[Step] = []
    rejections: list[Rejection] = []
    try:
        body = Record(opened(template, template.opening(receipt.body, receipt.content_type)))
        refuse_other_messages(template, body)
        records = list(records_of(template.root, body))
    except UnreadableError as error:
        return Explanation((), (error.rejection,))
    for record in records:
        try:
            whole = open_record(template, record)
            teller = Teller(template, receipt, templates.pseudonym, whole)
            # One value that cannot be read spoils its whole record.
            steps += list(_steps(template.root, whole, teller, ()))
        except UnreadableError as error:
            rejections.append(error.rejection)
    return Explanation(tuple(steps), tuple(rejections))


def _steps(part: Part, record: Record, teller: Teller, why: tuple[str, ...]) -> Iterator[Step]:
    failed = [each for each in part.when if not holds(each, record)]
    if failed:
        yield Step(record.label, "", (*why, f"left out: {said(failed[0], record)} does not hold"))
        return
    why = (*why, *(said(each, record) for each in part.when))
    if part.order is not None:
        teller = replace(teller, order=(part.order, record))
    # As the reader does: a case that nobody knows refuses the record before anything is told.
    rules = teller.case(part, record) if part.switch is not None else ()
    for rule in part.always:
        yield _step(rule, record, teller, why)
    if part.switch is not None:
        place, sent = _origin(part.switch, record)
        chosen = (*why, f"{place} is {sent}" if sent else f"no {place}")
        if not rules:
            yield Step(record.label, "", (*chosen, "means nothing more"))
        for rule in rules:
            yield _step(rule, record, teller, chosen)
    for inner in part.parts:
        for path in inner.each:
            for each in record.inside(path):
                yield from _steps(inner, each, teller, why)


def _step(rule: FactRule, record: Record, teller: Teller, why: tuple[str, ...]) -> Step:
    for condition in rule.when:
        if not holds(condition, record):
            left_out = f"left out: {said(condition, record)} does not hold"
            return Step(record.label, rule.kind.value, (*why, left_out))
    why = (*why, *(said(each, record) for each in rule.when))
    fact = teller.tell(rule, record)
    assert fact is not None, "its conditions hold"  # noqa: S101
    return Step(
        record.label, rule.kind.value, why, fact, tuple(_origins(rule, fact, teller, record))
    )


def _origins(rule: FactRule, fact: Fact, teller: Teller, record: Record) -> Iterator[Origin]:
    if teller.order is not None:
        ref, named_at = teller.order
        yield _named("order", f"{fact.ref.namespace}:{fact.ref.value}", ref.value, named_at)
    at = fact.occurred_at.isoformat()
    if rule.at.read is None:
        yield Origin("at", at, "the receipt")
    else:
        yield _named("at", at, rule.at.pick, record, together=rule.at.is_latest)
    for name, money, amount in (
        ("amount", rule.amount, fact.amount),
        ("list_amount", rule.list_amount, fact.list_amount),
    ):
        if money is not None and amount is not None:
            terms = [path for term in money.terms for path in term if record.has(path)]
            summed = Pick(tuple(terms)) if terms else money.pick
            yield _named(name, _priced(amount), summed, record, together=len(terms) > 1)
    for name, place, value in (
        ("voucher", rule.voucher, fact.voucher),
        ("note", rule.note, fact.note),
        ("provider", rule.provider, fact.provider),
        ("account", rule.account, fact.account),
        ("payment", rule.payment, fact.payment),
    ):
        if place is not None and value:
            yield _named(name, value, place, record)
    yield from _people(rule, fact, record)
    for found in rule.more_refs:
        yield from _more_refs(found, fact, record)
    for index, line in enumerate(fact.lines):
        price = f" at {_priced(line.unit_price)}" if line.unit_price else ""
        yield Origin(
            f"line {index + 1}",
            f"{line.quantity} × {line.sku}{price}{f', {line.category}' if line.category else ''}",
            _each(rule, record),
        )
    for code in fact.coupons:
        yield Origin("coupon", code, ", ".join(record.label_of(each) for each in rule.coupons))
    if fact.circumstances:
        yield Origin("circumstances", ", ".join(fact.circumstances), "the template")


def _priced(amount: Money) -> str:
    """Return an amount as people write it: 12.30 CNY, 1500 JPY."""
    digits = exponent(amount.currency)
    written = str(amount.minor).rjust(digits + 1, "0")
    cut = len(written) - digits
    return f"{written[:cut]}{'.' if digits else ''}{written[cut:]} {amount.currency}"


def _people(rule: FactRule, fact: Fact, record: Record) -> Iterator[Origin]:
    """Yield that there are values of a person, and never the values."""
    if rule.customer is not None:
        place, sent = _origin(rule.customer.pick, record)
        if sent:
            yield Origin("customer", fact.customer or "hashed at the edge", place)
    for each in rule.identities:
        for pick in each.picks:
            place, sent = _origin(pick, record)
            if sent:
                yield Origin(f"identity {each.kind.value.lower()}", "hashed at the edge", place)


def _more_refs(rule: RefRule, fact: Fact, record: Record) -> Iterator[Origin]:
    place = record.label_of(rule.each) if rule.each is not None else _origin(rule.value, record)[0]
    for ref in fact.more_refs:
        yield Origin("further name", f"{ref.namespace}:{ref.value}", place)


def _each(rule: FactRule, record: Record) -> str:
    assert rule.lines is not None, "a fact has lines by a rule"  # noqa: S101
    paths = (path for path in rule.lines.each if list(record.inside(path)))
    return record.label_of(next(paths, rule.lines.each[0]))


def _named(name: str, value: str, pick: Pick, record: Record, *, together: bool = False) -> Origin:
    if not together:
        place, sent = _origin(pick, record)
        return Origin(name, value, place, sent)
    found = [(record.label_of(path), each) for path in pick.paths for each in record.all(path)]
    return Origin(
        name,
        value,
        " + ".join(dict.fromkeys(place for place, _ in found)),
        " + ".join(_shown(each) for _, each in found),
    )


def _origin(pick: Pick, record: Record) -> tuple[str, str]:
    """Return where a value was and what was sent there; the template where it is a literal."""
    for path in pick.paths:
        value = record.get(path)
        if value is not MISSING:
            return record.label_of(path), _shown(value)
    if pick.literal is not None:
        return "the template", pick.literal
    return (record.label_of(pick.paths[0]) if pick.paths else "the receipt"), ""


def _shown(value: object) -> str:
    text = written(value)
    if text is None:
        text = "a list" if isinstance(value, list) else "an object"
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"


def said(condition: Condition, record: Record) -> str:
    """Return a condition in words."""
    places = " or ".join(record.label_of(path) for path in condition.paths)
    if not condition.is_about_presence:
        verb = "begins with" if condition.begins else "contains" if condition.contains else "is"
        verb = f"{verb} none of" if condition.negated else verb
        texts = condition.equals or condition.begins or condition.contains
        return f"{places} {verb} {', '.join(texts)}"
    return f"no {places}" if condition.negated else f"{places} is there"
