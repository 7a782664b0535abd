"""Tags: put on many orders by one call, told in the journal, and what orders are found by."""

from __future__ import annotations

import uuid

import pytest
import sqlalchemy as sa

from concord.orders.v1 import order_event_pb2, order_pb2
from concord.orders.v1 import order_service_pb2 as pb
from service.application.coupon_ports import CouponAsked
from service.domain.money import Money
from service.postgres.storage import PostgresStorage
from tests.builders import EVENING, NOON
from tests.integration.service.world import Service, Storing, refused


def tag(service: Service, text: str, *names: str, **more: object) -> pb.TagOrdersResponse:
    asked = pb.TagOrdersRequest(names=names, tag=text, request_id=str(uuid.uuid4()), **more)
    told: pb.TagOrdersResponse = service.orders.TagOrders(asked, timeout=10)
    return told


def untag(service: Service, text: str, *names: str) -> pb.TagOrdersResponse:
    asked = pb.UntagOrdersRequest(names=names, tag=text, request_id=str(uuid.uuid4()))
    told: pb.TagOrdersResponse = service.orders.UntagOrders(asked, timeout=10)
    return told


def test_orders_are_tagged_by_id_and_by_reference_and_found_by_it(service: Service) -> None:
    label = f"清关-{uuid.uuid4()}"
    first, second, other = (service.create() for _ in range(3))

    told = tag(service, label, first.name, refs=[second.refs[0]])

    assert (told.changed, told.unchanged, list(told.missing)) == (2, 0, [])
    found = service.orders.ListOrders(pb.ListOrdersRequest(tag=label)).orders
    assert {each.name for each in found} == {first.name, second.name}
    assert all(list(each.tags) == [label] for each in found)
    assert not service.orders.GetOrder(pb.GetOrderRequest(name=other.name)).tags


def test_what_is_so_already_is_told_and_what_is_not_there_is_named(service: Service) -> None:
    order = service.create()
    tag(service, "late", order.name)

    nowhere = order_pb2.OrderRef(namespace="douyin", value=str(uuid.uuid4()))
    told = tag(service, "late", order.name, "orders/ord-none", refs=[nowhere])

    assert (told.changed, told.unchanged) == (0, 1)
    assert list(told.missing) == ["ord-none", f"douyin:{nowhere.value}"]


def test_a_tag_stands_in_the_journal_and_is_published(service: Service) -> None:
    order = service.create()
    tag(service, "b", order.name)
    tag(service, "a", order.name, reason="asked by the broker")
    untag(service, "b", order.name)

    rows = service.orders.ListJournal(
        pb.ListJournalRequest(name=order.name, with_events=True, after_sequence=order.sequence)
    ).entries
    assert [(row.old_value, row.new_value) for row in rows] == [
        ("", "b"),
        ("b", "a,b"),
        ("a,b", "a"),
    ]
    assert rows[1].reason == "asked by the broker"
    told = [order_event_pb2.OrderEvent.FromString(row.event).tags_changed for row in rows]
    assert [(each.tag, each.act) for each in told] == [
        ("b", "ADDED"), ("a", "ADDED"), ("b", "REMOVED"),
    ]  # fmt: skip
    assert list(told[1].tags) == ["a", "b"]


@pytest.mark.parametrize("text", ["", "a,b", " a", "x" * 65])
def test_a_tag_that_could_not_be_read_again_is_refused(service: Service, text: str) -> None:
    order = service.create()

    told = refused(lambda: tag(service, text, order.name))

    assert (told.reason, told.fields) == ("INVALID_REQUEST", ("tag",))


def test_a_coupon_is_given_once_for_each_key(storing: Storing) -> None:
    storage: PostgresStorage = storing.storage
    asked = CouponAsked(
        key=str(uuid.uuid4()),
        customer="c1",
        order_id="ord-1",
        template="delay_10",
        amount=Money(1_000, "CNY"),
    )

    first = storage.transact(lambda unit: unit.issue_coupon(asked, at=NOON))
    again = storage.transact(lambda unit: unit.issue_coupon(asked, at=EVENING))

    assert again == first
    assert first.code.isalnum()


def test_what_was_given_is_never_taken_back_in_silence(engine: sa.Engine) -> None:
    for statement in ("DELETE FROM coupons", "UPDATE coupons SET amount_minor = 1"):
        with engine.connect() as connection, pytest.raises(sa.exc.ProgrammingError):
            connection.execute(sa.text(statement))
