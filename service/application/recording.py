"""Writes decisions down: journal rows with numbers and hashes, cases, and what is published.

State, journal and outbox change in the one transaction of the caller.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from service.application.outbox import Stream
from service.application.ports import Encoder, Message, Unit, Writes
from service.application.stock_ports import StockAsked
from service.domain.cases import CaseAct
from service.domain.changes import Change, ChangeKind, MoneyMoved, Moved
from service.domain.customers.profiles import LEFT
from service.domain.expectations import Expectation
from service.domain.facts import Fact, FactKind, Outcome
from service.domain.inquiries import Inquiry
from service.domain.journal import Origin, Row, chain_row
from service.domain.order import Order
from service.domain.probing import synced
from service.domain.schedules import Schedules
from service.domain.stock import concerns_stock, needs


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided about one order, each change with its origin.

    `awaited` and `inquiries` are None where the decision did not look at them.
    """

    order: Order
    changes: tuple[tuple[Change, Origin], ...] = ()
    acts: tuple[tuple[CaseAct, Origin], ...] = ()
    added: tuple[tuple[Fact, Outcome], ...] = ()
    outcomes: tuple[tuple[str, Outcome], ...] = ()
    awaited: tuple[Expectation, ...] | None = None
    inquiries: tuple[Inquiry, ...] | None = None
    schedules: Schedules = field(default_factory=Schedules)


def record(
    unit: Unit, decided: Sequence[Decided], *, encoder: Encoder, at: datetime
) -> list[Order]:
    """Store decisions and their messages; return the orders as numbered by their journals."""
    pairs = [(each, chained(each, encoder=encoder, at=at)) for each in decided]
    store(unit, pairs, encoder=encoder, at=at)
    return [writes.order for _, writes in pairs]


def store(
    unit: Unit, pairs: Sequence[tuple[Decided, Writes]], *, encoder: Encoder, at: datetime
) -> None:
    """Store decisions that are chained already, and their messages."""
    decided, writes = [each for each, _ in pairs], [each for _, each in pairs]
    unit.save(writes)
    messages = [message for each in writes for message in _order_messages(each)]
    acts = [pair for each in decided for pair in each.acts]
    messages += _case_messages(unit, acts, encoder)
    customer = _customer_messages(unit, writes, encoder)
    unit.keep_customer_events(customer)
    unit.publish(messages + customer)
    unit.queue_stock(_stock_asked(writes), at=at)
    _sync_probes(unit, decided, at=at)
    unit.queue_people(_told_of(writes), at=at)
    unit.queue_profiles(_counting(writes))


def record_acts(unit: Unit, acts: Sequence[tuple[CaseAct, Origin]], *, encoder: Encoder) -> None:
    """Store acts on cases that belong to no order yet, and their messages."""
    unit.save_acts([traced(act, origin) for act, origin in acts])
    unit.publish(_case_messages(unit, acts, encoder))


def traced(act: CaseAct, origin: Origin) -> CaseAct:
    """Return an act with its case in the trace that opened it."""
    if act.case.traceparent or not origin.traceparent:
        return act
    return replace(act, case=replace(act.case, traceparent=origin.traceparent))


def chained(decided: Decided, *, encoder: Encoder, at: datetime) -> Writes:
    """Return what a decision writes: journal rows with numbers and hashes, and the order so far."""
    order, rows = decided.order, list[Row]()
    sequence, head = order.sequence, order.chain_head
    for change, origin in decided.changes:
        sequence += 1
        row = chain_row(
            order.order_id,
            sequence,
            change,
            origin=origin,
            recorded_at=at,
            event=encoder.order_event(order, sequence, change, at=at),
            previous=head,
        )
        head = row.hash
        rows.append(row)
    return Writes(
        order=order.numbered(sequence, head) if rows else order,
        rows=tuple(rows),
        added=decided.added,
        outcomes=dict(decided.outcomes),
        awaited=decided.awaited,
        acts=tuple(traced(act, origin) for act, origin in decided.acts),
    )


