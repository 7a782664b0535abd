"""Reads the streams' view of customers' profiles."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from google.type.money_pb2 import Money as MoneyProto
from redis import Redis

from concord.customers.v1.profile_change_pb2 import CustomerProfile
from service.domain.customers.profiles import Profile
from service.domain.money import exponent
from service.views import reading

_VIEW: Final = "concord:profiles"
_NANO_DIGITS: Final = 9
# Names that are asked for at a time, to go through all of them.
_SCAN: Final = 500


class RedisProfileView:
    """Implements `service.application.profiling.ProfileView`.

    Each profile says up to which change it goes, so whoever reads one knows whether it has all.
    """

    def __init__(self, redis: Redis) -> None:
        """Take the connection."""
        self._redis = redis

    def read(self, customers: Sequence[str]) -> Mapping[str, tuple[int, Profile]]:
        """Return profiles with the number of the last change in each; nothing for who has none."""
        if not customers:
            return {}
        with reading.incomplete_on_error():
            rows = cast("list[bytes | None]", self._redis.hmget(_VIEW, list(customers)))
            return {
                each: _profile(CustomerProfile.FromString(row))
                for each, row in zip(customers, rows, strict=True)
                if row is not None
            }

    def names(self) -> Iterator[list[str]]:
        """Iterate over all customers who have a profile."""
        cursor = 0
        while True:
            with reading.incomplete_on_error():
                told: Any = self._redis.hscan(_VIEW, cursor, count=_SCAN)
                cursor, rows = told
            if rows:
                yield [name.decode() for name in rows]
            if not cursor:
                return


def _profile(told: CustomerProfile) -> tuple[int, Profile]:
    return told.sequence, Profile(
        spent={x.sum.currency_code: (x.orders, _minor(x.sum)) for x in told.spent},
        places={(x.channel, x.shop): (x.orders, x.returned) for x in told.places},
        categories={x.category: x.orders for x in told.categories},
        days={x.day: (x.orders, x.returned) for x in told.days},
    )


def _minor(amount: MoneyProto) -> int:
    digits = exponent(amount.currency_code)
    minor: int = amount.units * 10**digits + amount.nanos // 10 ** (_NANO_DIGITS - digits)
    return minor
