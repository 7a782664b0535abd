"""Cases of goods and parcels: played through by the API alone."""

from __future__ import annotations

from concord.orders.v1.order_pb2 import Order
from tests.integration.desk.story import Story
from tests.integration.desk.world import World

PHOTO = b"\xff\xd8 what it looks like"


def test_what_is_out_of_stock_goes_on_by_itself_when_stock_comes(world: World) -> None:
    world.next_monday()
    world.stock("SKU-MUG", 0)
    story = Story(world, "Out of stock", world.paid(sku="SKU-MUG"))
    story.opened_by_itself("OUT_OF_STOCK")
    story.is_at("purchase")
    (purchase,) = list(world.by("purchasing").purchases.list(story.name))
    assert [(line.sku, line.quantity) for line in purchase.lines] == [("SKU-MUG", 1)]

    story.refuses_act("DOCUMENTS_MISSING", "order_more", by="purchasing", missing="delay_days")
    story.act("order_more", by="purchasing", purchase_order="PO-118", delay_days="5")
    story.is_at("wait")
    assert story.case.pause_time.seconds, "the customer waits, and no clock runs"
    story.passes(days=4)
    story.is_at("wait")
    world.stock("SKU-MUG", 10)

    story.ends("RESTOCKED")
    assert world.order(story.order).state == Order.STATE_AWAITING_OUTBOUND
    assert "delay_expected to customer" in story.notices()
    assert "stock_short_purchasing to role:purchasing" in story.notices()


def test_a_wrong_item_comes_back_before_the_refund(world: World) -> None:
    world.next_monday()
    story = Story(world, "Wrong item, return first", world.delivered())
    story.opens("WRONG_ITEM", by="customer_service", note="blue, not red")
    story.file("photo", by="customer_service", content=PHOTO)
    story.act("confirm", by="customer_service")
    story.act("refund", by="customer_service")
    story.is_at("return_for_refund")

    # Whoever shouts: finance cannot pay before the warehouse has the goods.
    story.refuses_act(
        "STEP_NOT_ACTIVE", "by_hand", by="finance", allowedActs="return_for_refund.received"
    )
    story.refuses_act("DOCUMENTS_MISSING", "received", by="warehouse", missing="return_receipt")
    story.file("return_receipt", by="warehouse", content=PHOTO)
    story.act("received", by="warehouse")
    story.act("refund", by="finance")
    story.refund_comes()

    story.ends("REFUNDED")


def test_a_lost_parcel_is_sent_again_and_the_carrier_pays(world: World) -> None:
    world.next_monday()
    story = Story(world, "Lost by the carrier", world.shipped())
    story.opens("CARRIER_LOSS", by="logistics")
    story.file("carrier_statement", by="logistics", content=PHOTO)
    story.act("lost", by="logistics", claim_number="CLM-77")
    story.is_at("choose")
    story.act("send_again", by="customer_service")
    story.act("sent", by="warehouse", tracking_number="SF20261124001")
    story.is_at("collect")
    story.passes(days=6)
    story.is_at("collect")
    story.act("paid", by="finance", payment_number="SF-PAY-2026-01")

    story.ends("COMPENSATED")
    (coupon,) = world.by("operations").batches.list_coupons(order=story.order.name).coupons
    assert story.effects("coupon") == [coupon.code]


def test_a_defect_is_inspected_and_the_supplier_is_asked(world: World) -> None:
    world.next_monday()
    story = Story(world, "Defective goods", world.delivered())
    story.opens("QUALITY", by="customer_service", note="the handle broke off")

    story.file("photo", by="customer_service", content=PHOTO)
    story.act("sent", by="customer_service")
    story.refuses_act("ROLE_NOT_ALLOWED", "defect", by="warehouse", allowedRoles="quality")
    story.file("inspection_report", by="quality", content=PHOTO)
    story.act("defect", by="quality")
    story.act("refund", by="customer_service")
    story.file("return_receipt", by="warehouse", content=PHOTO)
    story.act("received", by="warehouse")
    # Nobody asked for another one: that step was passed over.
    story.is_at("refund")
    story.act("refund", by="finance")
    story.refund_comes()
    story.is_at("supplier")
    story.act("claimed", by="purchasing", claim_number="CLM-2026-31")

    story.ends("SETTLED_WITH_SUPPLIER")
