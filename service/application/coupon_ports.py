"""What gives coupons within a transaction, as a Protocol of plain values."""

from datetime import datetime
from typing import Protocol

from service.domain.desk.coupons import Coupon, CouponAsked

__all__ = ["Coupon", "CouponAsked", "CouponPart"]


class CouponPart(Protocol):
    """The part of a transaction that knows coupons. Their locks come after all but notices'."""

    def issue_coupon(self, asked: CouponAsked, *, at: datetime) -> Coupon:
        """Give a coupon, each key once ever; whoever asks twice gets the first one."""
