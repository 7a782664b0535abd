"""What must hold when all is said, published and read: every invariant, over the whole world."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from service.application.outbox import Stream
from service.application.ports import Clock
from service.domain.auditing import CaseLog, Deadline, Entry, Kept, audit
from service.domain.changes import HoldChanged
from service.domain.deciding import Dossier, weigh
from service.domain.facts import Fact, Outcome
from service.domain.inquiries import inquiries
from service.domain.journal import Row
from service.domain.order import Order
from service.domain.probing import ProbeState
from service.domain.recount import Measured
from service.domain.stock import Step, concerns_stock, needs, next_step
from service.domain.terms import Terms
from service.domain.truth import derive
from tests.fake_tables import Tables
from tests.simulation.callers import Callers
from tests.simulation.chance import Chance
from tests.simulation.consumers import Guarded, heads_of
from tests.simulation.watch import Watch, hold
from tests.simulation.windows import measured_in

# Facts that follow from others by the terms: whoever joins the others gets them, too.
DERIVED = "rei-"


def check_receipts(tables: Tables, accepted: Iterable[str]) -> None:
    """Hold storage to what senders were told, and each receipt and fact to its outcome."""
    lost = [each for each in accepted if each not in tables.receipts]
    hold("I1", not lost, f"accepted and not there: {lost[:3]}")
    waiting = [name for name, each in tables.receipts.items() if each.outcome is None]
    hold("I13", not waiting, f"never weighed: {waiting[:3]}")
    parked = {each.fact_id for facts in tables.waiting.values() for each in facts}
    for name, kept in tables.facts.items():
        hold("I13", (kept.order_id is None) == (name in parked), f"{name} is parked and not")
        if kept.order_id is None:
            hold("I13", kept.outcome is Outcome.EARLY, f"{name} is {kept.outcome}")
            # Under a name that has an owner nobody would look for it any more.
            hold("I13", tables.refs.get(kept.fact.ref) is None, f"{name} is parked past its order")
        elif kept.outcome is Outcome.CONTRADICTING:
            order = tables.orders[kept.order_id]
            hold("I13", bool(order.discrepancies), f"{name} contradicts nothing")


def check_calls(tables: Tables, callers: Callers, watch: Watch) -> None:
    """Hold each call to what its caller was told."""
    for call in callers.answered:
        assert call.answer is not None
        kept = tables.requests.get(call.request_id)
        hold("I3", kept is None or kept.answer == call.answer, f"{call.name}: {call.answer}")
        done = watch.effects[call.name]
        refused = call.answer.refusal is not None
        hold("I3", not (refused and done), f"{call.name} was refused, and took effect")
    hold("I3", not callers.unanswered, f"{len(callers.unanswered)} calls have no answer")


def check_orders(tables: Tables, clock: Clock) -> None:
    """Hold each order to its facts and its journal, its cases and its deadlines."""
    rows: dict[str, list[Row]] = {name: [] for name in tables.orders}
    for row in tables.journal:
        rows[row.order_id].append(row)
    logs: dict[str, list[tuple[int, str]]] = {}
    for act in tables.case_log:
        logs.setdefault(act.case.case_id, []).append((act.case.version, act.act))
    measured: dict[str, list[Measured]] = {}
    for each in measured_in(tables):
        measured.setdefault(each.order_id, []).append(each)
    for name, order in tables.orders.items():
        kept = Kept(
            order_id=name,
            order=order,
            facts=tuple((each, tables.facts[each.fact_id].outcome) for each in tables.told[name]),
            journal=tuple(map(_entry, rows[name])),
            measured=tuple(measured.get(name, ())),
            cases=tuple(
                CaseLog(case, tuple(logs[case.case_id]))
                for case in tables.cases.values()
                if case.order_id == name
            ),
            deadlines=tuple(
                Deadline(each.awaited.kind, each.awaited.wait, each.awaited.due_at, each.fired_at)
                for (owner, _), each in tables.timers.items()
                if owner == name
            ),
        )
        for violation in audit(kept, at=clock(), late=timedelta(0)):
            hold(violation.invariant, False, violation)  # noqa: FBT003  # It was found.


def check_probes(tables: Tables, terms: Terms) -> None:
    """Hold the probes that are asked, or were asked in vain, to the questions that stand."""
    for name, facts in tables.told.items():
        truth = derive(facts)
        standing = {each.key for each in inquiries(facts, truth, terms)} if truth else set()
        probes = [each for each in tables.probes.values() if each.order_id == name]
        asked = {each.inquiry.key for each in probes if each.state is not ProbeState.DISARMED}
        hold("I12", asked == standing, f"{name}: {sorted(asked ^ standing)}")


def _entry(row: Row) -> Entry:
    change = row.change
    detail = change.detail
    stop = (detail.hold_id, detail.released) if isinstance(detail, HoldChanged) else None
    return Entry(row.sequence, change.kind, change.old, change.new, stop)


def check_stock(tables: Tables) -> None:
    """Hold what is promised to what lies there, and to who it was promised to."""
    promised: dict[tuple[str, str], int] = {}
    for reservation in tables.stock.reservations.values():
        if reservation.is_held:
            for part in reservation.parts:
                key = part.sku, part.warehouse
                promised[key] = promised.get(key, 0) + part.quantity
    for key, stock in tables.stock.stock.items():
        hold("I11", 0 <= stock.reserved <= stock.on_hand, f"{key}: {stock}")
        hold("I11", stock.reserved == promised.get(key, 0), f"{key}: {promised.get(key, 0)} held")
    kept = {sku for sku, _ in tables.stock.stock}
    for name, order in tables.orders.items():
        made = [each for each in tables.stock.reservations.values() if each.order_id == name]
        step = next_step(order, made)
        is_kept = concerns_stock(order) and needs(order.lines).keys() <= kept
        done = step in {Step.REST, Step.TAKE_UNRESERVED} or name in tables.stock.queue
        hold("I12", done or not is_kept, f"{name}: nobody will {step.value}")
    standing = [each.order_id for each in tables.stock.reservations.values() if each.is_held]
    hold("I2", len(standing) == len(set(standing)), "an order holds stock twice")


def check_published(watch: Watch, guards: Mapping[Stream, Guarded]) -> None:
    """Hold what consumers applied to what was written: all of it, once, in order."""
    for stream, guard in guards.items():
        heads = heads_of(watch.heads, stream)
        hold("I7", guard.applied == heads, f"{stream.value}: {_differing(guard.applied, heads)}")
        for key, log in guard.log.items():
            hold("I8", log == list(range(1, len(log) + 1)), f"{stream.value} {key}: {log[:20]}")


def _differing(applied: Mapping[str, int], heads: Mapping[str, int]) -> list[object]:
    keys = applied.keys() | heads.keys()
    return [
        (key, applied.get(key), heads.get(key))
        for key in keys
        if applied.get(key) != heads.get(key)
    ]


def check_confluence(order: Order, tables: Tables, chance: Chance, terms: Terms) -> None:
    """Join the facts of an order again, in another order and some of them twice."""
    facts = [each for each in tables.told[order.order_id] if not each.fact_id.startswith(DERIVED)]
    arrived = chance.shuffled([*facts, *chance.shuffled(facts)[:3]])
    dossier = _arrive(order.order_id, arrived, order, terms)
    joined = dossier.order
    assert joined is not None
    for name in ("state", "state_since", "refund_state", "paid", "refunded", "total", "refs",
                 "lines", "customer", "channel", "placed_at", "discrepancies",
                 "outbound_approved"):  # fmt: skip
        found, stored = getattr(joined, name), getattr(order, name)
        hold("I6", found == stored, f"{order.order_id}: {name} is {stored}, or {found}")
    known = {each.fact_id for each in dossier.facts}
    told = {each.fact_id for each in tables.told[order.order_id]}
    hold("I6", known == told, f"{order.order_id}: {sorted(known ^ told)} follow now and then")
    opened = {each.case_id for each in dossier.cases}
    hold("I6", opened <= tables.cases.keys(), f"{order.order_id}: other cases are opened")
    touched = {each.case.case_id for each in tables.case_log if each.actor != "system"}
    for case in dossier.cases:
        stored = tables.cases[case.case_id]
        same = (case.state, case.outcome) == (stored.state, stored.outcome)
        hold(
            "I6", same or case.case_id in touched, f"{case.type} is {stored.state} or {case.state}"
        )


def _arrive(order_id: str, facts: list[Fact], order: Order, terms: Terms) -> Dossier:
    dossier = Dossier(order_id)
    at = order.updated_at
    for fact in facts:
        at += timedelta(seconds=1)
        dossier = weigh(dossier, [fact], at=at, terms=terms).dossier
    return dossier
