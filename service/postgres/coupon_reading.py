"""Reads where coupons were used, and where they were given."""

from typing import Any

import sqlalchemy as sa

from service.application.pages import Page
from service.application.people_reading import CouponQuery, CouponUse
from service.postgres.batch_tables import coupons
from service.postgres.newest_first import NewestFirst
from service.postgres.people_tables import buyers, coupon_uses, customer_orders
from service.postgres.tables import orders


def uses_of_coupons(connection: sa.Connection, query: CouponQuery) -> Page[CouponUse]:
    """List uses of coupons, newest first; or raise `CursorInvalidError`."""
    inner = _joined().subquery()
    listed = sa.select(inner)
    if query.customer_id:
        listed = listed.where(inner.c.customer_id == query.customer_id)
    if query.code:
        listed = listed.where(inner.c.code == query.code)
    if query.is_cross_shop:
        listed = listed.where(inner.c.cross_shop)
    newest = NewestFirst("coupon_uses", inner.c.used_at, (inner.c.order_id, inner.c.code))
    rows = connection.execute(newest.asked(listed, query.page_size, query.page_token)).all()
    told, token = newest.cut(rows, query.page_size)
    return Page(tuple(map(_use, told)), token)


def _joined() -> sa.Select[Any]:
    """Return each use with the shop where it was used, and the shop that gave the coupon.

    A shop is a channel's: two of the same name at two channels are two. Where either name is
    unknown, only another channel says that it is another shop.
    """
    used, buyer = customer_orders.alias("used"), buyers.alias("buyer")
    paid, for_order = orders.alias("paid"), orders.alias("for_order")
    given, giver = customer_orders.alias("given"), buyers.alias("giver")
    shop, given_shop = used.c.shop, sa.func.coalesce(given.c.shop, "")
    other_shop = sa.and_(shop != "", given_shop != "", shop != given_shop)
    cross = sa.or_(paid.c.channel != for_order.c.channel, other_shop)
    return (
        sa.select(
            coupon_uses.c.code,
            coupon_uses.c.order_id,
            coupon_uses.c.used_at,
            buyer.c.customer_id,
            paid.c.channel,
            shop,
            sa.func.coalesce(coupons.c.order_id, "").label("given_for"),
            sa.func.coalesce(for_order.c.channel, "").label("given_channel"),
            given_shop.label("given_shop"),
            sa.func.coalesce(cross, sa.false()).label("cross_shop"),
            sa.func.coalesce(giver.c.customer_id != buyer.c.customer_id, sa.false()).label(
                "other_customer"
            ),
        )
        .join(used, used.c.order_id == coupon_uses.c.order_id)
        .join(buyer, buyer.c.buyer_id == used.c.buyer_id)
        .join(paid, paid.c.order_id == coupon_uses.c.order_id)
        .outerjoin(coupons, coupons.c.code == coupon_uses.c.code)
        .outerjoin(for_order, for_order.c.order_id == coupons.c.order_id)
        .outerjoin(given, given.c.order_id == coupons.c.order_id)
        .outerjoin(giver, giver.c.buyer_id == given.c.buyer_id)
    )


def _use(row: Any) -> CouponUse:  # noqa: ANN401  # a row
    return CouponUse(
        code=row.code,
        order_id=row.order_id,
        customer_id=row.customer_id,
        channel=row.channel,
        shop=row.shop,
        used_at=row.used_at,
        given_for=row.given_for,
        given_channel=row.given_channel,
        given_shop=row.given_shop,
        is_cross_shop=row.cross_shop,
        is_other_customer=row.other_customer,
    )
