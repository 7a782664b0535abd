"""The article's story: at a peak Alipay's callbacks are lost, and it gives up telling.

Two hundred orders are paid and wait. They are right all the same, because we ask.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest

from clients.sdk import Concord
from concord.orders.v1.order_pb2 import Order
from concord.probes.v1.probe_service_pb2 import Probe
from tests.invariants import assert_clean
from tests.storm import telling
from tests.storm.stack import Stormy, stormy_stack
from tests.system.board import check_view, shown
from tests.system.whole_stack import until

ORDERS: Final = 200
AMOUNT_MINOR: Final = 2990
# How much faster than the machine's the platform's clock and our schedules run.
SPEED: Final = 5.0
# The article's own net is 15 minutes; of provider time, as all of these.
RIGHT_WITHIN_S: Final = 300.0
# Its eight attempts take a day and twenty-two minutes: five seconds at this speed.
HURRY: Final = 18_000.0
TOLD_WITHIN_S: Final = 90.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@dataclass
class Story:
    """The stack after the story, and what was seen while it went on."""

    stormy: Stormy
    verifying: dict[str, str]
    """What each order's explanation said while it waited, by its name."""
    given_up: dict[str, Any]
    """What the platform had counted when it had given up, and nobody had told us anything."""


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    variables = {"CONCORD_CONNECTORS_RATES": f"alipay={20 * SPEED:g}"}
    folder = tmp_path_factory.mktemp("stack")
    with (
        stormy_stack(folder, speed=SPEED, variables=variables) as stormy,
        stormy.stack.client() as concord,
    ):
        stormy.control.behave("alipay", drop_share=1.0)
        trades = stormy.control.create_all(
            [
                {"provider": "alipay", "number": f"LOST{each:06d}", "amount_minor": AMOUNT_MINOR}
                for each in range(ORDERS)
            ]
        )
        concord.intake.submit([telling.created(each["number"], AMOUNT_MINOR) for each in trades])
        concord.intake.submit([telling.started(each) for each in trades])
        until(lambda: len(asked(concord)) == ORDERS, "each is asked about", TOLD_WITHIN_S)
        verifying = {
            each.name: concord.orders.explain(each.name).summary_en for each in asked(concord)
        }
        for each in trades:
            stormy.control.pay("alipay", each["number"])
        given_up = give_up(stormy)
        until(
            lambda: len(list(concord.orders.list(states=[Order.STATE_PAID]))) == ORDERS,
            "every order is paid",
            RIGHT_WITHIN_S / SPEED,
        )
        yield Story(stormy, verifying, given_up)


def asked(concord: Concord) -> list[Order]:
    """Return the orders about whose money Alipay has been asked, and will be again."""
    return [
        order
        for order in concord.orders.list(states=[Order.STATE_PAYING], page_size=500)
        if any(each.provider == "alipay" and each.asked for each in order.verifications)
    ]


def give_up(stormy: Stormy) -> dict[str, Any]:
    """Let the platform's day pass; return what it has counted when it has given up."""

    def counted() -> dict[str, Any] | None:
        notices: dict[str, Any] = stormy.control.statistics()["platforms"]["alipay"]["notices"]
        return notices if notices.get("given_up") == ORDERS else None

    stormy.control.clock(HURRY)
    until(counted, "the platform gives up", TOLD_WITHIN_S)
    stormy.control.clock(SPEED)
    return counted() or {}


def test_the_platform_has_given_up_and_no_callback_ever_came(story: Story) -> None:
    calls = story.stormy.control.calls(provider="alipay")

    assert story.given_up.get("settled", 0) == 0
    assert {each["verdict"] for each in calls} == {"lost"}
    assert len(calls) == 8 * ORDERS


def test_a_waiting_order_says_who_is_being_asked(story: Story) -> None:
    assert len(story.verifying) == ORDERS
    for said in story.verifying.values():
        assert "verifying with alipay, asked " in said


def test_every_order_is_paid_once_and_says_that_it_was_learnt_by_asking(story: Story) -> None:
    with story.stormy.stack.client() as concord:
        for order in concord.orders.list(page_size=500):
            explained = concord.orders.explain(order.name)

            learnt = [each.learnt for each in explained.claims if each.source == "alipay"]
            assert learnt == ["ASKED"], order.name
            assert "learnt by asking alipay" in explained.summary_en
            assert (order.state, order.paid.units) == (Order.STATE_PAID, AMOUNT_MINOR // 100)
            assert not order.verifications


def test_every_probe_has_asked_and_rests(story: Story) -> None:
    with story.stormy.stack.client() as concord:
        probes = list(concord.probes.list(provider="alipay", page_size=500))

    assert len(probes) == ORDERS
    assert {each.state for each in probes} == {Probe.STATE_DISARMED}
    # Before the buyer had paid, and after.
    assert all(each.asked >= 2 for each in probes)


def test_the_board_says_that_callbacks_failed(story: Story) -> None:
    check_view(story.stormy.stack)

    row = shown(story.stormy.stack)["PAYING", "PAID"]

    assert row["count"] == str(ORDERS)
    assert [(each["cause"], each["count"]) for each in row["causes"]] == [
        ("CALLBACK_FAILED", str(ORDERS))
    ]


def test_no_person_is_bothered(story: Story) -> None:
    assert story.stormy.stack.rows("SELECT type FROM cases") == []


def test_every_invariant_that_a_database_can_tell_holds(story: Story) -> None:
    assert_clean(story.stormy.stack.database_url)
