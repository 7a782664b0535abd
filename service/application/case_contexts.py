"""What conditions on a case may look at, gathered only as far as they name it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from service.application.ports import Unit
from service.domain.desk.condition_facts import order_facts
from service.domain.desk.handling import Handling
from service.domain.money import exponent
from service.domain.order import Order
from service.domain.stock_names import demand


@dataclass(frozen=True, slots=True)
class CaseContexts:
    """Gathers what a condition names, within one transaction."""

    unit: Unit
    at: datetime

    def context(self, condition: str, handling: Handling, order: Order | None) -> dict[str, Any]:
        """Return the values of what a condition names; what it does not name is left out."""
        found: dict[str, Any] = {"now": self.at, "case": _case(handling, self.at)}
        return found if order is None else {**found, **self.about(condition, order)}

    def about(self, condition: str, order: Order) -> dict[str, Any]:
        """Return the values of what a condition names of an order, its customer and its stock."""
        found: dict[str, Any] = {"order": order_facts(order)}
        if "customer." in condition and order.customer:
            found["customer"] = self._customer(order)
        if "stock." in condition:
            found["stock"] = self._stock(order)
        return found

    def _customer(self, order: Order) -> Mapping[str, Any]:
        standing = self.unit.customer_standing(order.customer, at=self.at)
        scale = 10 ** exponent(order.total.currency)
        return {
            "orders": standing.orders,
            "returns_30_days": standing.returns_30_days,
            "open_cases": standing.open_cases,
            # Compared, never paid.
            "mean_amount": standing.mean_minor / scale,
        }

    def _stock(self, order: Order) -> Mapping[str, Any]:
        names = self.unit.sku_names(order.channel, [each.sku for each in order.lines])
        wanted = demand(order.lines, names).pieces
        free = self.unit.free_stock(list(wanted))
        short = sorted(sku for sku, count in wanted.items() if sku in free and free[sku] < count)
        return {
            "is_short": bool(short),
            "short_skus": short,
            "available": min((free[sku] for sku in wanted if sku in free), default=0),
        }


def _case(handling: Handling, at: datetime) -> Mapping[str, Any]:
    case = handling.case
    return {
        "type": case.type,
        "severity": case.severity.value,
        "documents": sorted({each.name for each in handling.documents}),
        "acts": list(handling.acts),
        "age_minutes": (at - case.opened_at) // timedelta(minutes=1),
        "reopened": case.reopened,
    }
