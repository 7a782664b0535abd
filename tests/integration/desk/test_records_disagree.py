"""Cases that our own records open: played through by the API alone."""

from __future__ import annotations

from datetime import timedelta

from concord.orders.v1.order_pb2 import Order
from tests.integration.desk.story import Story
from tests.integration.desk.world import World


def test_what_was_charged_twice_goes_back_once(world: World) -> None:
    world.next_monday()
    story = Story(world, "Charged twice", world.paid())
    world.pay_again(story.order)
    story.opened_by_itself("DUPLICATE_CHARGE")

    story.refuses_act("STEP_NOT_ACTIVE", "refund", by="finance", allowedActs="verify.confirm")
    story.refuses_act("DOCUMENTS_MISSING", "confirm", by="finance", missing="payment_number")
    story.act("confirm", by="finance", payment_number="2026112322001")
    # So little needs no approval: the step was passed over.
    story.is_at("refund")
    story.act("refund", by="finance")
    story.refund_comes()

    story.ends("REFUNDED")
    # The customer is told what goes back, not what the order cost twice.
    assert all("199.00" in each for each in story.said("customer"))
    now = world.order(story.order)
    assert now.paid.units - now.refunded.units == now.total.units


def test_an_order_that_is_stuck_goes_on_when_somebody_frees_it(world: World) -> None:
    world.next_monday()
    story = Story(world, "Stuck", world.paid())
    story.passes(days=2)
    story.opened_by_itself("STAGE_OVERDUE")

    story.refuses_act("CONDITION_NOT_MET", "carrier", by="operations", condition="SHIPPING")
    story.act("stock", by="operations")
    story.is_at("stock")
    world.by("warehouse").orders.allocate(story.order.name, voucher="found behind the shelf")
    world.settle()

    story.ends("MOVED_ON")
    assert world.order(story.order).state == Order.STATE_AWAITING_OUTBOUND


def test_money_for_an_order_that_was_off_lets_it_go_on_as_the_customer_wants(
    world: World,
) -> None:
    world.next_monday()
    order = world.an_order()
    world.by("customer_service").orders.cancel(order.name)
    world.pass_time(timedelta(minutes=5))
    world.pay_again(order)
    story = Story(world, "Paid after cancel", order)
    story.opened_by_itself("PAID_AFTER_CANCEL")

    story.act("ask", by="finance")
    story.is_at("ask")
    story.refuses_act("DOCUMENTS_MISSING", "go_on", by="customer_service", missing="agreement")
    story.act("go_on", by="customer_service", agreement="wants it after all, by phone")

    # The facts agree now: they settle the case before its workflow names an outcome.
    story.ends("SETTLED")
    assert story.effects("transition") == ["REINSTATE"]
    assert world.order(story.order).state == Order.STATE_PAID
