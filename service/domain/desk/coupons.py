"""Coupons: what a customer is given for waiting, each once, as the ledger keeps it."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from service.domain.money import Money

# 60 bits: among a million coupons two share a code once in two million installations. What a key
# holds of a batch or a case is random, so that nobody guesses codes.
CODE_LETTERS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponAsked:
    """That a customer be given a coupon, once: the same `key` again gives the same coupon."""

    key: str
    customer: str
    order_id: str
    # Which kind it is, as the shop knows it: `delay_10`.
    template: str
    amount: Money
    valid_days: int = 30
    batch_id: str = ""
    case_id: str = ""


@dataclass(frozen=True, slots=True)
class Coupon:
    """A coupon that was given."""

    asked: CouponAsked
    code: str
    issued_at: datetime

    @property
    def expires_at(self) -> datetime:
        """Until when it is worth anything."""
        return self.issued_at + timedelta(days=self.asked.valid_days)


def coupon_for(asked: CouponAsked, *, at: datetime) -> Coupon:
    """Return the one coupon of a key."""
    digest = base64.b32encode(hashlib.sha256(f"coupon|{asked.key}".encode()).digest()).decode()
    return Coupon(asked, digest[:CODE_LETTERS], at)
