"""The one way in: receipts are made durable first; what they mean is weighed afterwards."""

import hashlib
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from service.application.outbox import Stream
from service.application.ports import (
    Clock,
    Encoder,
    Message,
    NewReceipt,
    ReceiptResult,
    Rejection,
    Storage,
    StoredReceipt,
    Unit,
    WaitingReceipt,
    receipt_key,
)
from service.application.reconciling_ports import KeptLine
from service.application.weighing import weigh_facts
from service.domain.facts import GRAVITY, Fact, OrderRef, Outcome
from service.domain.journal import encode_record
from service.domain.naming import named
from service.domain.reconciling.statements import Line, ShopDay, StatementKind, line_of
from service.domain.terms import USUAL, Terms

RECEIPT_NAMESPACE: Final = uuid.UUID("3f1d1c52-0c6b-5c11-8f0a-6f7d5e1b2a01")


@dataclass(frozen=True, slots=True)
class Submitted:
    """The answer for one receipt."""

    receipt_id: str
    repeated: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """What one receipt means: facts, or why it could not be read, or nothing for any order."""

    receipt_id: str
    facts: tuple[Fact, ...] = ()
    rejection: Rejection | None = None
    traceparent: str = ""
    # Of which day's file it holds an order's rows; and how that order is named, if unread.
    stated: ShopDay | None = None
    order_hint: str = ""
    # Which version of the receipt's template read it; 0 where none did, or nobody says.
    template_version: int = 0


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of one reading; `outcome` is None for a receipt that is not ours."""

    receipt_id: str
    outcome: Outcome | None
    facts: tuple[tuple[Fact, Outcome], ...] = ()
    orders: tuple[str, ...] = ()


class Intake:
    """Takes receipts and weighs their facts."""

    def __init__(
        self, storage: Storage, encoder: Encoder, clock: Clock, terms: Terms = USUAL
    ) -> None:
        """Take the ports, and the terms on which orders are decided."""
        self._terms = terms
        self._storage = storage
        self._encoder = encoder
        self._clock = clock

    def submit(self, receipts: Sequence[NewReceipt]) -> list[Submitted]:
        """Make receipts durable, and publish them in the same transaction."""
        stored = [self._stored(each) for each in receipts]

        def work(unit: Unit) -> list[Submitted]:
            first = {each.receipt_id: each for each in reversed(stored)}
            arrivals = Counter(each.receipt_id for each in stored)
            fresh = unit.store_receipts(list(first.values()), arrivals)
            answers, told = [], set[str]()
            for each in stored:
                is_new = each.receipt_id in fresh and each.receipt_id not in told
                told.add(each.receipt_id)
                answers.append(Submitted(each.receipt_id, repeated=not is_new))
            unit.publish(
                [
                    self._arrival(each, repeated=answer.repeated)
                    for each, answer in zip(stored, answers, strict=True)
                ]
            )
            return answers

        # Run again, it would take its own receipts for somebody's repeats.
        return self._storage.transact(work, is_repeatable=False)

    def apply(self, readings: Sequence[Reading]) -> list[Applied]:
        """Weigh what receipts mean, a receipt at most once."""

        def work(unit: Unit) -> list[Applied]:
            return self._apply(unit, readings)

        return self._storage.transact(work)

    def retry(self, names: Sequence[str], rejected_for: str, *, waiting: bool) -> int:
        """Publish receipts again; rejected ones lose their rejection first."""

        def work(unit: Unit) -> int:
            # 5,000 receipts of about 1 KiB keep the transaction under a second.
            again = unit.reopen_receipts(names, rejected_for, waiting=waiting, limit=5_000)
            unit.publish([republished(*each) for each in again])
            return len(again)

        total = 0
        # Run again, it would not find what it has reopened, and tell too few.
        while count := self._storage.transact(work, is_repeatable=False):
            total += count
            if names or waiting:
                break
        return total

    def _stored(self, receipt: NewReceipt) -> StoredReceipt:
        key = encode_record((receipt.message_id, receipt.template, receipt.body))
        dedupe_key = hashlib.sha256(key).hexdigest()
        name = named(RECEIPT_NAMESPACE, f"{receipt.source}|{dedupe_key}")
        receipt_id = f"rcp-{name}"
        event = self._encoder.receipt_event(receipt_id, receipt)
        return StoredReceipt(receipt_id, dedupe_key, receipt, event)

    def _arrival(self, stored: StoredReceipt, *, repeated: bool) -> Message:
        receipt = stored.receipt
        return Message(
            stream=Stream.RECEIPTS,
            key=receipt_key(receipt.source, receipt.order_hint, stored.receipt_id),
            n=None,
            payload=(
                self._encoder.repeat_event(stored.receipt_id, receipt) if repeated else stored.event
            ),
            event_id=f"{stored.receipt_id}:repeat" if repeated else stored.receipt_id,
            subject=stored.receipt_id,
            happened_at=receipt.received_at,
            traceparent=receipt.traceparent,
        )

    def _apply(self, unit: Unit, readings: Sequence[Reading]) -> list[Applied]:
        at = self._clock()
        unique = {each.receipt_id: each for each in readings}
        receipts = unit.lock_receipts(sorted(unique))
        due = [
            each
            for each in unique.values()
            if each.receipt_id in receipts and receipts[each.receipt_id].outcome is None
        ]
        told = [
            replace(
                fact,
                receipt_id=each.receipt_id,
                recorded_at=at,
                traceparent=each.traceparent,
                address=receipts[each.receipt_id].address,
            )
            for each in due
            for fact in each.facts
        ]
        lines = stated_lines(unit, due)
        weighed = weigh_facts(unit, told, encoder=self._encoder, at=at, terms=self._terms)
        results = [
            self._result(receipts[each.receipt_id], each, weighed.outcomes, at) for each in due
        ]
        unit.close_receipts(results)
        unit.publish([_told(each) for each in results])
        for of, kept in lines.items():
            unit.keep_lines(StatementKind.ORDERS, of, kept, at=at)
        done = {each.receipt.receipt_id: each for each in results}
        return [_answer(each.receipt_id, done, receipts, weighed.owners) for each in readings]

    def _result(
        self,
        receipt: WaitingReceipt,
        reading: Reading,
        outcomes: Mapping[str, Outcome],
        at: datetime,
    ) -> ReceiptResult:
        facts = tuple((fact, outcomes[fact.fact_id]) for fact in reading.facts)
        outcome = Outcome.REJECTED if reading.rejection else summary([each for _, each in facts])
        event = self._encoder.weighed_event(
            receipt,
            outcome,
            facts,
            revision=receipt.revision + 1,
            template_version=reading.template_version,
        )
        return ReceiptResult(
            receipt, outcome, reading.rejection, facts, event, at, reading.traceparent
        )


def stated_lines(unit: Unit, due: Sequence[Reading]) -> dict[ShopDay, list[KeptLine]]:
    """Return what files say of orders, with what we hold of each before the file is applied.

    Statements are in one order everywhere: whoever keeps lines of two waits for no other in a ring.
    """
    told: dict[ShopDay, dict[OrderRef, Line]] = {}
    for each in due:
        line = _stated_line(each) if each.stated is not None else None
        if each.stated is not None and line is not None:
            told.setdefault(each.stated, {})[line.ref] = line
    held = unit.ours_of(sorted({ref for lines in told.values() for ref in lines})) if told else {}
    return {
        of: [
            KeptLine(line, is_fresh=line.is_read, before=held.get(ref))
            for ref, line in sorted(told[of].items())
        ]
        for of in sorted(told)
    }


def _stated_line(reading: Reading) -> Line | None:
    line = line_of(reading.facts, reading.receipt_id)
    if line is not None or reading.stated is None:
        return line
    if reading.rejection is None or not reading.order_hint:
        return None
    # It cannot be read, and yet the file has it.
    ref = OrderRef(reading.stated.channel, reading.order_hint)
    return Line(ref, receipt_id=reading.receipt_id, is_read=False)


def summary(outcomes: Sequence[Outcome]) -> Outcome:
    """Return what became of a receipt as a whole: the outcome that most needs attention."""
    return next((each for each in GRAVITY if each in outcomes), Outcome.IGNORED)


def republished(
    receipt_id: str, key: str, event: bytes, traceparent: str, received_at: datetime
) -> Message:
    """Return the message that publishes a stored receipt again."""
    return Message(
        stream=Stream.RECEIPTS,
        key=key,
        n=None,
        payload=event,
        event_id=receipt_id,
        subject=receipt_id,
        happened_at=received_at,
        traceparent=traceparent,
    )


def _told(result: ReceiptResult) -> Message:
    receipt = result.receipt
    return Message(
        stream=Stream.OUTCOMES,
        key=receipt.key,
        n=None,
        payload=result.event,
        event_id=f"{receipt.receipt_id}:{receipt.revision + 1}",
        subject=receipt.receipt_id,
        happened_at=result.at,
        traceparent=result.traceparent,
    )


def _answer(
    receipt_id: str,
    done: Mapping[str, ReceiptResult],
    receipts: Mapping[str, WaitingReceipt],
    owners: Mapping[str, str],
) -> Applied:
    if receipt_id in done:
        result = done[receipt_id]
        orders = (owners.get(fact.fact_id) for fact, _ in result.facts)
        told = tuple(dict.fromkeys(each for each in orders if each))
        return Applied(receipt_id, result.outcome, result.facts, told)
    known = receipts.get(receipt_id)
    return Applied(receipt_id, known.outcome if known else None)
