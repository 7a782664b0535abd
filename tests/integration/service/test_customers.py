"""Customers: joined over channels by what orders tell, decided on by people, taken back exactly."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

import grpc
import pytest
import sqlalchemy as sa

from concord.customers.v1 import customer_service_pb2 as pb
from concord.customers.v1 import customer_service_pb2_grpc
from service.application.knowing import Knowing
from service.application.ports import Unit
from service.application.weighing import order_id_for
from service.domain.customers.book import Book
from service.domain.customers.identity import Identity, IdentityKind
from service.domain.customers.people import Buyer, origin_of
from service.domain.facts import FactKind, OrderRef
from service.postgres.people_rows import CROWD
from tests.builders import NOON, a_fact
from tests.integration.service.batch_world import identity
from tests.integration.service.world import Service, Storing

STATE = pb.Merge.State
K = IdentityKind


@dataclass(frozen=True)
class People:
    """Who buys, and the service that knows them."""

    storing: Storing
    stub: customer_service_pb2_grpc.CustomerServiceStub

    def buys(self, channel: str, *marks: tuple[IdentityKind, str], key: str = "") -> str:
        """Take a paid order; return its name."""
        run = uuid.uuid4().hex
        ref = OrderRef(channel, run)
        made = a_fact(
            fact_id=f"{run}-made",
            ref=ref,
            source=channel,
            channel=channel,
            customer=key or f"c-{run}",
            account=f"{channel}-main",
            identities=tuple(Identity(*each) for each in marks),
        )
        paid = a_fact(FactKind.PAYMENT_SUCCEEDED, minute=1, fact_id=f"{run}-paid", ref=ref)
        self.storing.tell(made, paid)
        return f"orders/{order_id_for(ref)}"

    def look(self) -> None:
        """Work the queue off."""
        knowing = Knowing(self.storing.storage, self.storing.clock)
        while knowing.look():
            pass

    def of(self, order: str) -> pb.Customer:
        """Return whose an order is."""
        (found,) = self.stub.ListCustomers(pb.ListCustomersRequest(order=order)).customers
        told: pb.Customer = self.stub.GetCustomer(pb.GetCustomerRequest(name=found.name))
        return told

    def call(self, method: str, request: object) -> pb.Merge:
        told: pb.Merge = getattr(self.stub, method)(request, metadata=identity("lin"), timeout=20)
        return told


@pytest.fixture
def people(storing: Storing, service: Service) -> People:
    return People(storing, customer_service_pb2_grpc.CustomerServiceStub(service.channel))


def _unique(kind: IdentityKind) -> tuple[IdentityKind, str]:
    return kind, uuid.uuid4().hex


def test_orders_of_one_phone_at_two_channels_are_one_customers(people: People) -> None:
    phone = _unique(K.PHONE)
    first, second = people.buys("douyin", phone), people.buys("jd", phone)

    people.look()

    customer = people.of(first)
    assert customer == people.of(second)
    assert (customer.order_count, len(customer.buyers)) == (2, 2)
    assert [each.state for each in customer.merges] == [STATE.STATE_MERGED]
    assert {(each.channel, each.shop, each.orders) for each in customer.profile.places} == {
        ("douyin", "douyin-main", 1),
        ("jd", "jd-main", 1),
    }
    assert customer.profile.spent[0].orders == 2
    listed = people.stub.ListCustomerOrders(pb.ListCustomerOrdersRequest(customer=customer.name))
    assert {each.order for each in listed.orders} == {first, second}


def test_masks_join_nobody(people: People) -> None:
    first = people.buys("douyin", (K.PHONE, ""), (K.NAME, ""))
    second = people.buys("jd", (K.PHONE, ""), (K.NAME, ""))

    people.look()

    assert people.of(first).name != people.of(second).name
    assert not people.of(first).merges


def test_what_a_crowd_has_leads_to_nobody(storing: Storing) -> None:
    crowds, own = (Identity(*_unique(K.PHONE)) for _ in range(2))

    def work(unit: Unit) -> tuple[Book, set[str]]:
        told = Book({}, {})
        for mark, many in ((crowds, CROWD + 1), (own, 2)):
            for _ in range(many):
                buyer_id = f"byr-{uuid.uuid4().hex}"
                told.keep(Buyer(buyer_id, origin_of(buyer_id), "douyin", NOON, marks={mark: 1}))
        unit.save_book(told)
        known = {each.buyer_id for each in told.buyers.values() if own in each.marks}
        return unit.open_book((), {crowds, own}), known

    book, known = storing.storage.transact(work)

    assert book.buyers.keys() == known
    assert book.is_shared(crowds)
    assert not book.is_shared(own)


def test_an_undone_merge_restores_exactly_who_was_who(people: People) -> None:
    phone, mail = _unique(K.PHONE), _unique(K.MAIL)
    first, second = people.buys("douyin", phone), people.buys("jd", mail)
    people.look()
    before = people.of(first), people.of(second)
    bridge = people.buys("mini", phone, mail)
    people.look()
    joined = people.of(bridge)
    assert joined.order_count == 3

    for merge in joined.merges:
        undone = people.call("UndoMerge", pb.UndoMergeRequest(name=merge.name, reason="two people"))
        assert (undone.state, undone.actor) == (STATE.STATE_UNDONE, "lin")
    people.look()

    for was, now in zip(before, (people.of(first), people.of(second)), strict=True):
        del now.merges[:]
        assert now == was
    again = people.buys("mini", phone, key=people.of(bridge).buyers[0].key)
    people.look()
    assert people.of(again).name == people.of(bridge).name
    assert people.of(again).name != people.of(first).name


def test_people_join_by_hand_and_the_same_request_gets_the_same_merge(people: People) -> None:
    first, second = people.buys("douyin"), people.buys("jd")
    people.look()
    asked = pb.MergeCustomersRequest(
        customer=people.of(first).name,
        other=people.of(second).name,
        reason="they called us",
        request_id=str(uuid.uuid4()),
    )

    merge = people.call("MergeCustomers", asked)

    assert people.call("MergeCustomers", asked) == merge
    assert people.of(first) == people.of(second)
    absorbed = people.stub.GetCustomer(pb.GetCustomerRequest(name=merge.absorbed))
    assert absorbed.merged_into == merge.survivor
    assert _refused(lambda: people.call("MergeCustomers", _anew(asked))) == "FAILED_PRECONDITION"


@pytest.mark.parametrize(
    ("act", "request_type", "state", "is_joined"),
    [
        ("AcceptMerge", pb.AcceptMergeRequest, STATE.STATE_MERGED, True),
        ("DismissMerge", pb.DismissMergeRequest, STATE.STATE_DISMISSED, False),
    ],
)
def test_a_suggestion_is_decided_by_a_person(
    people: People, act: str, request_type: type, state: int, *, is_joined: bool
) -> None:
    name, address = (K.NAME, f"h-{uuid.uuid4().hex}"), (K.ADDRESS, uuid.uuid4().hex * 4)
    first, second = people.buys("douyin", name, address), people.buys("jd", name, address)
    people.look()
    (suggested,) = people.of(first).merges
    assert suggested.state == STATE.STATE_SUGGESTED

    decided = people.call(act, request_type(name=suggested.name, reason="looked at it"))

    assert decided.state == state
    assert (people.of(first).name == people.of(second).name) is is_joined
    found = people.stub.ListMerges(pb.ListMergesRequest(customer=people.of(first).name)).merges
    assert [each.name for each in found] == [suggested.name]
    assert _refused(lambda: people.call(act, request_type(name=suggested.name)))


def test_a_return_is_told_with_where_it_was_bought_and_how_it_came(people: People) -> None:
    order = people.buys("douyin")
    with people.storing.storage._engine.connect() as connection:
        named = sa.text("SELECT namespace, value FROM order_refs WHERE order_id = :order")
        row = connection.execute(named, {"order": order.removeprefix("orders/")}).one()
    ref = OrderRef(row.namespace, row.value)
    back = a_fact(FactKind.REFUND_SUCCEEDED, minute=9, fact_id=f"{ref.value}-back", ref=ref,
                  source="wechatpay", channel="mini")  # fmt: skip
    people.storing.tell(back)
    people.look()

    customer = people.of(order).name
    (told,) = people.stub.ListReturns(pb.ListReturnsRequest(customer=customer)).returns

    assert (told.order, told.customer) == (order, customer)
    assert (told.channel, told.shop) == ("douyin", "douyin-main")
    assert (told.came_by, told.came_by_channel) == ("wechatpay", "mini")


def test_who_is_not_there_is_said(people: People) -> None:
    missing = (
        lambda: people.stub.GetCustomer(pb.GetCustomerRequest(name="customers/cus-none")),
        lambda: people.stub.GetMerge(pb.GetMergeRequest(name="merges/mrg-none")),
        lambda: people.call("UndoMerge", pb.UndoMergeRequest(name="merges/mrg-none", reason="-")),
    )
    assert {_refused(each) for each in missing} == {"NOT_FOUND"}


def _anew(asked: pb.MergeCustomersRequest) -> pb.MergeCustomersRequest:
    fresh = pb.MergeCustomersRequest()
    fresh.CopyFrom(asked)
    fresh.request_id = str(uuid.uuid4())
    return fresh


def _refused(call: Callable[[], object]) -> str:
    with pytest.raises(grpc.RpcError) as refusal:
        call()
    code: str = refusal.value.code().name
    return code
