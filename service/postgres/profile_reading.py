"""Counts profiles from the orders, without locks."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

import sqlalchemy as sa

from service.domain.customers.profiles import Bought, Profile, profile_of
from service.postgres.engine import begin_snapshot
from service.postgres.people_tables import buyers, profile_events
from service.postgres.profile_rows import COUNTED, COUNTS, bought_from
from service.postgres.translating import translated

_THEIRS: Final = sa.text(f"{COUNTED} WHERE b.customer_id = ANY(:customers) AND {COUNTS}")


class PostgresProfiles:
    """Implements `service.application.profiling.CountedProfiles`."""

    def __init__(self, engine: sa.Engine) -> None:
        """Take the engine."""
        self._engine = engine

    def after(self, customer_id: str, *, most: int) -> list[str]:
        """Return customers by name, from behind this one."""
        wanted = sa.select(buyers.c.customer_id).distinct().order_by(buyers.c.customer_id)
        wanted = wanted.where(buyers.c.customer_id > customer_id).limit(most)
        with translated(), self._engine.connect() as connection:
            return list(connection.execute(wanted).scalars())

    def count(self, customers: Sequence[str]) -> Mapping[str, Profile]:
        """Return what the orders of these customers come to."""
        with translated(), self._engine.connect() as connection:
            begin_snapshot(connection)
            return counted_profiles(connection, customers)


def counted_profiles(connection: sa.Connection, customers: Sequence[str]) -> Mapping[str, Profile]:
    """Return what the orders of these customers come to."""
    bought: dict[str, list[Bought]] = defaultdict(list)
    rows = connection.execute(_THEIRS, {"customers": list(customers)}).mappings()
    for each in map(bought_from, rows):
        bought[each.customer_id].append(each)
    return {customer: profile_of(theirs) for customer, theirs in bought.items()}


def last_told(connection: sa.Connection, customer_id: str) -> int:
    """Return the number of the last change of a customer's profile that was told."""
    newest = sa.select(sa.func.coalesce(sa.func.max(profile_events.c.n), 0))
    found = connection.execute(newest.where(profile_events.c.customer_id == customer_id))
    return int(found.scalar_one())