def _sync_probes(unit: Unit, decided: Sequence[Decided], *, at: datetime) -> None:
    """Let probes stand for the inquiries that stand; each keeps the schedule that it has."""
    standing = {each.order.order_id: each for each in decided if each.inquiries is not None}
    if not standing:
        return
    known = unit.lock_probes(sorted(standing))
    unit.keep_probes(
        [
            probe
            for order_id, each in sorted(standing.items())
            for probe in synced(
                order_id, known.get(order_id, ()), each.inquiries or (), each.schedules, at=at
            )
        ]
    )


def _stock_asked(writes: Sequence[Writes]) -> dict[str, StockAsked]:
    """Return what each order names that changed and whose stock may have to follow."""
    return {
        each.order.order_id: StockAsked(each.order.channel, tuple(needs(each.order.lines)))
        for each in writes
        if each.rows and concerns_stock(each.order)
    }


def _told_of(writes: Sequence[Writes]) -> list[str]:
    """Return the orders of which something new says who bought."""
    return sorted(
        each.order.order_id
        for each in writes
        if any(fact.customer or fact.identities for fact, _ in each.added)
    )


def _counting(writes: Sequence[Writes]) -> list[str]:
    """Return the orders that may count otherwise for whoever bought them."""
    return sorted(
        each.order.order_id
        for each in writes
        if any(_changes_count(row.change, each.order) for row in each.rows) or _is_corrected(each)
    )


def _changes_count(change: Change, order: Order) -> bool:
    """Money came or went, or goods left that nobody has paid."""
    return change.kind is ChangeKind.MONEY_MOVED or (
        isinstance(change.detail, Moved) and change.detail.end in LEFT and not order.paid.minor
    )


def _is_corrected(writes: Writes) -> bool:
    """Something told anew what was ordered. When it is told first, nobody is known to look for."""
    return any(fact.kind is FactKind.ORDER_CREATED for fact, _ in writes.added) and not any(
        row.change.kind is ChangeKind.PLACED for row in writes.rows
    )


def _order_messages(writes: Writes) -> list[Message]:
    return [
        Message(
            stream=Stream.ORDERS,
            key=row.order_id,
            n=row.sequence,
            payload=row.event,
            event_id=f"{row.order_id}:{row.sequence}",
            subject=row.order_id,
            happened_at=row.change.occurred_at,
            traceparent=row.origin.traceparent,
        )
        for row in writes.rows
    ]


def _case_messages(
    unit: Unit, acts: Sequence[tuple[CaseAct, Origin]], encoder: Encoder
) -> list[Message]:
    counts = Counter(_case_key(act) for act, _ in acts)
    following = unit.numbers(Stream.CASES, counts) if counts else {}
    messages = []
    for act, origin in acts:
        key = _case_key(act)
        n = following[key]
        following[key] = n + 1
        messages.append(
            Message(
                stream=Stream.CASES,
                key=key,
                n=n,
                payload=encoder.case_event(act, n),
                event_id=f"{act.case.case_id}:{act.case.version}",
                subject=key,
                happened_at=act.at,
                traceparent=origin.traceparent,
            )
        )
    return messages


def _case_key(act: CaseAct) -> str:
    return act.case.order_id or act.case.case_id


def _customer_messages(unit: Unit, writes: Sequence[Writes], encoder: Encoder) -> list[Message]:
    told = [
        (each.order, row)
        for each in writes
        for row in each.rows
        if each.order.customer and _concerns_customer(row.change)
    ]
    counts = Counter(order.customer for order, _ in told)
    following = unit.numbers(Stream.CUSTOMERS, counts) if counts else {}
    messages = []
    for order, row in told:
        n = following[order.customer]
        following[order.customer] = n + 1
        messages.append(
            Message(
                stream=Stream.CUSTOMERS,
                key=order.customer,
                n=n,
                payload=encoder.customer_event(order, n, row.change),
                event_id=f"{order.customer}:{n}",
                subject=order.order_id,
                happened_at=row.change.occurred_at,
                traceparent=row.origin.traceparent,
            )
        )
    return messages


def _concerns_customer(change: Change) -> bool:
    if change.kind is ChangeKind.PLACED:
        return True
    return isinstance(change.detail, MoneyMoved) and change.detail.returned.minor > 0
