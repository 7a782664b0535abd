"""Rules in CEL: checked when they are loaded, evaluated over named values.

The CEL library stays behind `RuleEngine`. It returns runtime errors as values that look true;
here they are raised.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from cel_expr_python import cel  # type: ignore[import-untyped]  # Stubs without py.typed.

Amount = int | str

# Everything that a rule about an account may speak of. Money is in millionths of the currency's
# unit.
VALUES: Final[Mapping[str, tuple[cel.Type, str]]] = {
    "event.kind": (cel.Type.STRING, "`PLACED` or `RETURNED`"),
    "order.amount": (cel.Type.INT, "what the buyer is to pay, or got back"),
    "order.list_total": (cel.Type.INT, "price before discounts; 0 where unknown"),
    "order.currency": (cel.Type.STRING, "ISO 4217"),
    "customer.orders": (cel.Type.INT, "earlier orders in this currency"),
    "customer.amount_sum": (cel.Type.INT, "what they came to"),
    "customer.returns_30d": (
        cel.Type.INT,
        "orders with money back in the 30 days up to the event, itself included",
    ),
}
# Everything that a rule about a person may speak of: whoever bought, over all channels.
PERSON_VALUES: Final[Mapping[str, tuple[cel.Type, str]]] = {
    "event.kind": (cel.Type.STRING, "`PLACED` once an order counts, or `RETURNED`"),
    "order.amount": (cel.Type.INT, "what the order comes to"),
    "order.currency": (cel.Type.STRING, "ISO 4217"),
    "profile.orders": (cel.Type.INT, "earlier orders in this currency, over all channels"),
    "profile.amount_sum": (cel.Type.INT, "what they came to"),
    "profile.channels": (cel.Type.INT, "channels at which the person bought, this one included"),
    "profile.orders_90d": (cel.Type.INT, "earlier orders of the 90 days up to the event"),
    "profile.returned_90d": (
        cel.Type.INT,
        "those of them with money back; of a return, its order included",
    ),
}
ACTIONS: Final = ("HOLD", "REVIEW")


class RuleError(Exception):
    """A rule cannot be used, or could not be evaluated; says which and why."""


@dataclass(frozen=True, slots=True)
class Rule:
    """An if-then: a condition in CEL, and what to do where it holds."""

    id: str
    version: int
    when: str
    action: str
    # Which values to record with a finding.
    inputs: tuple[str, ...]


class RuleEngine:
    """Rules that are known to be well-formed."""

    def __init__(
        self, rules: Iterable[Rule], known: Mapping[str, tuple[cel.Type, str]] = VALUES
    ) -> None:
        """Compile them, or raise `RuleError` that names everything wrong with all of them."""
        env = cel.NewEnv(variables={name: kind for name, (kind, _) in known.items()})
        self._programs: list[tuple[Rule, cel.Expression]] = []
        faults: list[str] = []
        ids: set[str] = set()
        for rule in rules:
            if rule.id in ids:
                faults.append(f"{rule.id}: there are two of this id")
            ids.add(rule.id)
            if rule.action not in ACTIONS:
                faults.append(f"{rule.id}: action {rule.action} is none of {', '.join(ACTIONS)}")
            unknown = [name for name in rule.inputs if name not in known]
            faults.extend(f"{rule.id}: input {name} does not exist" for name in unknown)
            try:
                program = env.compile(rule.when)
            except RuntimeError as error:
                faults.append(f"{rule.id}: {error}")
                continue
            if program.return_type() != cel.Type.BOOL:
                faults.append(f"{rule.id}: gives {program.return_type().name()}, not BOOL")
            self._programs.append((rule, program))
        if faults:
            raise RuleError("\n".join(faults))

    def rules(self) -> tuple[Rule, ...]:
        """Return the rules, in the order in which they were given."""
        return tuple(rule for rule, _ in self._programs)

    def holds(self, rule: Rule, values: Mapping[str, Amount]) -> bool:
        """Return whether the rule's condition holds, or raise `RuleError`."""
        program = next(program for each, program in self._programs if each is rule)
        value = program.eval(data=dict(values))
        if value.type() != cel.Type.BOOL:
            raise RuleError(f"{rule.id}: {value.plain_value()}")
        return bool(value.plain_value())
