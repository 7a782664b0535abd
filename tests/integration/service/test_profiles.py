"""Profiles: what the streams make of what the service tells is what the orders say, at any time."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from concord.customers.v1 import customer_service_pb2 as pb
from concord.customers.v1 import customer_service_pb2_grpc
from concord.customers.v1.profile_change_pb2 import ProfileChange
from concord.customers.v1.profile_pb2 import Profile
from deploy.local.stack import EmbeddedServers
from service.application.knowing import Knowing
from service.application.outbox import Stream
from service.application.profiling import ProfilesVerified, ProfileVerifier, Profiling
from service.application.weighing import order_id_for
from service.domain.customers.identity import Identity, IdentityKind
from service.domain.desk.coupons import CouponAsked
from service.domain.facts import Fact, FactKind, OrderRef
from service.domain.money import Money
from service.kafka.profile_encoding import ProtobufProfileEncoder
from service.postgres.outbox_history import begin_life
from service.postgres.people_reading import PostgresPeopleReader
from service.postgres.profile_reading import PostgresProfiles
from service.rpc.customer_answers import customer_message
from service.views.connection import PATIENT_TIMEOUT_S, connect
from service.views.profiles import RedisProfileView
from streams import views
from streams.decoding import profile_record
from streams.logic.profiles import Kept, Profiles
from streams.rule_files import load_person_rules
from streams.topics import topic_of
from tests.builders import NOON, a_fact
from tests.integration.service.batch_world import identity
from tests.integration.service.world import Service, Storing

TOPIC = topic_of(ProfileChange)
RULES = load_person_rules()


@dataclass
class Rows:
    kept: dict[bytes, bytes] = field(default_factory=dict)

    def get(self, key: bytes) -> bytes | None:
        return self.kept.get(key)

    def items(self) -> list[tuple[bytes, bytes]]:
        return list(self.kept.items())


@dataclass
class Shop:
    """Who buys, the service that tells of it, and the streams that listen."""

    storing: Storing
    stub: customer_service_pb2_grpc.CustomerServiceStub
    redis_url: str
    engine: sa.Engine
    rows: Rows = field(default_factory=Rows)
    read_to: int = 0

    def buys(
        self, channel: str, phone: str = "", *, yuan: int = 10, days_ago: int = 0,
        categories: tuple[str, ...] = (), coupons: tuple[str, ...] = (), paid: bool = True,
    ) -> OrderRef:  # fmt: skip
        run = uuid.uuid4().hex
        ref, at = OrderRef(channel, run), NOON - timedelta(days=days_ago)
        made = a_fact(
            fact_id=f"{run}-made",
            ref=ref,
            source=channel,
            channel=channel,
            occurred_at=at,
            amount=Money(yuan * 100, "CNY"),
            customer=f"c-{run}",
            account=f"{channel}-main",
            identities=(Identity(IdentityKind.PHONE, phone),) if phone else (),
            categories=categories,
            coupons=coupons,
        )
        self.storing.tell(made)
        if paid:
            self.pays(ref, yuan)
        return ref

    def pays(self, ref: OrderRef, yuan: int = 10) -> None:
        self._money(FactKind.PAYMENT_SUCCEEDED, ref, yuan)

    def sends_back(self, ref: OrderRef, yuan: int = 1) -> None:
        self._money(FactKind.REFUND_SUCCEEDED, ref, yuan)

    def _money(self, kind: FactKind, ref: OrderRef, yuan: int) -> None:
        fact: Fact = a_fact(
            kind, minute=5, fact_id=f"{ref.value}-{kind.value}", ref=ref,
            amount=Money(yuan * 100, "CNY"), voucher=f"{ref.value}-{kind.value}",
        )  # fmt: skip
        self.storing.tell(fact)

    def works(self) -> None:
        """Work all queues off."""
        knowing = Knowing(self.storing.storage, self.storing.clock)
        profiling = Profiling(self.storing.storage, ProtobufProfileEncoder(), self.storing.clock)
        while knowing.look() + profiling.tell():
            pass

    def listens(self) -> None:
        """Let the streams read what was published since, and show what they make of it."""
        wanted = sa.text(
            "SELECT id, key, payload FROM outbox WHERE topic = :topic AND id > :after ORDER BY id"
        )
        with self.engine.connect() as connection:
            found = connection.execute(wanted, {"topic": TOPIC, "after": self.read_to}).all()
        changes = [profile_record(_record(*row)) for row in found]
        self.read_to = max([self.read_to, *(row.id for row in found)])
        effects = Profiles(self.rows, RULES).apply(changes)
        self.rows.kept.update(effects.rows)
        kept = [each for each in effects.outputs if isinstance(each, Kept)]
        asyncio.run(_write(self.redis_url, kept))

    def verified(self) -> ProfilesVerified:
        view = RedisProfileView(connect(self.redis_url, timeout_s=PATIENT_TIMEOUT_S))
        counted = PostgresProfiles(self.engine)
        return ProfileVerifier(view, counted, self.storing.clock, lambda _: None).verify(0)

    def of(self, ref: OrderRef) -> pb.Customer:
        order = f"orders/{order_id_for(ref)}"
        (found,) = self.stub.ListCustomers(pb.ListCustomersRequest(order=order)).customers
        # The service gives the view a moment only, which a busy machine may not have.
        view = RedisProfileView(connect(self.redis_url, timeout_s=PATIENT_TIMEOUT_S))
        reader = PostgresPeopleReader(self.engine, view)
        name = found.name.removeprefix("customers/")
        return customer_message(reader.customer(name, now=self.storing.clock()))

    def undo(self, merge: str) -> None:
        request = pb.UndoMergeRequest(name=merge, reason="two people")
        self.stub.UndoMerge(request, metadata=identity("lin"), timeout=20)


@pytest.fixture
def shop(
    storing: Storing, service: Service, servers: EmbeddedServers, engine: sa.Engine
) -> Iterator[Shop]:
    stub = customer_service_pb2_grpc.CustomerServiceStub(service.channel)
    with Redis.from_url(servers.redis_url) as redis:
        redis.delete("concord:profiles")
        made = Shop(storing, stub, servers.redis_url, engine)
        made.works()
        made.listens()
        yield made
        redis.delete("concord:profiles")


def test_a_profile_is_shown_as_the_streams_have_it_and_is_what_the_orders_say(shop: Shop) -> None:
    phone = uuid.uuid4().hex
    first = shop.buys("douyin", phone, yuan=100, categories=("tea", "cups"))
    second = shop.buys("jd", phone, yuan=50, days_ago=10, categories=("tea",))
    shop.buys("mini", phone, yuan=7, paid=False)
    shop.sends_back(second)
    shop.works()
    counted = shop.of(first).profile
    assert counted.source == Profile.SOURCE_ORDERS

    shop.listens()

    viewed = shop.of(first).profile
    assert viewed.source == Profile.SOURCE_VIEW
    (spent,) = viewed.spent
    assert (spent.orders, spent.sum.units, spent.mean.units) == (2, 150, 75)
    assert [(x.channel, x.shop, x.orders, x.returned) for x in viewed.places] == [
        ("douyin", "douyin-main", 1, 0),
        ("jd", "jd-main", 1, 1),
    ]
    assert [(x.category, x.orders) for x in viewed.categories] == [("cups", 1), ("tea", 2)]
    viewed.source = counted.source
    assert viewed == counted
    assert shop.verified().differences == ()


def test_a_merge_and_its_undoing_move_profiles_exactly(shop: Shop) -> None:
    phone, other = uuid.uuid4().hex, uuid.uuid4().hex
    first, second = shop.buys("douyin", phone, yuan=3), shop.buys("jd", other, yuan=5)
    shop.works()
    shop.listens()
    before = [shop.of(each).profile for each in (first, second)]
    bridge = pb.MergeCustomersRequest(
        customer=shop.of(first).name, other=shop.of(second).name, reason="they called us"
    )

    merge = shop.stub.MergeCustomers(bridge, metadata=identity("lin"), timeout=20)
    shop.works()
    shop.listens()

    joined = shop.of(first).profile
    assert (joined.source, joined.spent[0].sum.units) == (Profile.SOURCE_VIEW, 8)
    assert shop.verified().differences == ()
    shop.undo(merge.name)
    shop.works()
    shop.listens()
    assert [shop.of(each).profile for each in (first, second)] == before
    assert shop.verified().differences == ()


def test_whatever_happens_in_whatever_order_the_profiles_are_what_the_orders_say(
    shop: Shop,
) -> None:
    chance = random.Random(7)  # noqa: S311  # a test that can be repeated
    phones = [uuid.uuid4().hex for _ in range(6)]
    orders: list[OrderRef] = []
    for _ in range(40):
        dice = chance.random()
        if dice < 0.6 or not orders:
            orders.append(
                shop.buys(
                    chance.choice(["douyin", "jd", "mini", "pdd", "amazon"]),
                    chance.choice(phones),
                    yuan=chance.randrange(1, 9_999),
                    days_ago=chance.choice([0, 1, 30, 89, 90, 200]),
                    categories=tuple(chance.sample(["tea", "cups", "books"], 2)),
                    paid=chance.random() < 0.8,
                )
            )
        elif dice < 0.8:
            shop.sends_back(chance.choice(orders))
        else:
            shop.works()
            merges = shop.of(chance.choice(orders)).merges
            standing = [each for each in merges if each.state == pb.Merge.STATE_MERGED]
            if standing:
                shop.undo(chance.choice(standing).name)
        if chance.random() < 0.3:
            shop.works()
            shop.listens()
    shop.works()
    shop.listens()

    found = shop.verified()
    assert found.differences == ()
    assert found.customers > 1


def test_a_profile_that_is_wrong_or_missing_is_found(shop: Shop) -> None:
    wrong, missing = shop.buys("douyin"), shop.buys("jd")
    shop.works()
    shop.listens()
    with Redis.from_url(shop.redis_url) as redis:
        name = shop.of(wrong).name.removeprefix("customers/")
        kept = views.encoding.profile_pb2.CustomerProfile.FromString(
            redis.hget("concord:profiles", name)  # type: ignore[arg-type]  # not awaited
        )
        kept.days[0].returned += 1
        redis.hset("concord:profiles", name, kept.SerializeToString())
        gone = shop.of(missing).name.removeprefix("customers/")
        redis.hdel("concord:profiles", gone)

    assert {each.customer_id for each in shop.verified().differences} == {name, gone}
    told = shop.stub.VerifyProfiles(pb.VerifyProfilesRequest())
    assert told.difference_count >= 1
    assert f"customers/{gone}" in {each.customer for each in told.differences}


def test_a_broker_that_lost_everything_is_told_every_change_again(shop: Shop) -> None:
    phone = uuid.uuid4().hex
    first = shop.buys("douyin", phone)
    shop.buys("jd", phone)
    shop.works()
    shop.sends_back(first)
    shop.works()
    shop.listens()
    topics = shop.storing.storage._envelopes
    with shop.engine.begin() as connection:
        begin_life(connection, uuid.uuid4().hex, {s: topics.topic(s) for s in Stream})

    with Redis.from_url(shop.redis_url) as redis:
        redis.delete("concord:profiles")
    shop.rows, shop.read_to = Rows(), -(2**62)
    shop.listens()

    assert shop.of(first).profile.source == Profile.SOURCE_VIEW
    assert shop.verified().differences == ()


def test_a_coupon_that_is_used_in_another_shop_is_seen(shop: Shop) -> None:
    phone = uuid.uuid4().hex
    late = shop.buys("douyin", phone)
    asked = CouponAsked(
        key=uuid.uuid4().hex,
        customer="c",
        order_id=order_id_for(late),
        template="delay_10",
        amount=Money(1_000, "CNY"),
    )
    coupon = shop.storing.storage.transact(lambda unit: unit.issue_coupon(asked, at=NOON))
    at_home = shop.buys("douyin", coupons=(coupon.code,))
    elsewhere = shop.buys("jd", phone, coupons=(coupon.code, "PLATFORM-1"))
    shop.works()

    found = shop.stub.ListCouponUses(pb.ListCouponUsesRequest(code=coupon.code)).uses
    told = {each.order: each for each in found}
    crossed = told[f"orders/{order_id_for(elsewhere)}"]
    assert (crossed.given_channel, crossed.given_shop) == ("douyin", "douyin-main")
    assert (crossed.channel, crossed.shop) == ("jd", "jd-main")
    assert (crossed.cross_shop, crossed.other_customer) == (True, False)
    assert crossed.given_for == f"orders/{order_id_for(late)}"
    own = told[f"orders/{order_id_for(at_home)}"]
    assert (own.cross_shop, own.other_customer) == (False, True)

    request = pb.ListCouponUsesRequest(customer=crossed.customer, cross_shop=True)
    assert [each.code for each in shop.stub.ListCouponUses(request).uses] == [coupon.code]
    request = pb.ListCouponUsesRequest(customer=crossed.customer, page_size=1)
    page = shop.stub.ListCouponUses(request)
    request.page_token = page.next_page_token
    rest = shop.stub.ListCouponUses(request)
    assert {each.code for each in [*page.uses, *rest.uses]} == {coupon.code, "PLATFORM-1"}
    assert not rest.next_page_token


def _record(offset: int, key: str, payload: bytes) -> SimpleNamespace:
    return SimpleNamespace(
        topic=TOPIC, partition=0, offset=offset, timestamp=0, key=key.encode(), value=payload,
        headers=[],
    )  # fmt: skip


async def _write(url: str, kept: list[Kept]) -> None:
    async with AsyncRedis.from_url(url) as redis:
        name, place, encode = views.PROFILES
        view = views.View(redis, name, place, encode, "worker", lambda: None)
        await view.write(0, kept)
