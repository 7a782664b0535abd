"""What the conditions of workflows and batches may name, of which type, and what it means."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, unique
from types import MappingProxyType
from typing import Final


@unique
class Kind(Enum):
    """What a name holds, as CEL calls it."""

    TEXT = "string"
    # Numbers with a point: CEL compares them with such numbers only.
    DECIMAL = "double"
    WHOLE = "int"
    TRUTH = "bool"
    TEXTS = "list(string)"
    MOMENT = "timestamp"


@dataclass(frozen=True, slots=True)
class Named:
    """One name, and what it means."""

    kind: Kind
    meaning: str


FACTS: Final[Mapping[str, Named]] = MappingProxyType(
    {
        # Amounts are compared here, never paid: as numbers with a point, in the currency's units.
        "order.amount": Named(Kind.DECIMAL, "What the order costs, such as `129.5`."),
        "order.paid": Named(Kind.DECIMAL, "What came for it."),
        "order.refunded": Named(Kind.DECIMAL, "What went back."),
        "order.currency": Named(Kind.TEXT, "`CNY` …"),
        "order.state": Named(Kind.TEXT, "`PAID`, `AWAITING_OUTBOUND`, `SHIPPING` …"),
        "order.refund_state": Named(Kind.TEXT, "`NONE`, `REQUESTED`, `PARTIAL`, `FULL`."),
        "order.channel": Named(Kind.TEXT, "`douyin`, `jd` …"),
        "order.milestone": Named(Kind.TEXT, "What operators set beside the state: `海关查验中`."),
        "order.discrepancies": Named(Kind.TEXTS, "Contradictions that stand."),
        "order.holds": Named(Kind.TEXTS, "The reasons of its holds."),
        "order.skus": Named(Kind.TEXTS, "Its articles."),
        "order.tags": Named(Kind.TEXTS, "Its labels."),
        "order.is_paid": Named(Kind.TRUTH, "All of it is paid."),
        "order.is_shipped": Named(Kind.TRUTH, "A parcel left."),
        "order.placed_at": Named(Kind.MOMENT, "When it was placed."),
        "case.type": Named(Kind.TEXT, "`OUT_OF_STOCK` …"),
        "case.severity": Named(Kind.TEXT, "`LOW`, `NORMAL`, `HIGH`, `CRITICAL`."),
        "case.documents": Named(Kind.TEXTS, "The kinds of documents that it has."),
        "case.acts": Named(Kind.TEXTS, "What was done, oldest first, as `step.act`."),
        "case.age_minutes": Named(Kind.WHOLE, "How long it is open, by the clock on the wall."),
        "case.reopened": Named(Kind.WHOLE, "How often it was opened again."),
        "customer.orders": Named(Kind.WHOLE, "Orders of whoever bought, in all."),
        "customer.returns_30_days": Named(Kind.WHOLE, "Returns in the last 30 days."),
        "customer.open_cases": Named(Kind.WHOLE, "Their cases that are open."),
        "customer.mean_amount": Named(Kind.DECIMAL, "What an order of theirs costs on average."),
        "stock.is_short": Named(Kind.TRUTH, "Less is there than the order needs."),
        "stock.short_skus": Named(Kind.TEXTS, "Articles of which less is there."),
        "stock.available": Named(Kind.WHOLE, "Free pieces of the scarcest of its articles."),
        "now": Named(Kind.MOMENT, "The present moment."),
    }
)
