"""Reads customers for callers, without locks."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from service.application.insights import ViewIncompleteError
from service.application.pages import Page
from service.application.people_reading import (
    Bought,
    CouponQuery,
    CouponUse,
    CustomerQuery,
    CustomerView,
    MergeQuery,
    Numbers,
    Returned,
    ReturnQuery,
    numbers_of,
)
from service.application.profiling import ProfileView
from service.domain.customers.errors import CustomerNotFoundError, MergeNotFoundError
from service.domain.customers.identity import Identity, IdentityKind
from service.domain.customers.people import Buyer, Merge, buyer_id_of
from service.domain.customers.profiles import Profile, day_of
from service.domain.money import Money
from service.postgres.coupon_reading import uses_of_coupons
from service.postgres.engine import begin_snapshot
from service.postgres.newest_first import NewestFirst
from service.postgres.people_rows import merge_from
from service.postgres.people_tables import buyer_marks, buyers, customer_orders, merges
from service.postgres.profile_reading import counted_profiles, last_told
from service.postgres.tables import facts, orders
from service.postgres.translating import translated

MERGES_MOST: Final = 500
_RETURNED: Final = orders.c.refunded_minor > 0


class PostgresPeopleReader:
    """Implements `service.application.people_reading.PeopleReader`."""

    def __init__(self, engine: sa.Engine, view: ProfileView | None = None) -> None:
        """Take the engine, and the view of the profiles that the streams keep."""
        self._engine = engine
        self._view = view

    def customer(self, customer_id: str, *, now: datetime) -> CustomerView:
        """Return a customer, or raise `CustomerNotFoundError`."""
        viewed = self._viewed(customer_id)
        with translated(), self._engine.connect() as connection:
            begin_snapshot(connection)
            into = _belongs(connection, customer_id)
            if into != customer_id:
                return CustomerView(customer_id, (), {}, merged_into=into)
            (view,) = _views(connection, [customer_id])
            ids = [each.buyer_id for each in view.buyers]
            joined = sa.or_(merges.c.buyer_one.in_(ids), merges.c.buyer_other.in_(ids))
            wanted = (
                sa.select(merges).where(joined).order_by(merges.c.created_at, merges.c.merge_id)
            )
            found = connection.execute(wanted.limit(MERGES_MOST)).mappings()
            told = tuple(merge_from(row) for row in found)
            numbers = self._numbers(connection, customer_id, viewed, day_of(now))
        return CustomerView(customer_id, view.buyers, view.orders, "", numbers, told)

    def _viewed(self, customer_id: str) -> tuple[int, Profile] | None:
        if self._view is None:
            return None
        try:
            return self._view.read([customer_id]).get(customer_id)
        except ViewIncompleteError:
            # The orders know the same, slower.
            return None

    def _numbers(
        self,
        connection: sa.Connection,
        customer_id: str,
        viewed: tuple[int, Profile] | None,
        today: int,
    ) -> Numbers:
        """Return the numbers of the view where it has all that was told, else of the orders."""
        if viewed is not None and viewed[0] == last_told(connection, customer_id):
            return numbers_of(viewed[1], today, is_from_view=True)
        counted = counted_profiles(connection, [customer_id])
        return numbers_of(counted.get(customer_id, Profile()), today)

    def customers(self, query: CustomerQuery) -> Page[CustomerView]:
        """List customers, newest first; or raise `CursorInvalidError`."""
        newest = NewestFirst("customers", buyers.c.first_seen_at, (buyers.c.origin,))
        # A customer has the name of the buyer that was seen first.
        wanted = sa.select(buyers.c.first_seen_at, buyers.c.origin).where(
            buyers.c.origin == buyers.c.customer_id
        )
        if query.key or query.order_id:
            theirs = sa.select(buyers.c.customer_id)
            if query.key:
                # An account is one buyer, whose id is made of it: no list is gone through.
                theirs = theirs.where(buyers.c.buyer_id == buyer_id_of(query.key, ""))
            if query.order_id:
                whose = sa.select(customer_orders.c.buyer_id)
                whose = whose.where(customer_orders.c.order_id == query.order_id)
                theirs = theirs.where(buyers.c.buyer_id.in_(whose))
            wanted = wanted.where(buyers.c.customer_id.in_(theirs))
        wanted = newest.asked(wanted, query.page_size, query.page_token)
        with translated(), self._engine.connect() as connection:
            begin_snapshot(connection)
            rows = connection.execute(wanted).all()
            found, token = newest.cut(rows, query.page_size)
            views = _views(connection, [row.origin for row in found])
        return Page(tuple(views), token)

    def orders(self, customer_id: str, *, page_size: int, page_token: str) -> Page[Bought]:
        """List a customer's orders, newest first; or raise `CustomerNotFoundError`."""
        newest = NewestFirst("bought", orders.c.placed_at, (orders.c.order_id,))
        columns = (orders.c.order_id, orders.c.channel, orders.c.placed_at, orders.c.currency,
                   orders.c.total_minor, _RETURNED.label("returned"))  # fmt: skip
        with translated(), self._engine.connect() as connection:
            begin_snapshot(connection)
            whose = _belongs(connection, customer_id)
            wanted = (
                sa.select(*columns, customer_orders.c.buyer_id, customer_orders.c.shop)
                .join(customer_orders, customer_orders.c.order_id == orders.c.order_id)
                .join(buyers, buyers.c.buyer_id == customer_orders.c.buyer_id)
                .where(buyers.c.customer_id == whose)
            )
            rows = connection.execute(newest.asked(wanted, page_size, page_token)).all()
        page, token = newest.cut(rows, page_size)
        found = tuple(
            Bought(
                row.order_id,
                row.buyer_id,
                row.channel,
                row.shop,
                Money(row.total_minor, row.currency),
                row.placed_at,
                row.returned,
            )
            for row in page
        )
        return Page(found, token)

    def merge(self, merge_id: str) -> Merge:
        """Return a merge, or raise `MergeNotFoundError`."""
        wanted = sa.select(merges).where(merges.c.merge_id == merge_id)
        with translated(), self._engine.connect() as connection:
            row = connection.execute(wanted).mappings().first()
        if row is None:
            raise MergeNotFoundError(merge=merge_id)
        return merge_from(row)

    def merges(self, query: MergeQuery) -> Page[Merge]:
        """List merges, newest first; or raise `CursorInvalidError`."""
        newest = NewestFirst("merges", merges.c.created_at, (merges.c.merge_id,))
        wanted = sa.select(merges)
        if query.states:
            wanted = wanted.where(merges.c.state.in_([each.value for each in query.states]))
        if query.customer_id:
            own = sa.select(buyers.c.buyer_id).where(buyers.c.customer_id == query.customer_id)
            wanted = wanted.where(
                sa.or_(merges.c.buyer_one.in_(own), merges.c.buyer_other.in_(own))
            )
        wanted = newest.asked(wanted, query.page_size, query.page_token)
        with translated(), self._engine.connect() as connection:
            rows = connection.execute(wanted).mappings().all()
        found, token = newest.cut(rows, query.page_size)
        return Page(tuple(map(merge_from, found)), token)

    def coupon_uses(self, query: CouponQuery) -> Page[CouponUse]:
        """List uses of coupons, newest first; or raise `CursorInvalidError`."""
        with translated(), self._engine.connect() as connection:
            return uses_of_coupons(connection, query)

    def returns(self, query: ReturnQuery) -> Page[Returned]:
        """List returns, newest first; or raise `CursorInvalidError`."""
        whose = sa.func.coalesce(buyers.c.customer_id, "").label("customer_id")
        shop = sa.func.coalesce(customer_orders.c.shop, "").label("shop")
        wanted = (
            sa.select(facts, orders.c.channel.label("bought_at"), shop, whose)
            .join(orders, orders.c.order_id == facts.c.order_id)
            .outerjoin(customer_orders, customer_orders.c.order_id == facts.c.order_id)
            .outerjoin(buyers, buyers.c.buyer_id == customer_orders.c.buyer_id)
            .where(facts.c.kind == "REFUND_SUCCEEDED")
        )
        for column, value in (
            (buyers.c.customer_id, query.customer_id),
            (orders.c.channel, query.channel),
            (customer_orders.c.shop, query.shop),
        ):
            if value:
                wanted = wanted.where(column == value)
        newest = NewestFirst("returns", facts.c.occurred_at, (facts.c.fact_id,))
        wanted = newest.asked(wanted, query.page_size, query.page_token)
        with translated(), self._engine.connect() as connection:
            rows = connection.execute(wanted).all()
        told, token = newest.cut(rows, query.page_size)
        return Page(tuple(_returned(row) for row in told), token)


