"""Keeps buyers, by what they are known, and what joined them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from service.application.people_ports import SeenOrder
from service.domain.customers.book import Book, leads
from service.domain.customers.errors import CustomerNotFoundError, MergeNotFoundError
from service.domain.customers.identity import PROVING, Identity, IdentityKind
from service.domain.customers.people import Buyer, Evidence, Merge, MergeState
from service.postgres import bulk, driver
from service.postgres import people_tables as tables
from service.postgres.profile_rows import ProfileRows
from service.postgres.rows import identity_from

# Two-int advisory locks: ours are "peop" and this.
_LOCK: Final = {"space": 0x70656F70, "key": 1}
# Marks of so many buyers say nothing, and reading them all would hold everybody up.
CROWD: Final = 200
_QUEUE: Final = (
    "INSERT INTO people_queue (order_id, due_at)"
    " SELECT told.order_id, %(at)s FROM unnest(CAST(%(orders)s AS text[])) AS told(order_id)"
    " ORDER BY told.order_id"
    " ON CONFLICT (order_id) DO UPDATE SET asked = people_queue.asked + 1"
)
_SEEN: Final = sa.text(
    "SELECT q.order_id, q.asked, o.customer, o.channel, o.placed_at, told.marks, told.shop,"
    " k.buyer_id, k.marks AS known"
    " FROM (SELECT order_id, asked FROM people_queue WHERE due_at <= :now"
    "  ORDER BY due_at, order_id LIMIT :most) AS q"
    " JOIN orders AS o USING (order_id) LEFT JOIN customer_orders AS k USING (order_id)"
    " CROSS JOIN LATERAL (SELECT"
    "  coalesce(jsonb_agg(f.detail->'identities') FILTER (WHERE f.detail ? 'identities'), '[]')"
    "   AS marks,"
    "  coalesce(min(nullif(f.detail->>'account', '')), '') AS shop"
    "  FROM facts AS f WHERE f.order_id = q.order_id AND f.kind = 'ORDER_CREATED') AS told"
    " ORDER BY o.placed_at, q.order_id"
)
_BUYERS_AGAIN: Final = (
    "INSERT INTO people_queue (order_id, due_at)"
    " SELECT min(order_id), %(at)s FROM customer_orders WHERE buyer_id = ANY(%(buyers)s)"
    " GROUP BY buyer_id ORDER BY 1"
    " ON CONFLICT (order_id) DO UPDATE SET asked = people_queue.asked + 1"
)
_DONE: Final = (
    "DELETE FROM people_queue USING json_to_recordset(CAST(%(rows)s AS json))"
    " AS told(order_id text, asked int)"
    " WHERE people_queue.order_id = told.order_id AND people_queue.asked = told.asked"
)


# What a customer bought goes where the customer goes.
_MOVED: Final = (
    "INSERT INTO profile_queue (order_id)"
    " SELECT order_id FROM customer_orders WHERE buyer_id = ANY(%(buyers)s) ORDER BY 1"
)


# Of a crowd one more is read than is needed to know that it is one.
_BEARERS: Final = (
    "SELECT asked.kind, asked.digest, array_agg(near.buyer_id)"  # noqa: S608  # our own tables
    f" FROM (SELECT DISTINCT kind, digest FROM {bulk.told(tables.buyer_marks, ('kind', 'digest'))})"
    "  AS asked"
    " CROSS JOIN LATERAL (SELECT buyer_id FROM buyer_marks AS mark WHERE mark.digest <> ''"
    "  AND mark.digest = asked.digest AND mark.kind = asked.kind LIMIT %(crowd)s + 1) AS near"
    " GROUP BY asked.kind, asked.digest"
)


class PeopleRows(ProfileRows):
    """The part of a transaction that knows people."""

    _connection: sa.Connection

    def queue_people(self, order_ids: Sequence[str], *, at: datetime) -> None:
        """Let it be looked at whose these orders are."""
        if order_ids:
            driver.change(self._connection, _QUEUE, {"orders": list(order_ids), "at": at})

    def lock_people(self, *, wait: bool) -> bool:
        """Let nobody else decide who is who until the transaction is over; tell whether we may."""
        name = "pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock"
        row = self._connection.execute(sa.text(f"SELECT {name}(:space, :key)"), _LOCK).one()
        return wait or bool(row[0])

    def seen_orders(self, now: datetime, *, most: int) -> list[SeenOrder]:
        """Return orders that are to be looked at, longest waiting first."""
        rows = self._connection.execute(_SEEN, {"now": now, "most": most}).mappings()
        return [
            SeenOrder(
                order_id=row["order_id"],
                key=row["customer"],
                channel=row["channel"],
                shop=row["shop"],
                placed_at=row["placed_at"],
                marks=_marks(each for told in row["marks"] for each in told),
                asked=row["asked"],
                known_buyer=row["buyer_id"] or "",
                known_marks=_marks(row["known"] or ()),
            )
            for row in rows
        ]

    def open_book(self, buyers: Collection[str], marks: Collection[Identity]) -> Book:
        """Return these buyers and who has these marks, each with the whole customer it is."""
        own = self._marks_of(buyers)
        near = {*marks, *(mark for told in own.values() for mark in told)}
        found, crowded = self._bearers(leads(near))
        members = self._customer_rows(set(buyers) | found)
        told = self._marks_of(members)
        proving = {m for each in told.values() for m in each if m.kind in PROVING}
        others, more = self._bearers([each for each in proving - near if not each.is_masked])
        rest = others - members.keys()
        known = {**members, **self._buyer_rows(rest)}
        told |= self._marks_of(rest)
        everyone = {each: _buyer(row, told.get(each, {})) for each, row in known.items()}
        return Book(everyone, self._merges_among(members), frozenset(crowded | more))

    def save_book(self, book: Book) -> None:
        """Store what changed in a book."""
        changed = [book.buyers[each] for each in sorted(book.changed_buyers)]
        bulk.upsert(self._connection, tables.buyers, [_buyer_row(each) for each in changed])
        if changed:
            gone = sa.delete(tables.buyer_marks).where(
                tables.buyer_marks.c.buyer_id.in_([each.buyer_id for each in changed])
            )
            self._connection.execute(gone)
        bulk.insert(
            self._connection,
            tables.buyer_marks,
            [
                {"buyer_id": b.buyer_id, "kind": m.kind.value, "digest": m.digest, "orders": n}
                for b in changed
                for m, n in b.marks.items()
            ],
        )
        for merge in (book.merges[each] for each in sorted(book.changed_merges)):
            row = _merge_row(merge)
            fresh = insert(tables.merges).values(row)
            self._connection.execute(
                fresh.on_conflict_do_update(index_elements=["merge_id"], set_=row)
            )
        if book.moved_buyers:
            moved = {"buyers": sorted(book.moved_buyers)}
            driver.change(self._connection, _MOVED, moved)

    def keep_seen(self, seen: Sequence[tuple[SeenOrder, str]]) -> None:
        """Write down whose orders are, by their buyers, and take them off the queue."""
        rows = [
            {
                "order_id": order.order_id,
                "buyer_id": buyer,
                "shop": order.shop,
                "marks": sorted([each.kind.value, each.digest] for each in order.marks),
            }
            for order, buyer in seen
        ]
        bulk.upsert(self._connection, tables.customer_orders, rows)
        self.queue_profiles([order.order_id for order, _ in seen])
        done = bulk.document([{"order_id": o.order_id, "asked": o.asked} for o, _ in seen])
        driver.change(self._connection, _DONE, {"rows": done})

    def queue_buyers(self, buyers: Collection[str], *, at: datetime) -> None:
        """Let one order of each of these buyers be looked at."""
        driver.change(self._connection, _BUYERS_AGAIN, {"buyers": sorted(buyers), "at": at})

    def buyers_of(self, customer_id: str) -> list[str]:
        """Return the buyers of whoever that is by now, or raise `CustomerNotFoundError`."""
        table = tables.buyers
        now = sa.select(table.c.customer_id).where(table.c.origin == customer_id)
        wanted = (
            sa.select(table.c.buyer_id)
            .where(table.c.customer_id == now.scalar_subquery())
            .order_by(table.c.buyer_id)
        )
        found = list(self._connection.execute(wanted).scalars())
        if not found:
            raise CustomerNotFoundError(customer=customer_id)
        return found

    def merge_ends(self, merge_id: str) -> tuple[str, str]:
        """Return the buyers of a merge, or raise `MergeNotFoundError`."""
        table = tables.merges
        wanted = sa.select(table.c.buyer_one, table.c.buyer_other)
        row = self._connection.execute(wanted.where(table.c.merge_id == merge_id)).first()
        if row is None:
            raise MergeNotFoundError(merge=merge_id)
        return row.buyer_one, row.buyer_other

    def _bearers(self, marks: Collection[Identity]) -> tuple[set[str], set[Identity]]:
        """Return who has these marks, and which of them are of too many."""
        if not marks:
            return set(), set()
        told = [
            {"kind": each.kind.value, "digest": each.digest} for each in marks if not each.is_masked
        ]
        values = {"rows": bulk.document(told), "crowd": CROWD}
        found: set[str] = set()
        crowded: set[Identity] = set()
        for kind, digest, bearers in driver.rows(self._connection, _BEARERS, values):
            if len(bearers) > CROWD:
                crowded.add(Identity(IdentityKind(kind), digest))
            else:
                found.update(bearers)
        return found, crowded

    def _customer_rows(self, buyers: Collection[str]) -> dict[str, Any]:
        table = tables.buyers
        theirs = sa.select(table.c.customer_id).where(table.c.buyer_id.in_(sorted(buyers)))
        wanted = sa.select(table).where(table.c.customer_id.in_(theirs))
        return {row["buyer_id"]: row for row in self._connection.execute(wanted).mappings()}

    def _buyer_rows(self, buyers: Collection[str]) -> dict[str, Any]:
        table = tables.buyers
        wanted = sa.select(table).where(table.c.buyer_id.in_(sorted(buyers)))
        return {row["buyer_id"]: row for row in self._connection.execute(wanted).mappings()}

    def _marks_of(self, buyers: Collection[str]) -> dict[str, dict[Identity, int]]:
        table = tables.buyer_marks
        wanted = sa.select(table).where(table.c.buyer_id.in_(sorted(buyers)))
        found: dict[str, dict[Identity, int]] = defaultdict(dict)
        for row in self._connection.execute(wanted):
            found[row.buyer_id][Identity(IdentityKind(row.kind), row.digest)] = row.orders
        return dict(found)

    def _merges_among(self, buyers: Collection[str]) -> dict[str, Merge]:
        table, told = tables.merges, sorted(buyers)
        wanted = sa.select(table).where(
            sa.or_(table.c.buyer_one.in_(told), table.c.buyer_other.in_(told))
        )
        rows = self._connection.execute(wanted).mappings()
        return {row["merge_id"]: merge_from(row) for row in rows}


def merge_from(row: Any) -> Merge:  # noqa: ANN401  # a row mapping
    """Return columns as a merge."""
    return Merge(
        merge_id=row["merge_id"],
        state=MergeState(row["state"]),
        buyers=(row["buyer_one"], row["buyer_other"]),
        survivor=row["survivor"],
        absorbed=row["absorbed"],
        score=row["score"],
        evidence=tuple(Evidence(*each) for each in row["evidence"]),
        actor=row["actor"],
        created_at=row["created_at"],
        state_at=row["state_at"],
        reason=row["reason"],
    )


def _merge_row(merge: Merge) -> dict[str, Any]:
    return {
        "merge_id": merge.merge_id,
        "state": merge.state.value,
        "buyer_one": merge.buyers[0],
        "buyer_other": merge.buyers[1],
        "survivor": merge.survivor,
        "absorbed": merge.absorbed,
        "score": merge.score,
        "evidence": [[each.kind, each.weight, each.digest] for each in merge.evidence],
        "actor": merge.actor,
        "created_at": merge.created_at,
        "state_at": merge.state_at,
        "reason": merge.reason,
    }


def _buyer(row: Any, marks: dict[Identity, int]) -> Buyer:  # noqa: ANN401  # a row mapping
    return Buyer(
        buyer_id=row["buyer_id"],
        customer_id=row["customer_id"],
        channel=row["channel"],
        first_seen_at=row["first_seen_at"],
        key=row["key"],
        shop=row["shop"],
        marks=marks,
    )


def _buyer_row(buyer: Buyer) -> dict[str, Any]:
    return {
        "buyer_id": buyer.buyer_id,
        "origin": buyer.origin,
        "customer_id": buyer.customer_id,
        "key": buyer.key,
        "channel": buyer.channel,
        "shop": buyer.shop,
        "first_seen_at": buyer.first_seen_at,
    }


def _marks(told: Iterable[Any]) -> frozenset[Identity]:
    return frozenset(identity_from(each) for each in told)
