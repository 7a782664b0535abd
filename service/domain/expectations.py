"""What the known facts lack: from whom it must come, until when, and what happens then.

Unlike a contradiction a lack can vanish with the next fact, so it gets time first: a deadline
by the source's clock, never sooner than `ARRIVAL_GRACE` after the news that raised it, because
facts of one moment arrive minutes apart.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import unique
from types import MappingProxyType
from typing import Final

from service.domain.lifecycle import FINAL, State
from service.domain.truth import RefundState, Truth
from service.domain.words import Word

# The article: an order that sits in one stage for more than two hours needs somebody. The last
# two states wait for carriers and buyers, who take days.
STAGE_LIMITS: Final[Mapping[State, timedelta]] = MappingProxyType(
    {
        State.PENDING_PAYMENT: timedelta(hours=2),
        State.PAYING: timedelta(hours=2),
        State.PAID: timedelta(hours=2),
        State.AWAITING_OUTBOUND: timedelta(hours=2),
        State.SHIPPING: timedelta(days=7),
        State.DELIVERED: timedelta(days=15),
    }
)

# Who moves an order on from each state.
MOVERS: Final[Mapping[State, str]] = MappingProxyType(
    {
        State.PENDING_PAYMENT: "customer_service",
        State.PAYING: "finance",
        State.PAID: "operations",
        State.AWAITING_OUTBOUND: "warehouse",
        State.SHIPPING: "logistics",
        State.DELIVERED: "customer_service",
    }
)

# How long an order may stay in each state.
Limits = Mapping[State, timedelta]

ARRIVAL_GRACE: Final = timedelta(minutes=5)


@unique
class ExpectationKind(Word):
    """What is awaited."""

    NEXT_STAGE = "NEXT_STAGE"
    PAYMENT_FOR_SHIPPED = "PAYMENT_FOR_SHIPPED"
    REFUND_FOR_CANCELLED = "REFUND_FOR_CANCELLED"
    PAYMENT_FOR_REFUND = "PAYMENT_FOR_REFUND"
    REFUND_RESULT = "REFUND_RESULT"
    PAYMENT_PROOF = "PAYMENT_PROOF"


@dataclass(frozen=True, slots=True)
class Rule:
    """When something is awaited, from whom, for how long, and which case opens then."""

    applies: Callable[[Truth], bool]
    waits_for: Callable[[Truth], str]
    limit: Callable[[Truth, Limits], timedelta]
    case_type: str


@dataclass(frozen=True, slots=True)
class Expectation:
    """Something that is awaited. `wait` names it: another wait has another deadline and case."""

    kind: ExpectationKind
    wait: str
    waits_for: str
    since: datetime
    due_at: datetime
    case_type: str


def _fixed(limit: timedelta) -> Callable[[Truth, Limits], timedelta]:
    return lambda _truth, _limits: limit


def _came_late(truth: Truth) -> bool:
    """Tell whether all money came after the cancel: a contradiction, with a case of its own."""
    paid, cancelled = truth.entered.get(State.PAID), truth.entered.get(State.CANCELLED)
    return bool(paid and cancelled and paid.occurred_at > cancelled.occurred_at)


RULES: Final[Mapping[ExpectationKind, Rule]] = MappingProxyType(
    {
        ExpectationKind.NEXT_STAGE: Rule(
            applies=lambda truth: truth.state not in FINAL,
            waits_for=lambda truth: MOVERS[truth.state],
            limit=lambda truth, limits: limits[truth.state],
            case_type="STAGE_OVERDUE",
        ),
        ExpectationKind.PAYMENT_FOR_SHIPPED: Rule(
            applies=lambda truth: truth.has_left and not truth.is_paid,
            waits_for=lambda _truth: "finance",
            limit=_fixed(timedelta(minutes=15)),
            case_type="SHIPPED_UNPAID",
        ),
        ExpectationKind.REFUND_FOR_CANCELLED: Rule(
            applies=lambda truth: (
                truth.state is State.CANCELLED
                and truth.paid.minor > truth.refunded.minor
                and not _came_late(truth)
            ),
            waits_for=lambda _truth: "finance",
            limit=_fixed(timedelta(hours=2)),
            case_type="REFUND_OWED",
        ),
        ExpectationKind.PAYMENT_FOR_REFUND: Rule(
            applies=lambda truth: truth.refunded.minor > truth.paid.minor,
            waits_for=lambda _truth: "finance",
            limit=_fixed(timedelta(minutes=15)),
            case_type="REFUND_EXCEEDS_PAYMENT",
        ),
        ExpectationKind.REFUND_RESULT: Rule(
            applies=lambda truth: (
                truth.refund_requested.minor > truth.refunded.minor
                and truth.refund_state is not RefundState.FULL
            ),
            waits_for=lambda _truth: "finance",
            limit=_fixed(timedelta(hours=24)),
            case_type="REFUND_OVERDUE",
        ),
        # The channel says paid, a provider says that its trade was closed, and no payment has a
        # number: either another trade brought the money, or none did.
        ExpectationKind.PAYMENT_PROOF: Rule(
            applies=lambda truth: (
                truth.is_trade_closed
                and State.PAID in truth.entered
                and truth.proven.minor < truth.total.minor
            ),
            waits_for=lambda _truth: "finance",
            limit=_fixed(timedelta(minutes=15)),
            case_type="CLAIMED_BUT_CLOSED",
        ),
    }
)


def expectations(
    truth: Truth, *, at: datetime, limits: Limits = STAGE_LIMITS
) -> tuple[Expectation, ...]:
    """Return everything that is awaited of an order, as of the moment `at` of the newest news."""
    return tuple(
        Expectation(
            kind=kind,
            wait=truth.state.value if kind is ExpectationKind.NEXT_STAGE else kind.value,
            waits_for=rule.waits_for(truth),
            since=truth.since,
            due_at=max(truth.since + rule.limit(truth, limits), at + ARRIVAL_GRACE),
            case_type=rule.case_type,
        )
        for kind, rule in RULES.items()
        if rule.applies(truth)
    )
