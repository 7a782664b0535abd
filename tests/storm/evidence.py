"""What is known when a storm is over: what the platforms say, what is held here, and what broke."""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from concord.intake.v1.receipt_pb2 import ReceiptEvent
from concord.orders.v1.order_pb2 import Order
from tests.invariants import violations
from tests.storm.plan import PROVIDERS, Plan
from tests.storm.stack import Stormy
from tests.system.whole_stack import WholeStack

MINOR_UNITS: Final = 100
NANOS_OF_MINOR: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class Trade:
    """A trade as its platform knows it."""

    number: str
    provider: str
    amount_minor: int
    currency: str
    is_paid: bool
    paid_at: datetime | None
    """Provider time."""
    paid_wall: datetime | None
    """The same moment by the machine's clock."""


@dataclass(frozen=True, slots=True)
class Step:
    """A row of an order's journal."""

    kind: str
    old: str
    new: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """An order as it is held here."""

    name: str
    state: str
    paid_minor: int
    currency: str
    steps: tuple[Step, ...]
    is_learnt_by_asking: bool = False

    @property
    def paid_recorded_at(self) -> datetime | None:
        """When the journal says that we learnt of the money."""
        moved = (each for each in self.steps if each.kind in ("PLACED", "MOVED"))
        return next((each.recorded_at for each in moved if each.new == "PAID"), None)


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a platform."""

    provider: str
    number: str
    notice: str
    attempt: int
    is_forged: bool
    is_right: bool
    verdict: str
    at: datetime
    answer: str


@dataclass(frozen=True, slots=True)
class Stored:
    """A receipt that we have from a provider."""

    source: str
    message_id: str
    template: str
    number: str

    @property
    def is_answer(self) -> bool:
        """Whether we asked for it."""
        return self.template.endswith(".query")


@dataclass(frozen=True, slots=True)
class Blows:
    """What broke, and how the shops fared meanwhile."""

    killed: Mapping[str, int] = field(default_factory=dict)
    database_down_s: float = 0.0
    """Provider time."""
    shop_calls_answered: int = 0
    shop_calls_unanswered: int = 0
    acknowledged: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that a storm is judged by."""

    plan: Plan
    trades: Mapping[str, Trade]
    held: Mapping[str, Held]
    """By our number."""
    calls: Sequence[Call]
    receipts: Sequence[Stored]
    known_receipts: frozenset[str]
    """Names of all that are stored, the shops' included."""
    cases: Sequence[tuple[str, str]]
    """Type and order."""
    journal_problem: str
    broken_invariants: Sequence[str]
    """Who violates what, of all invariants that a database can tell."""
    blows: Blows
    notices: Mapping[str, int]
    """What the platforms' couriers counted."""
    questions: Mapping[str, int]
    """How questions to providers were answered."""
    commit: str
    """What was under test, when it began."""
    unrest: tuple[str, ...]
    """What should have come when the faults were over, and did not."""
    lasted_s: float
    """Real time."""


def gather(
    plan: Plan,
    stormy: Stormy,
    blows: Blows,
    *,
    commit: str,
    unrest: tuple[str, ...],
    lasted_s: float,
) -> Evidence:
    """Ask both sides for everything."""
    platforms = stormy.control.statistics()["platforms"]
    notices: collections.Counter[str] = collections.Counter()
    questions: collections.Counter[str] = collections.Counter()
    for counts in platforms.values():
        notices.update(counts.get("notices", {}))
        questions.update(counts.get("requests", {}))
    with stormy.stack.client() as concord:
        verified = concord.orders.verify_journal()
        held = _held(stormy.stack, list(concord.orders.list(page_size=500)))
    names, receipts = _receipts(stormy.stack)
    return Evidence(
        plan=plan,
        trades={each["number"]: _trade(each) for each in stormy.control.trades()},
        held=held,
        calls=[_call(each) for each in stormy.control.calls()],
        receipts=receipts,
        known_receipts=names,
        cases=stormy.stack.rows("SELECT type, order_id FROM cases ORDER BY opened_at"),
        journal_problem=verified.problem,
        broken_invariants=[
            f"{each.invariant} {each.subject}: {each.problem}"
            for each in violations(stormy.stack.database_url)
        ],
        blows=blows,
        notices=notices,
        questions=questions,
        commit=commit,
        unrest=unrest,
        lasted_s=lasted_s,
    )


def _held(stack: WholeStack, orders: Sequence[Order]) -> dict[str, Held]:
    steps: dict[str, list[Step]] = collections.defaultdict(list)
    for order, *step in stack.rows(
        "SELECT order_id, kind, old_value, new_value, recorded_at FROM journal"
        " WHERE kind IN ('PLACED', 'MOVED', 'MONEY_MOVED') ORDER BY order_id, sequence"
    ):
        steps[order].append(Step(*step))
    asked = {
        order
        for order, is_asked in stack.rows(
            "SELECT DISTINCT ON (order_id) order_id, 'LEARNT_BY_QUERY' = ANY(circumstances)"
            " FROM facts WHERE kind = 'PAYMENT_SUCCEEDED' AND order_id IS NOT NULL"
            " ORDER BY order_id, recorded_at"
        )
        if is_asked
    }
    return {
        number: Held(
            name=order.name,
            state=Order.State.Name(order.state).removeprefix("STATE_"),
            paid_minor=order.paid.units * MINOR_UNITS + order.paid.nanos // NANOS_OF_MINOR,
            currency=order.total.currency_code,
            steps=tuple(steps[order.name.removeprefix("orders/")]),
            is_learnt_by_asking=order.name.removeprefix("orders/") in asked,
        )
        for order in orders
        for number in (each.value for each in order.refs if each.namespace == "merchant")
    }


def _receipts(stack: WholeStack) -> tuple[frozenset[str], list[Stored]]:
    """Return the names of all receipts, and those of the providers."""
    names, stored = set(), []
    for name, source, event in stack.rows("SELECT receipt_id, source, event FROM receipts"):
        names.add(f"receipts/{name}")
        if source in PROVIDERS:
            told = ReceiptEvent.FromString(bytes(event)).received
            stored.append(Stored(source, told.message_id, told.template, told.order_hint))
    return frozenset(names), stored


def _trade(told: Mapping[str, Any]) -> Trade:
    return Trade(
        number=told["number"],
        provider=told["provider"],
        amount_minor=told["amount_minor"],
        currency=told["currency"],
        is_paid=told["state"] in ("paid", "finished"),
        paid_at=_moment(told["paid_at"]),
        paid_wall=_moment(told["paid_wall"]),
    )


def _call(told: Mapping[str, Any]) -> Call:
    return Call(
        provider=told["provider"],
        number=told["number"],
        notice=told["notice"],
        attempt=told["attempt"],
        is_forged=told["is_forged"],
        is_right=told["is_right"],
        verdict=told["verdict"],
        at=datetime.fromisoformat(told["at"]),
        answer=f"{told['status']} {told['body']}",
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