def _returned(row: Any) -> Returned:  # noqa: ANN401  # a row
    has_amount = row.amount_minor is not None
    return Returned(
        order_id=row.order_id,
        customer_id=row.customer_id,
        channel=row.bought_at,
        shop=row.shop,
        came_by=row.source,
        came_by_channel=row.channel,
        amount=Money(row.amount_minor, row.currency) if has_amount else None,
        voucher=row.voucher,
        at=row.occurred_at,
    )


def _belongs(connection: sa.Connection, customer_id: str) -> str:
    """Return who a customer is by now, or raise `CustomerNotFoundError`."""
    wanted = sa.select(buyers.c.customer_id).where(buyers.c.origin == customer_id)
    found = connection.execute(wanted).scalar()
    if found is None:
        raise CustomerNotFoundError(customer=customer_id)
    return str(found)


def _views(connection: sa.Connection, customers: Collection[str]) -> list[CustomerView]:
    wanted = sa.select(buyers).where(buyers.c.customer_id.in_(list(customers)))
    rows = connection.execute(wanted.order_by(buyers.c.first_seen_at, buyers.c.buyer_id)).all()
    ids = [row.buyer_id for row in rows]
    marked: dict[str, dict[Identity, int]] = defaultdict(dict)
    asked = sa.select(buyer_marks).where(buyer_marks.c.buyer_id.in_(ids))
    for each in connection.execute(asked.order_by(buyer_marks.c.kind, buyer_marks.c.digest)):
        marked[each.buyer_id][Identity(IdentityKind(each.kind), each.digest)] = each.orders
    counted = sa.select(customer_orders.c.buyer_id, sa.func.count().label("many"))
    counted = counted.where(customer_orders.c.buyer_id.in_(ids)).group_by(
        customer_orders.c.buyer_id
    )
    many = {each.buyer_id: each.many for each in connection.execute(counted)}
    members: dict[str, list[Buyer]] = defaultdict(list)
    for row in rows:
        told = Buyer(row.buyer_id, row.customer_id, row.channel, row.first_seen_at, row.key,
                     row.shop, marked.get(row.buyer_id, {}))  # fmt: skip
        members[row.customer_id].append(told)
    return [
        CustomerView(
            each,
            tuple(members[each]),
            {buyer.buyer_id: many.get(buyer.buyer_id, 0) for buyer in members[each]},
        )
        for each in customers
    ]
