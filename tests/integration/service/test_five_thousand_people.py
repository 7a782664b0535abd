"""Five thousand people at five channels, through intake, PostgreSQL and the clockwork."""

from __future__ import annotations

import os
import random
from collections import defaultdict
from collections.abc import Mapping

import pytest
import sqlalchemy as sa

from service.application.knowing import Deciding, Knowing
from service.application.profiling import Profiling
from service.domain.customers.identity import Identity, IdentityKind
from service.domain.customers.people import MergeState, buyer_id_of
from service.domain.customers.profiles import Profile
from service.domain.facts import Fact, FactKind, OrderRef
from service.kafka.profile_encoding import ProtobufProfileEncoder
from service.postgres.people_tables import buyer_marks, buyers, customer_orders, merges
from service.postgres.profile_reading import PostgresProfiles
from tests.builders import NOON, a_fact
from tests.integration.service.world import Storing
from tests.people import PEOPLE, Purchase, matchable, pairs, purchases

pytestmark = [pytest.mark.long, pytest.mark.timeout(3_600)]

# Fewer where somebody only tries the test.
MANY = int(os.environ.get("CONCORD_TEST_PEOPLE", PEOPLE))
BATCH = 500
UNDONE = 200

State = tuple[Mapping[str, str], Mapping[str, str], Mapping[str, Profile]]


def test_five_thousand_people_are_told_apart_and_together_and_apart_again(
    storing: Storing, engine: sa.Engine
) -> None:
    dice = random.Random(7)  # noqa: S311  # a generator of people, not of secrets
    told = purchases(dice, MANY)
    for start in range(0, len(told), BATCH):
        storing.tell_each([each for one in told[start : start + BATCH] for each in _facts(one)])
    _work(storing)

    truth = {buyer_id_of(each.key, ""): each.person for each in told}
    owners, _, _ = before = _state(engine)
    assert owners.keys() == truth.keys()
    said = pairs((customer, buyer) for buyer, customer in owners.items())
    true = pairs((person, buyer) for buyer, person in truth.items())
    known = matchable(true, _marks(engine))
    assert len(known) > MANY
    assert len(said & true) / len(said) >= 0.99
    assert len(said & known) / len(known) >= 0.90
    _assert_no_mask_joined(engine)

    # Two who are not one become one by hand, and are exactly who they were when it is undone.
    ids = sorted(set(owners.values()))
    for one, other in (dice.sample(ids, 2) for _ in range(UNDONE)):
        merge = storing.storage.transact(
            lambda unit, one=one, other=other: Deciding(unit, "lin", NOON).merge(one, other, "why")
        )
        _undo(storing, merge.merge_id)
    _work(storing)
    assert _state(engine) == before

    # Whoever is taken apart in any order is alone with the own orders, and everybody else is not.
    chosen = set(dice.sample(ids, min(UNDONE, len(ids))))
    standing = _standing(engine, {each for each, owner in owners.items() if owner in chosen})
    dice.shuffle(standing)
    for each in standing:
        _undo(storing, each)
    _work(storing)
    after, orders, profiles = _state(engine)
    origins = _origins(engine)
    assert orders == before[1]
    for buyer, owner in owners.items():
        assert after[buyer] == (origins[buyer] if owner in chosen else owner)
    for customer in set(ids) - chosen:
        assert profiles.get(customer) == before[2].get(customer)


def _facts(purchase: Purchase) -> list[Fact]:
    ref = OrderRef(purchase.channel, purchase.key)
    made = a_fact(
        fact_id=f"made-{purchase.key}",
        ref=ref,
        source=purchase.channel,
        channel=purchase.channel,
        customer=purchase.key,
        account=f"{purchase.channel}-main",
        identities=purchase.marks,
    )
    if purchase.channel != "mini":
        return [made]
    # What is paid counts for profiles.
    kind = FactKind.PAYMENT_SUCCEEDED
    return [made, a_fact(kind, minute=1, fact_id=f"paid-{purchase.key}", ref=ref)]


def _work(storing: Storing) -> None:
    knowing = Knowing(storing.storage, storing.clock)
    profiling = Profiling(storing.storage, ProtobufProfileEncoder(), storing.clock)
    while knowing.look() + profiling.tell():
        pass


def _undo(storing: Storing, merge_id: str) -> None:
    storing.storage.transact(lambda unit: Deciding(unit, "lin", NOON).undo(merge_id, "two people"))


def _state(engine: sa.Engine) -> State:
    """Return whose each buyer is, whose each order, and what each customer's orders come to."""
    with engine.connect() as connection:
        owned = sa.select(buyers.c.buyer_id, buyers.c.customer_id)
        owners = {row.buyer_id: row.customer_id for row in connection.execute(owned)}
        placed = sa.select(customer_orders.c.order_id, customer_orders.c.buyer_id)
        orders = {row.order_id: row.buyer_id for row in connection.execute(placed)}
    return owners, orders, PostgresProfiles(engine).count(sorted(set(owners.values())))


def _origins(engine: sa.Engine) -> dict[str, str]:
    with engine.connect() as connection:
        found = connection.execute(sa.select(buyers.c.buyer_id, buyers.c.origin))
        return {row.buyer_id: row.origin for row in found}


def _marks(engine: sa.Engine) -> Mapping[str, list[Identity]]:
    told: dict[str, list[Identity]] = defaultdict(list)
    with engine.connect() as connection:
        for row in connection.execute(sa.select(buyer_marks)):
            told[row.buyer_id].append(Identity(IdentityKind(row.kind), row.digest))
    return told


def _standing(engine: sa.Engine, ends: set[str]) -> list[str]:
    wanted = sa.select(merges.c.merge_id, merges.c.buyer_one).where(
        merges.c.state == MergeState.MERGED.value
    )
    with engine.connect() as connection:
        found = connection.execute(wanted.order_by(merges.c.merge_id)).all()
    return [row.merge_id for row in found if row.buyer_one in ends]


def _assert_no_mask_joined(engine: sa.Engine) -> None:
    wanted = sa.select(merges.c.evidence).where(merges.c.state == MergeState.MERGED.value)
    with engine.connect() as connection:
        found = list(connection.execute(wanted).scalars())
    assert found
    # A name says something only beside one of these.
    proving = ("PHONE_", "MAIL_", "PLATFORM_")
    for evidence in found:
        assert any(kind.startswith(proving) and digest for kind, _, digest in evidence)
