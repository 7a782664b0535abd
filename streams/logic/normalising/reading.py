"""Reads a receipt by its template: bytes in, facts out, or the reason why not.

`read` never raises. A record that cannot be read spoils itself, not the batch that it came in:
the facts of the others stand beside the rejection, and keep their ids when it is read again.
"""

import traceback
from collections.abc import Iterator, Sequence
from dataclasses import replace

from streams.logic.normalising.blanks import unquoted, without
from streams.logic.normalising.facts import Fact, Reading, Receipt, Rejection, RejectionReason
from streams.logic.normalising.json_text import parse
from streams.logic.normalising.places import Path, Record
from streams.logic.normalising.refusals import UnreadableError
from streams.logic.normalising.telling import Teller, holds
from streams.logic.normalising.template import Part, Template, Templates


def read(receipt: Receipt, templates: Templates) -> Reading:
    """Return what the receipt means. Whatever its bytes are, this does not raise."""
    template = templates.by_name.get(receipt.template)
    if template is None:
        return _rejected(
            receipt,
            Rejection(
                RejectionReason.TEMPLATE_UNKNOWN,
                "template",
                "Add this template, or correct the name at the sender; then retry the receipt.",
            ),
        )
    try:
        return _read_by(template, receipt, templates)
    except UnreadableError as error:
        rejection = error.rejection
    except Exception as defect:  # noqa: BLE001  # the receipt is kept and listed with the defect
        rejection = _defect(defect)
    return _rejected(receipt, rejection)


def _defect(error: Exception) -> Rejection:
    # Its kind and place, not its text: that may hold values of the message.
    (at,) = traceback.extract_tb(error.__traceback__, limit=-1)
    where = f"{type(error).__name__} in {at.name}, line {at.lineno}"
    return Rejection(
        RejectionReason.READER_FAILED,
        "body",
        f"A defect of the reader ({where}): report it, and retry the receipt after the fix.",
    )


def _rejected(receipt: Receipt, rejection: Rejection) -> Reading:
    return Reading(receipt.name, rejection=rejection)


def _read_by(template: Template, receipt: Receipt, templates: Templates) -> Reading:
    body = Record(opened(template, template.opening(receipt.body, receipt.content_type)))
    refuse_other_messages(template, body)
    facts: dict[str, Fact] = {}
    rejection = None
    for record in records_of(template.root, body):
        try:
            whole = open_record(template, record)
            teller = Teller(template, receipt, templates.pseudonym, whole)
            told = list(_facts_of(template.root, whole, teller))
        except UnreadableError as error:
            rejection = rejection or error.rejection
            continue
        for fact in told:
            facts.setdefault(fact.fact_id, fact)
    return Reading(receipt.name, tuple(facts.values()), rejection)


def refuse_other_messages(template: Template, body: Record) -> None:
    """Refuse a message that is something else than the template is for."""
    for refusal in template.refuse:
        told = any(body.has(path) for path in refusal.when.paths)
        if told and holds(refusal.when, body):
            raise UnreadableError(
                RejectionReason.FIELD_INVALID,
                body.label_of(refusal.when.paths[0]),
                refusal.advice,
            )


def records_of(part: Part, around: Record) -> Iterator[Record]:
    """Return the records of a message: those at the first place that has any.

    A page without any says so by an empty list, or by null.
    """
    for path in part.each:
        found = list(around.inside(path))
        is_there = found or around.get(path) == []
        if is_there:
            return iter(found)
    if any(around.is_null(path) for path in part.each):
        return iter(())
    raise UnreadableError(
        RejectionReason.FIELD_MISSING,
        around.label_of(part.each[0]),
        f"No records at {_places(part.each)}; check which template the sender names.",
    )


def _places(paths: Sequence[Path]) -> str:
    """Return where a template looks for records, in words."""
    *others, last = [path.written for path in paths]
    return f"{', '.join(others)} or {last}" if others else last


def open_record(template: Template, record: Record) -> Record:
    """Return a record with the JSON in its texts opened, and without what stands for nothing."""
    if not isinstance(record.value, dict):
        raise UnreadableError(
            RejectionReason.SYNTAX_INVALID, record.label or "body", "An object belongs here."
        )
    value = opened(template, record.value, record.label)
    if template.unquotes:
        value = unquoted(value)
    if template.blanks:
        value = without(value, template.blanks)
    return record if value is record.value else replace(record, value=value)


def opened(template: Template, value: object, label: str = "") -> object:
    """Return an object with the JSON opened that the template says is in its texts."""
    if not isinstance(value, dict):
        return value
    found = {
        name: parse(value[name], f"{label}.{name}" if label else name)
        for name in template.json_text
        if isinstance(value.get(name), str)
    }
    return {**value, **found} if found else value


def _facts_of(part: Part, record: Record, teller: Teller) -> Iterator[Fact]:
    if not all(holds(condition, record) for condition in part.when):
        return
    if part.order is not None:
        teller = replace(teller, order=(part.order, record))
    rules = part.always
    if part.switch is not None:
        rules += teller.case(part, record)
    for rule in rules:
        fact = teller.tell(rule, record)
        if fact is not None:
            yield fact
    for inner in part.parts:
        for path in inner.each:
            for each in record.inside(path):
                yield from _facts_of(inner, each, teller)
