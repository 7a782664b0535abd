"""Reads what stock is planned by for callers, without locks."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from service.application.pages import Page
from service.application.stock_plan_ports import PlanQuery
from service.domain.stock_errors import PurchasePlanNotFoundError, SkuMappingNotFoundError
from service.domain.stock_late import Oversale
from service.domain.stock_levels import Level, Shelves, level_of
from service.domain.stock_names import SkuMapping, UnmappedSku, waits_for_mapping
from service.domain.stock_plans import Article, PurchasePlan, Supply
from service.domain.stock_shares import Allocation
from service.postgres import stock_plan_tables as tables
from service.postgres.engine import begin_snapshot
from service.postgres.moments import to_text
from service.postgres.share_rows import CASES_NAMED, allocations_of, shelves_of
from service.postgres.sku_rows import mapping_from, unmapped_from
from service.postgres.supply_rows import article_from, plan_from, supply_of
from service.postgres.tokens import make_token, open_token
from service.postgres.translating import translated

_WAITING: Final = sa.text(
    "SELECT asked.word, count(stock_queue.order_id) AS waiting"
    " FROM unnest(CAST(:words AS text[])) AS asked(word)"
    " LEFT JOIN stock_queue ON waits_for && ARRAY[asked.word] GROUP BY asked.word"
)
# A channel of which nothing is mapped calls articles what we call them.
_ITEMS: Final = sa.text(
    "SELECT DISTINCT item FROM ("
    " SELECT channel_sku AS item, sku FROM sku_mappings WHERE channel = :channel"
    " UNION ALL SELECT sku AS item, sku FROM stock"
    "  WHERE NOT EXISTS (SELECT FROM sku_mappings WHERE channel = :channel)) AS known"
    " WHERE (:sku = '' OR sku = :sku) AND (:after = '' OR item > :after)"
    " ORDER BY item LIMIT :most"
)
# What is told of at once is one oversale, and what nobody was told of yet is one.
_OVERSALES: Final = sa.text(
    "SELECT sku, channel, told_at, min(found_at) AS found_at, min(order_id) AS first_order,"
    " count(*) AS orders, sum(pieces) AS pieces, max(late_s) AS late_s,"
    " (array_agg(case_id ORDER BY found_at, case_id))[1:CAST(:named AS int)] AS cases"
    " FROM oversold WHERE (:sku = '' OR sku = :sku) GROUP BY sku, channel, told_at"
    " HAVING CAST(:before AS timestamptz) IS NULL"
    "  OR (min(found_at), sku, min(order_id)) < (:before, :before_sku, :before_order)"
    " ORDER BY min(found_at) DESC, sku DESC, min(order_id) DESC LIMIT :most"
)


class PostgresStockPlanReader:
    """Implements `service.application.stock_plan_ports.StockPlanReader`."""

    def __init__(self, engine: sa.Engine) -> None:
        """Take the engine."""
        self._engine = engine

    def mappings(self, query: PlanQuery) -> Page[SkuMapping]:
        """List mappings by channel and item; or raise `CursorInvalidError`."""
        table = tables.sku_mappings
        key = sa.tuple_(table.c.channel, table.c.channel_sku)
        wanted = sa.select(table.c.channel, table.c.channel_sku).distinct().order_by(*_key(table))
        if query.channel:
            wanted = wanted.where(table.c.channel == query.channel)
        if query.sku:
            wanted = wanted.where(table.c.sku == query.sku)
        if query.page_token:
            after = open_token("mappings", query.page_token, str, str)
            wanted = wanted.where(key > sa.tuple_(*after))
        with self._snapshot() as connection:
            names = connection.execute(wanted.limit(query.page_size + 1)).all()
            chosen = [tuple(each) for each in names[: query.page_size]]
            found = _mappings(connection, key.in_(chosen)) if chosen else []
        token = make_token("mappings", *chosen[-1]) if len(names) > len(chosen) else ""
        return Page(tuple(found), token)

    def unmapped_skus(self, query: PlanQuery) -> Page[tuple[UnmappedSku, int]]:
        """List unmapped items by channel and item, with how many orders wait for each."""
        table = tables.unmapped_skus
        wanted = sa.select(table).order_by(*_key(table))
        if query.channel:
            wanted = wanted.where(table.c.channel == query.channel)
        if query.page_token:
            after = open_token("unmapped", query.page_token, str, str)
            wanted = wanted.where(sa.tuple_(*_key(table)) > sa.tuple_(*after))
        with self._snapshot() as connection:
            rows = connection.execute(wanted.limit(query.page_size + 1)).mappings().all()
            found = [unmapped_from(row) for row in rows[: query.page_size]]
            words = [waits_for_mapping(each.channel, each.channel_sku) for each in found]
            told = connection.execute(_WAITING, {"words": words})
            waiting = {row.word: int(row.waiting) for row in told}
        last = found[-1] if len(rows) > len(found) else None
        token = make_token("unmapped", last.channel, last.channel_sku) if last else ""
        counts = [waiting[word] for word in words]
        return Page(tuple(zip(found, counts, strict=True)), token)

    def articles(self, query: PlanQuery, *, at: datetime) -> Page[tuple[Article, Supply]]:
        """List articles with a safety level by name; or raise `CursorInvalidError`."""
        table = tables.articles
        wanted = sa.select(table).where(table.c.safety_level > 0).order_by(table.c.sku)
        if query.sku:
            wanted = wanted.where(table.c.sku == query.sku)
        if query.is_red:
            wanted = wanted.where(table.c.red_since.is_not(None))
        if query.page_token:
            (after,) = open_token("articles", query.page_token, str)
            wanted = wanted.where(table.c.sku > after)
        with self._snapshot() as connection:
            rows = connection.execute(wanted.limit(query.page_size + 1)).mappings().all()
            found = [article_from(row) for row in rows[: query.page_size]]
            supply = supply_of(connection, [each.sku for each in found], at=at)
        token = make_token("articles", found[-1].sku) if len(rows) > len(found) else ""
        return Page(tuple((each, supply[each.sku]) for each in found), token)

    def plan(self, plan_id: str) -> PurchasePlan:
        """Return a plan, or raise `PurchasePlanNotFoundError`."""
        table = tables.purchase_plans
        with self._snapshot() as connection:
            wanted = sa.select(table).where(table.c.plan_id == plan_id)
            row = connection.execute(wanted).mappings().first()
        if row is None:
            raise PurchasePlanNotFoundError(purchase_plan=plan_id)
        return plan_from(row)

    def plans(self, query: PlanQuery) -> Page[PurchasePlan]:
        """List plans, the next to come first; or raise `CursorInvalidError`."""
        table = tables.purchase_plans
        wanted = sa.select(table).order_by(table.c.expected_at, table.c.plan_id)
        if query.sku:
            wanted = wanted.where(table.c.sku == query.sku)
        if query.state:
            wanted = wanted.where(table.c.state == query.state.value)
        if query.page_token:
            after = open_token("plans", query.page_token, datetime, str)
            key = sa.tuple_(table.c.expected_at, table.c.plan_id)
            wanted = wanted.where(key > sa.tuple_(*map(sa.literal, after)))
        with self._snapshot() as connection:
            rows = connection.execute(wanted.limit(query.page_size + 1)).mappings().all()
        found = [plan_from(row) for row in rows[: query.page_size]]
        last = found[-1] if len(rows) > len(found) else None
        token = make_token("plans", to_text(last.expected_at), last.plan_id) if last else ""
        return Page(tuple(found), token)

    def allocation(self, sku: str) -> tuple[Allocation | None, Shelves]:
        """Return how an article is divided, and what lies of it."""
        with self._snapshot() as connection:
            divided = _allocations(connection, [sku])
            shelves = shelves_of(connection, [sku])
        return divided.get(sku), shelves.get(sku, Shelves(0, 0))

    def level(self, channel: str, channel_sku: str) -> Level:
        """Return what a channel may still sell of an item, or raise `SkuMappingNotFoundError`."""
        table = tables.sku_mappings
        named = sa.and_(table.c.channel == channel, table.c.channel_sku == channel_sku)
        with self._snapshot() as connection:
            is_mapped = bool(_mappings(connection, named))
            (found,) = _levels(connection, channel, [channel_sku])
        if found.sellable is None and not is_mapped:
            raise SkuMappingNotFoundError(channel=channel, channel_sku=channel_sku)
        return found

    def levels(self, query: PlanQuery) -> Page[Level]:
        """List what a channel may still sell of its items, by item."""
        values = {"channel": query.channel, "sku": query.sku, "most": query.page_size + 1}
        after = open_token("levels", query.page_token, str)[0] if query.page_token else ""
        with self._snapshot() as connection:
            names = [row.item for row in connection.execute(_ITEMS, {**values, "after": after})]
            items = names[: query.page_size]
            found = _levels(connection, query.channel, items)
        token = make_token("levels", items[-1]) if len(names) > len(items) else ""
        return Page(tuple(found), token)

    def oversales(self, query: PlanQuery) -> Page[Oversale]:
        """List oversales, newest first; or raise `CursorInvalidError`."""
        before: Sequence[Any] = (None, "", "")
        if query.page_token:
            before = open_token("oversales", query.page_token, datetime, str, str)
        names = ("before", "before_sku", "before_order")
        values = {"sku": query.sku, "named": CASES_NAMED, "most": query.page_size + 1}
        with self._snapshot() as connection:
            told = {**values, **dict(zip(names, before, strict=True))}
            rows = connection.execute(_OVERSALES, told).all()
        found = rows[: query.page_size]
        last = found[-1] if len(rows) > len(found) else None
        token = (
            make_token("oversales", to_text(last.found_at), last.sku, last.first_order)
            if last
            else ""
        )
        return Page(tuple(_oversale(row) for row in found), token)

    @contextmanager
    def _snapshot(self) -> Iterator[sa.Connection]:
        with translated(), self._engine.connect() as connection:
            begin_snapshot(connection)
            yield connection


def _key(table: sa.Table) -> tuple[sa.Column[Any], sa.Column[Any]]:
    return table.c.channel, table.c.channel_sku


def _mappings(connection: sa.Connection, where: sa.ColumnElement[bool]) -> list[SkuMapping]:
    """Return mappings by channel and item."""
    table = tables.sku_mappings
    grouped = defaultdict(list)
    rows = connection.execute(sa.select(table).where(where).order_by(*_key(table))).mappings()
    for row in rows:
        grouped[row["channel"], row["channel_sku"]].append(row)
    return [mapping_from(each) for each in grouped.values()]


def _levels(connection: sa.Connection, channel: str, items: Sequence[str]) -> list[Level]:
    """Return what a channel may still sell of items; one without mapping is an article's name."""
    table = tables.sku_mappings
    known = _mappings(
        connection, sa.and_(table.c.channel == channel, table.c.channel_sku.in_(items))
    )
    mapped = {each.channel_sku: each.parts for each in known}
    wanted = {each: mapped.get(each, ((each, 1),)) for each in items}
    skus = sorted({sku for parts in wanted.values() for sku, _ in parts})
    shelves, allocations = shelves_of(connection, skus), _allocations(connection, skus)
    return [level_of(channel, item, parts, shelves, allocations) for item, parts in wanted.items()]


def _allocations(connection: sa.Connection, skus: Sequence[str]) -> dict[str, Allocation]:
    table = tables.allocations
    wanted = sa.select(table).where(table.c.sku.in_(list(skus))).order_by(table.c.sku)
    return {each.sku: each for each in allocations_of(connection, wanted)}


def _oversale(row: Any) -> Oversale:  # noqa: ANN401  # a row
    return Oversale(
        sku=row.sku,
        channel=row.channel,
        orders=row.orders,
        pieces=int(row.pieces),
        late=timedelta(seconds=row.late_s),
        found_at=row.found_at,
        told_at=row.told_at,
        cases=tuple(row.cases),
    )
