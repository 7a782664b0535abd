"""Customs hold a shipment: every customer is told at once, by one who does operations."""

from __future__ import annotations

import pytest

from concord.batches.v1.batch_service_pb2 import Batch, BatchSelection
from concord.orders.v1.order_pb2 import Order
from tests.integration.desk.story import Story
from tests.integration.desk.world import World

MILESTONE = "海关查验中"


def test_a_parcel_at_customs_is_followed_until_it_is_through(world: World) -> None:
    world.next_monday()
    story = Story(world, "Customs delay", world.paid())
    story.opens("CUSTOMS_DELAY", by="logistics")
    story.refuses_act("DOCUMENTS_MISSING", "told", by="logistics", missing="delay_days")
    story.act("told", by="logistics", delay_days="7")
    assert world.order(story.order).milestone == MILESTONE
    story.act("longer", by="logistics", delay_days="12")
    story.act("papers", by="logistics", cause="the invoice is missing")
    assert story.case.pause_time.seconds, "the customer looks for the papers, and no clock runs"
    story.file("evidence", by="customer_service", content=b"%PDF an invoice")
    story.act("sent", by="customer_service")
    story.act("cleared", by="logistics", customs_number="CN2026112399")

    story.ends("CLEARED")
    assert story.notices().count("customs_delay to customer") == 2


@pytest.mark.parametrize(
    "count", [30, pytest.param(1_000, marks=[pytest.mark.long, pytest.mark.timeout(300)])]
)
def test_all_orders_of_a_held_shipment_are_handled_in_one_go(world: World, count: int) -> None:
    world.next_monday()
    tag = f"shipment-{count}"
    world.many_paid(count, tag)
    operations = world.by("operations")

    batch = operations.batches.create(
        "customs_delay", BatchSelection(tags=[tag]), inputs={"delay_days": "7"}
    )
    preview = operations.batches.preview(batch.name)
    # Of a large one, another person confirms what the first has made.
    world.by("manager").batches.confirm(batch.name, typed=batch.to_type)
    world.settle()

    done = operations.batches.get(batch.name)
    orders = [each for each in operations.orders.list(page_size=500) if tag in each.tags]
    coupons = {
        coupon.code
        for order in orders
        for coupon in operations.batches.list_coupons(order=order.name).coupons
    }
    notices = [each.order for each in operations.notices.list(batch=batch.name, page_size=500)]
    print(f"\nCustoms delay of {count}: {done.counts}".rstrip())  # noqa: T201  # what came of it
    assert batch.size == count
    assert preview.samples
    assert (done.state, done.counts.done, done.counts.failed) == (Batch.STATE_DONE, count, 0)
    assert [each.milestone for each in orders] == [MILESTONE] * count
    assert len(coupons) == count
    assert sorted(notices) == sorted(each.name for each in orders)
    assert all(each.state == Order.STATE_PAID for each in orders)
