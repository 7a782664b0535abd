"""What looks risky, seen from a customer's history.

A customer's row holds what rules may ask of earlier events. An event is judged against the
history before it, then added to it; a repeat is dropped by the customer's number, so a flag is
found once. Its id follows from rule and event, whoever finds it and however often.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import orjson

from streams.logic.effects import Effects, Rows, row_of
from streams.logic.rules import Amount, RuleEngine, RuleError
from streams.logic.windows import SECOND_US

RETURNS_WITHIN_US: Final = 30 * 86_400 * SECOND_US
_NUMBERS_BELOW: Final = 2**63
# Returns are remembered twice as long as rules look back: events of one customer may come late.
_RETURNS_KEPT_US: Final = 2 * RETURNS_WITHIN_US


@dataclass(frozen=True, slots=True)
class CustomerAct:
    """What a customer did, as its record tells it."""

    offset: int
    logged_us: int
    event_id: str
    customer: str
    sequence: int
    order: str
    event_us: int
    kind: Literal["PLACED", "RETURNED"]
    currency: str
    # Money in millionths of the currency's unit.
    amount_micros: int
    list_total_micros: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule holds for an event."""

    flag_id: str
    act: CustomerAct
    rule: str
    rule_version: int
    action: str
    inputs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RuleFailed:
    """A rule could not be evaluated for an event; the others were."""

    act: CustomerAct
    reason: str


def flag_id(rule: str, event_id: str) -> str:
    """Return the id of the one flag that this rule can raise for this event."""
    return hashlib.sha256(f"{rule}\0{event_id}".encode()).hexdigest()[:32]


@dataclass(slots=True)
class _History:
    """A row: one customer up to the newest event."""

    sequence: int = 0
    # By currency: orders, and their sum.
    orders: dict[str, tuple[int, int]] = field(default_factory=dict)
    # (when, order), in the order of arrival.
    returns: list[tuple[int, str]] = field(default_factory=list)

    def values(self, act: CustomerAct) -> dict[str, Amount]:
        """Return what rules may speak of, as it was before this event."""
        orders, amount_sum = self.orders.get(act.currency, (0, 0))
        since_us = act.event_us - RETURNS_WITHIN_US
        returned = {order for at_us, order in self.returns if since_us < at_us <= act.event_us}
        if act.kind == "RETURNED":
            returned.add(act.order)
        return {
            "event.kind": act.kind,
            "order.amount": act.amount_micros,
            "order.list_total": act.list_total_micros,
            "order.currency": act.currency,
            "customer.orders": orders,
            "customer.amount_sum": amount_sum,
            "customer.returns_30d": len(returned),
        }

    def add(self, act: CustomerAct) -> None:
        """Make the event part of the history."""
        self.sequence = act.sequence
        if act.kind == "PLACED":
            orders, amount_sum = self.orders.get(act.currency, (0, 0))
            self.orders[act.currency] = (orders + 1, amount_sum + act.amount_micros)
            return
        newest = max([act.event_us, *(at_us for at_us, _ in self.returns)])
        told = [*self.returns, (act.event_us, act.order)]
        self.returns = [each for each in told if newest - each[0] <= _RETURNS_KEPT_US]


@dataclass(slots=True)
class Risk:
    """The engine of one partition of customer events."""

    rows: Rows
    rules: RuleEngine
    # Customer events that never came; the history is the poorer for each.
    lost: int = 0

    def apply(self, records: Sequence[CustomerAct]) -> Effects[Finding | RuleFailed]:
        """Judge these events, each against what came before it."""
        effects: Effects[Finding | RuleFailed] = Effects()
        histories: dict[str, _History] = {}
        for act in records:
            history = histories.get(act.customer) or self._load(act.customer)
            if act.sequence <= history.sequence:
                effects.repeats += 1
                continue
            self.lost += act.sequence - history.sequence - 1
            effects.outputs.extend(self._judge(act, history.values(act)))
            history.add(act)
            histories[act.customer] = history
        for customer, history in histories.items():
            sums = {
                currency: (count, _storable(total))
                for currency, (count, total) in history.orders.items()
            }
            row = [history.sequence, sums, history.returns]
            effects.rows[customer.encode()] = row_of(row)
        return effects

    def _judge(self, act: CustomerAct, values: Mapping[str, Amount]) -> list[Finding | RuleFailed]:
        found: list[Finding | RuleFailed] = []
        for rule in self.rules.rules():
            try:
                holds = self.rules.holds(rule, values)
            except RuleError as error:
                found.append(RuleFailed(act, str(error)))
                continue
            if holds:
                inputs = tuple((name, str(values[name])) for name in rule.inputs)
                name = flag_id(rule.id, act.event_id)
                found.append(Finding(name, act, rule.id, rule.version, rule.action, inputs))
        return found

    def _load(self, customer: str) -> _History:
        row = self.rows.get(customer.encode())
        if row is None:
            return _History()
        sequence, orders, returns = orjson.loads(row)
        known = {currency: (count, int(total)) for currency, (count, total) in orders.items()}
        return _History(sequence, known, [(at_us, order) for at_us, order in returns])


def _storable(total: int) -> int | str:
    """Return a sum for a row: as text where it is too large for JSON's numbers of 64 bits.

    Only there: the release before this one reads numbers, and may have the row next.
    """
    return total if total < _NUMBERS_BELOW else str(total)
