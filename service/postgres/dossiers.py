"""Finds and locks orders: references first, then orders, each sorted, so that nobody deadlocks."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from service.domain.cases import SETTLED, Case, CaseState
from service.domain.closing import MONEY, orphan_case_id
from service.domain.deciding import Dossier
from service.domain.facts import Fact, OrderRef, Outcome
from service.postgres import bulk, driver, tables
from service.postgres.case_values import case_from
from service.postgres.rows import fact_from, fact_row, order_from

_NAME: Final = ("namespace", "value")
_LOCK_REFS: Final = (
    "SELECT namespace, value, order_id FROM order_refs"  # noqa: S608  # names of our own tables
    f" JOIN {bulk.told(tables.order_refs, _NAME)} USING (namespace, value)"
    " ORDER BY namespace, value FOR UPDATE OF order_refs"
)
_PARKED: Final = (
    "SELECT facts.* FROM facts"  # noqa: S608  # names of our own tables
    f" JOIN {bulk.told(tables.order_refs, _NAME)} USING (namespace, value)"
    " WHERE facts.order_id IS NULL"
)
_ORDERS: Final = "SELECT * FROM orders WHERE order_id = ANY(%(orders)s) ORDER BY order_id"
READ: Final = _ORDERS
_OPEN: Final = f"{_ORDERS} FOR UPDATE"
_OPEN_FREE: Final = f"{_ORDERS} FOR UPDATE SKIP LOCKED"
_FACTS: Final = "SELECT * FROM facts WHERE order_id = ANY(%(orders)s)"
# What the facts settled they may open again.
_CASES: Final = (
    "SELECT * FROM cases WHERE order_id = ANY(%(orders)s)"  # noqa: S608  # our own words
    f" AND (state <> '{CaseState.RESOLVED.value}' OR outcome = '{SETTLED}')"
)


class Dossiers:
    """The part of a transaction that reads what a decision needs."""

    _connection: sa.Connection
    _opening = _OPEN

    def lock_refs(self, refs: Sequence[OrderRef]) -> dict[OrderRef, str | None]:
        """Lock references, inserting unknown ones, and return whose they are."""
        wanted = _names(sorted(set(refs)))
        bulk.insert(self._connection, tables.order_refs, wanted, then="ON CONFLICT DO NOTHING")
        rows = driver.rows(self._connection, _LOCK_REFS, {"rows": bulk.document(wanted)})
        return {OrderRef(namespace, value): order_id for namespace, value, order_id in rows}

    def own_refs(self, owners: Mapping[OrderRef, str]) -> None:
        """Write down whose the (locked) references are."""
        bulk.upsert(
            self._connection,
            tables.order_refs,
            [
                {**name, "order_id": owners[ref]}
                for ref, name in zip(owners, _names(owners), strict=True)
            ],
        )

    def open_dossiers(self, order_ids: Sequence[str]) -> dict[str, Dossier]:
        """Lock orders and return all that is known of them."""
        ids = sorted(set(order_ids))
        found = self._dossiers(self._opening, ids)
        return {each: found.get(each) or Dossier(each) for each in ids}

    def free_dossiers(self, order_ids: Sequence[str]) -> dict[str, Dossier]:
        """Lock those orders that nobody else has locked; return all that is known of them."""
        return self._dossiers(_OPEN_FREE, sorted(set(order_ids)))

    def parked(self, refs: Sequence[OrderRef]) -> dict[OrderRef, tuple[Fact, ...]]:
        """Return the facts that wait under these references."""
        wanted = {"rows": bulk.document(_names(refs))}
        rows = driver.named(self._connection, _PARKED, wanted)
        found: dict[OrderRef, list[Fact]] = defaultdict(list)
        for row in rows:
            fact = fact_from(row)
            found[fact.ref].append(fact)
        return {ref: tuple(each) for ref, each in found.items()}

    def park(self, facts: Sequence[Fact], *, at: datetime) -> None:  # facts carry it
        """Keep facts whose order nobody has told of."""
        bulk.insert(
            self._connection,
            tables.facts,
            [fact_row(each, None, Outcome.EARLY) for each in facts],
            then="ON CONFLICT DO NOTHING",
        )

    def orphans(self, before: datetime, *, most: int) -> list[OrderRef]:
        """Return names under which money waits since before then, and no case tells of it."""
        table, cases = tables.facts, tables.cases
        name = table.c.namespace + "/" + table.c.value
        rows = self._connection.execute(
            sa.select(table.c.namespace, table.c.value)
            .where(
                table.c.order_id.is_(None),
                table.c.kind.in_(MONEY),
                table.c.recorded_at < before,
                ~sa.exists().where(cases.c.subject == name),
            )
            .distinct()
            .limit(most)
        )
        return sorted(OrderRef(row.namespace, row.value) for row in rows)

    def orphan_cases(self, refs: Sequence[OrderRef]) -> dict[OrderRef, Case]:
        """Return the open cases of money that waited for its order under these names."""
        ids = {orphan_case_id(ref): ref for ref in refs}
        table = tables.cases
        rows = self._connection.execute(
            sa.select(table)
            .where(table.c.case_id.in_(ids), table.c.state != CaseState.RESOLVED.value)
            .with_for_update()
        ).mappings()
        return {ids[row["case_id"]]: case_from(row) for row in rows}

    def _dossiers(self, opening: str, ids: Sequence[str]) -> dict[str, Dossier]:
        if not ids:
            return {}
        rows = driver.named(self._connection, opening, {"orders": ids})
        orders = {row["order_id"]: order_from(row) for row in rows}
        facts: dict[str, list[Fact]] = defaultdict(list)
        cases: dict[str, list[Case]] = defaultdict(list)
        if orders:
            wanted = {"orders": list(orders)}
            for row in driver.named(self._connection, _FACTS, wanted):
                facts[row["order_id"]].append(fact_from(row))
            for row in driver.named(self._connection, _CASES, wanted):
                cases[row["order_id"]].append(case_from(row))
        return {
            name: Dossier(name, order, tuple(facts[name]), tuple(cases[name]))
            for name, order in orders.items()
        }


def _names(refs: Iterable[OrderRef]) -> list[dict[str, Any]]:
    return [{"namespace": each.namespace, "value": each.value} for each in refs]
