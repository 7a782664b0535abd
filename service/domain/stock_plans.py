"""What stock is planned by: safety levels, what is to come, and when somebody must be told."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, unique
from typing import Final

from service.domain.stock_errors import PurchasePlanClosedError

# Whoever sells apparel or food reorders by the week.
LOOK_AHEAD: Final = timedelta(days=7)
OWNER: Final = "purchasing"


@unique
class PlanState(Enum):
    """How far a purchase plan is; the names are those of `PurchasePlan.State`."""

    PLANNED = "PLANNED"
    RECEIVED = "RECEIVED"
    DROPPED = "DROPPED"


@dataclass(frozen=True, slots=True)
class PurchasePlan:
    """Pieces of one article that are to come."""

    plan_id: str
    sku: str
    warehouse: str
    quantity: int
    expected_at: datetime
    created_at: datetime
    note: str = ""
    state: PlanState = PlanState.PLANNED
    received: int = 0
    closed_at: datetime | None = None

    def receive(self, count: int, *, at: datetime) -> "PurchasePlan":
        """Return the plan as its pieces came; or raise `PurchasePlanClosedError`."""
        self._refuse_closed()
        return replace(self, state=PlanState.RECEIVED, received=count, closed_at=at)

    def drop(self, *, at: datetime) -> "PurchasePlan":
        """Return the plan as nothing will come of it; or raise `PurchasePlanClosedError`."""
        self._refuse_closed()
        return replace(self, state=PlanState.DROPPED, closed_at=at)

    def _refuse_closed(self) -> None:
        if self.state is not PlanState.PLANNED:
            raise PurchasePlanClosedError(purchase_plan=self.plan_id, state=self.state.value)


@dataclass(frozen=True, slots=True)
class Article:
    """An article somebody looks after."""

    sku: str
    # With fewer free pieces than this somebody must act; 0: nobody need.
    safety_level: int
    owner_role: str
    updated_at: datetime
    # Since when it is flagged.
    red_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Supply:
    """What is free of an article, and what plans say will come soon."""

    available: int = 0
    planned: int = 0


def is_red(article: Article, supply: Supply) -> bool:
    """Tell whether too little is there, and nothing is planned to come.

    A plan whose day has passed without its pieces is none.
    """
    return supply.available < article.safety_level and not supply.planned


def soon(plans: Sequence[PurchasePlan], *, at: datetime) -> int:
    """Return how many pieces are planned to come within the next days."""
    return sum(
        each.quantity
        for each in plans
        if each.state is PlanState.PLANNED and at <= each.expected_at <= at + LOOK_AHEAD
    )
