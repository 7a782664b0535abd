"""What callers may read of customers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from service.application.pages import Page
from service.domain.customers.people import Buyer, Merge, MergeState
from service.domain.customers.profiles import Profile
from service.domain.money import Money


@dataclass(frozen=True, slots=True)
class CustomerQuery:
    """Which customers to list."""

    page_size: int
    page_token: str = ""
    order_id: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class MergeQuery:
    """Which merges to list."""

    page_size: int
    page_token: str = ""
    states: tuple[MergeState, ...] = ()
    customer_id: str = ""


@dataclass(frozen=True, slots=True)
class ReturnQuery:
    """Which returns to list."""

    page_size: int
    page_token: str = ""
    customer_id: str = ""
    channel: str = ""
    shop: str = ""


@dataclass(frozen=True, slots=True)
class Bought:
    """One order of a customer."""

    order_id: str
    buyer_id: str
    channel: str
    shop: str
    total: Money
    placed_at: datetime
    is_returned: bool


@dataclass(frozen=True, slots=True)
class Returned:
    """Money that went back, with where it was bought and how it came."""

    order_id: str
    customer_id: str
    channel: str
    shop: str
    came_by: str
    came_by_channel: str
    amount: Money | None
    voucher: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Numbers:
    """A customer in numbers."""

    spent: tuple[tuple[int, Money], ...]
    # Channel, shop, orders, of these with money back.
    places: tuple[tuple[str, str, int, int], ...]
    orders_90d: int
    returned_90d: int
    categories: tuple[tuple[str, int], ...] = ()
    is_from_view: bool = False


@dataclass(frozen=True, slots=True)
class CouponQuery:
    """Which uses of coupons to list."""

    page_size: int
    page_token: str = ""
    customer_id: str = ""
    code: str = ""
    is_cross_shop: bool = False


@dataclass(frozen=True, slots=True)
class CouponUse:
    """One coupon on one order; what gave it is empty where Concord did not."""

    code: str
    order_id: str
    customer_id: str
    channel: str
    shop: str
    used_at: datetime
    given_for: str = ""
    given_channel: str = ""
    given_shop: str = ""
    is_cross_shop: bool = False
    is_other_customer: bool = False


def numbers_of(profile: Profile, today: int, *, is_from_view: bool = False) -> Numbers:
    """Return a profile as it is shown on a day."""
    orders_90d, returned_90d = profile.lately(today)
    return Numbers(
        spent=tuple(
            (many, Money(total, currency))
            for currency, (many, total) in sorted(profile.spent.items())
        ),
        places=tuple(
            (channel, shop, many, back)
            for (channel, shop), (many, back) in sorted(profile.places.items())
        ),
        orders_90d=orders_90d,
        returned_90d=returned_90d,
        categories=tuple(sorted(profile.categories.items())),
        is_from_view=is_from_view,
    )


@dataclass(frozen=True, slots=True)
class CustomerView:
    """A customer; `numbers` and `merges` only where it is asked for alone."""

    customer_id: str
    buyers: tuple[Buyer, ...]
    orders: Mapping[str, int]
    merged_into: str = ""
    numbers: Numbers | None = None
    merges: tuple[Merge, ...] = ()


class PeopleReader(Protocol):
    """Reads customers, without locks."""

    def customer(self, customer_id: str, *, now: datetime) -> CustomerView:
        """Return a customer, or raise `CustomerNotFoundError`."""

    def customers(self, query: CustomerQuery) -> Page[CustomerView]:
        """List customers, newest first; or raise `CursorInvalidError`."""

    def orders(self, customer_id: str, *, page_size: int, page_token: str) -> Page[Bought]:
        """List a customer's orders, newest first; or raise `CustomerNotFoundError`."""

    def merge(self, merge_id: str) -> Merge:
        """Return a merge, or raise `MergeNotFoundError`."""

    def merges(self, query: MergeQuery) -> Page[Merge]:
        """List merges, newest first; or raise `CursorInvalidError`."""

    def coupon_uses(self, query: CouponQuery) -> Page[CouponUse]:
        """List uses of coupons, newest first; or raise `CursorInvalidError`."""

    def returns(self, query: ReturnQuery) -> Page[Returned]:
        """List returns, newest first; or raise `CursorInvalidError`."""
