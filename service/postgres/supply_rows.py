"""Keeps safety levels and purchase plans, and finds articles that need somebody."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from service.domain.stock_errors import PurchasePlanNotFoundError
from service.domain.stock_plans import (
    LOOK_AHEAD,
    Article,
    PlanState,
    PurchasePlan,
    Supply,
)
from service.postgres import stock_plan_tables as tables

_OF: Final = sa.text(
    "SELECT asked.sku,"
    " (SELECT coalesce(sum(on_hand - reserved), 0) FROM stock WHERE stock.sku = asked.sku)"
    "  AS available,"
    " (SELECT coalesce(sum(quantity), 0) FROM purchase_plans AS plan WHERE plan.sku = asked.sku"
    "  AND state = 'PLANNED' AND expected_at BETWEEN :at AND :soon) AS planned"
    " FROM unnest(CAST(:skus AS text[])) AS asked(sku)"
)
# The rule is `is_red`; here it finds those that are to be judged by it, and no others.
_TURNED: Final = sa.text(
    "SELECT article.*, found.available, found.planned FROM articles AS article"
    " CROSS JOIN LATERAL (SELECT"
    "  (SELECT coalesce(sum(on_hand - reserved), 0) FROM stock WHERE stock.sku = article.sku)"
    "   AS available,"
    "  (SELECT coalesce(sum(quantity), 0) FROM purchase_plans AS plan WHERE plan.sku = article.sku"
    "   AND state = 'PLANNED' AND expected_at BETWEEN :at AND :soon) AS planned) AS found"
    " WHERE (found.available < article.safety_level AND found.planned = 0)"
    " <> (article.red_since IS NOT NULL)"
    " ORDER BY article.sku LIMIT :most FOR UPDATE OF article SKIP LOCKED"
)


class SupplyRows:
    """The part of a transaction that knows safety levels and purchase plans."""

    _connection: sa.Connection

    def lock_article(self, sku: str) -> Article | None:
        """Lock and return an article; None where nobody looks after it."""
        table = tables.articles
        wanted = sa.select(table).where(table.c.sku == sku).with_for_update()
        row = self._connection.execute(wanted).mappings().first()
        return article_from(row) if row else None

    def keep_article(self, article: Article) -> None:
        """Store an article."""
        values = {name: getattr(article, name) for name in _ARTICLE}
        fresh = insert(tables.articles).values(values)
        self._connection.execute(
            fresh.on_conflict_do_update(index_elements=["sku"], set_=dict(values))
        )

    def supply(self, skus: Sequence[str], *, at: datetime) -> dict[str, Supply]:
        """Return what is free of articles, and what is planned to come soon."""
        return supply_of(self._connection, skus, at=at)

    def turned_articles(self, at: datetime, *, most: int) -> list[tuple[Article, Supply]]:
        """Lock and return articles whose flag is not as it should be; passes over locked ones."""
        values = {"at": at, "soon": at + LOOK_AHEAD, "most": most}
        rows = self._connection.execute(_TURNED, values).mappings()
        return [(article_from(row), _supply_from(row)) for row in rows]

    def add_plan(self, plan: PurchasePlan) -> None:
        """Store a fresh plan."""
        self._connection.execute(insert(tables.purchase_plans).values(_plan_row(plan)))

    def lock_plan(self, plan_id: str) -> PurchasePlan:
        """Lock and return a plan, or raise `PurchasePlanNotFoundError`."""
        table = tables.purchase_plans
        wanted = sa.select(table).where(table.c.plan_id == plan_id).with_for_update()
        row = self._connection.execute(wanted).mappings().first()
        if row is None:
            raise PurchasePlanNotFoundError(purchase_plan=plan_id)
        return plan_from(row)

    def save_plan(self, plan: PurchasePlan) -> None:
        """Store what became of a (locked) plan."""
        table = tables.purchase_plans
        self._connection.execute(
            sa.update(table).where(table.c.plan_id == plan.plan_id).values(_plan_row(plan))
        )


def supply_of(connection: sa.Connection, skus: Sequence[str], *, at: datetime) -> dict[str, Supply]:
    """Return what is free of articles, and what is planned to come soon."""
    values = {"skus": list(skus), "at": at, "soon": at + LOOK_AHEAD}
    return {row["sku"]: _supply_from(row) for row in connection.execute(_OF, values).mappings()}


def article_from(row: Any) -> Article:  # noqa: ANN401  # columns by name
    """Return columns as an article."""
    return Article(**{name: row[name] for name in _ARTICLE})


def plan_from(row: Any) -> PurchasePlan:  # noqa: ANN401  # columns by name
    """Return columns as a purchase plan."""
    told = {name: row[name] for name in _PLAN}
    return PurchasePlan(**{**told, "state": PlanState(row["state"])})


def _supply_from(row: Any) -> Supply:  # noqa: ANN401  # columns by name
    return Supply(int(row["available"]), int(row["planned"]))


def _plan_row(plan: PurchasePlan) -> dict[str, Any]:
    return {**{name: getattr(plan, name) for name in _PLAN}, "state": plan.state.value}


_ARTICLE: Final = ("sku", "safety_level", "owner_role", "updated_at", "red_since")
_PLAN: Final = (
    "plan_id",
    "sku",
    "warehouse",
    "quantity",
    "expected_at",
    "created_at",
    "note",
    "state",
    "received",
    "closed_at",
)
