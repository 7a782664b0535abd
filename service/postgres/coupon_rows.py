"""The ledger of coupons: given once for each key, and never changed."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from service.domain.desk.coupons import Coupon, CouponAsked, coupon_for
from service.domain.money import Money
from service.postgres.batch_tables import coupons


class CouponRows:
    """The part of a transaction that knows coupons."""

    _connection: sa.Connection

    def issue_coupon(self, asked: CouponAsked, *, at: datetime) -> Coupon:
        """Give a coupon, each key once ever; whoever asks twice gets the first one."""
        coupon = coupon_for(asked, at=at)
        fresh = insert(coupons).values(_row(coupon)).on_conflict_do_nothing(index_elements=["key"])
        if self._connection.execute(fresh).rowcount:
            return coupon
        kept = sa.select(coupons).where(coupons.c.key == asked.key)
        return coupon_from(self._connection.execute(kept).mappings().one())


def coupon_from(row: Any) -> Coupon:  # noqa: ANN401  # a row mapping
    """Return columns as a coupon."""
    return Coupon(
        CouponAsked(
            key=row["key"],
            customer=row["customer"],
            order_id=row["order_id"],
            template=row["template"],
            amount=Money(row["amount_minor"], row["currency"]),
            valid_days=row["valid_days"],
            batch_id=row["batch_id"],
            case_id=row["case_id"],
        ),
        row["code"],
        row["issued_at"],
    )


def _row(coupon: Coupon) -> dict[str, Any]:
    asked = coupon.asked
    return {
        "key": asked.key,
        "code": coupon.code,
        "customer": asked.customer,
        "order_id": asked.order_id,
        "template": asked.template,
        "amount_minor": asked.amount.minor,
        "currency": asked.amount.currency,
        "valid_days": asked.valid_days,
        "batch_id": asked.batch_id,
        "case_id": asked.case_id,
        "issued_at": coupon.issued_at,
    }
