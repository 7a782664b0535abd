"""Cases that customers bring: played through by the API alone."""

from __future__ import annotations

from concord.orders.v1.order_pb2 import Order
from tests.integration.desk.story import Story
from tests.integration.desk.world import World

PHOTO = b"\xff\xd8 what it looks like"


def test_an_address_is_changed_in_time(world: World) -> None:
    world.next_monday()
    story = Story(world, "Address change before the cut-off", world.paid())
    story.refuses(
        "ROLE_NOT_ALLOWED",
        lambda: world.by("finance").cases.open(story.order.name, "ADDRESS_CHANGE"),
    )
    story.opens("ADDRESS_CHANGE", by="customer_service", note="moved to Haidian")
    story.is_at("check")
    assert [each.reason for each in world.order(story.order).holds] == ["ADDRESS_CHANGE"]

    story.refuses_act("DOCUMENTS_MISSING", "accept", by="customer_service", missing="new_address")
    story.refuses_act("ROLE_NOT_ALLOWED", "accept", by="warehouse", allowedRoles="customer_service")
    story.act("accept", by="customer_service", new_address="Haidian, Zhongguancun 1")
    story.is_at("apply")
    story.act("relabel", by="warehouse")

    story.ends("ADDRESS_CHANGED")
    assert not world.order(story.order).holds
    assert story.notices() == ["address_change_done to customer"]


def test_an_address_is_not_changed_too_late_but_the_parcel_is_stopped(world: World) -> None:
    world.next_monday()
    story = Story(world, "Address change after the cut-off", world.paid())
    # It was paid before 16:00, so it leaves at 18:00: two hours before that is the last moment.
    story.passes(hours=6, seconds=1)

    story.refuses(
        "CUT_OFF_PASSED",
        lambda: world.by("customer_service").cases.open(story.order.name, "ADDRESS_CHANGE"),
        explanation="2 小时",
    )
    story.opens("INTERCEPTION", by="customer_service", note="then stop it, please")
    story.is_at("stop")
    story.act("stopped", by="warehouse")
    story.refuses_act("CONDITION_NOT_MET", "take_back", by="customer_service")
    story.act("call_off", by="customer_service")
    assert world.order(story.order).state == Order.STATE_CANCELLED
    story.act("refund", by="finance")
    story.refund_comes()

    story.ends("REFUNDED")
    assert world.order(story.order).refund_state == Order.REFUND_STATE_FULL


def test_a_refused_parcel_comes_back_before_the_money_does(world: World) -> None:
    world.next_monday()
    story = Story(world, "Delivery refused", world.shipped())
    story.opens("DELIVERY_REFUSED", by="logistics", note="nobody wants it at the door")
    story.is_at("contact", "receive")

    story.refuses_act("STEP_NOT_ACTIVE", "refund", by="finance", allowedActs="receive.received")
    story.refuses_act("DOCUMENTS_MISSING", "received", by="warehouse", missing="return_receipt")
    story.file("return_receipt", by="warehouse", content=PHOTO)
    story.act("received", by="warehouse")
    # Nobody answers the phone: the step goes on by itself when its time is over.
    story.is_at("contact")
    story.passes(days=3)
    story.is_at("refund")
    assert story.acts() == ["receive.received", "contact.no_answer"]
    story.act("refund", by="finance")
    story.refund_comes()

    story.ends("REFUNDED")


def test_goods_come_back_and_are_checked_before_the_refund(world: World) -> None:
    world.next_monday()
    story = Story(world, "Return", world.delivered())
    story.opens("RETURN", by="customer_service", note="it does not fit")
    story.act("accept", by="customer_service")
    story.is_at("goods")
    assert story.case.pause_time.seconds, "the customer is awaited, and no clock runs"

    story.file("return_receipt", by="warehouse", content=PHOTO)
    story.act("received", by="warehouse")
    story.refuses_act("DOCUMENTS_MISSING", "passed", by="warehouse", missing="photo")
    story.file("photo", by="warehouse", content=PHOTO)
    story.act("passed", by="warehouse")
    story.act("refund", by="finance")
    story.refund_comes()

    story.ends("REFUNDED")
    assert "review.allow" not in story.acts()


def test_a_dispute_is_approved_by_finance_and_above_five_thousand_by_the_manager(
    world: World,
) -> None:
    world.next_monday()
    story = Story(world, "Payment dispute", world.paid(units=6_000))
    story.opens("PAYMENT_DISPUTE", by="customer_service", note="the bank asks")
    story.file("evidence", by="customer_service", content=PHOTO)
    story.refuses_act(
        "DOCUMENTS_MISSING", "gathered", by="customer_service", missing="dispute_number"
    )
    story.act("gathered", by="customer_service", dispute_number="DSP-2026-7781")

    story.refuses_act("DOCUMENTS_MISSING", "accept", by="finance", missing="approval_number")
    story.refuses_act("ROLE_NOT_ALLOWED", "accept", by="customer_service")
    story.act("accept", by="finance", approval_number="FIN-2026-118")
    story.is_at("approve")
    # What finance brought does for finance: the manager approves by a number of his own.
    story.refuses_act("DOCUMENTS_MISSING", "approve", by="manager", missing="manager_approval")
    story.act("approve", by="manager", manager_approval="MGR-2026-009")
    story.act("refund", by="finance")
    story.refund_comes()

    story.ends("REFUNDED")
    assert story.acts() == [
        "gather.gathered", "review.accept", "approve.approve", "refund.refund",
        "refunding.arrived",
    ]  # fmt: skip
