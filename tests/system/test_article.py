"""The article's table, from traffic through the whole stack to the board; and who may look.

Then the shop opens on its channels.
A thousand orders here; `test_article_at_length.py` has the ten thousand.
"""

from __future__ import annotations

import json
import time

import psycopg2
import pytest
import redis

from clients.traffic.shop.stalls import TEMPLATES
from tests.system import stalls
from tests.system.board import check_article
from tests.system.whole_stack import WholeStack, until

ORDERS = 1_000
SOLD = 12
COME_WITHIN_S = 240.0


@pytest.mark.timeout(600)
def test_a_thousand_orders_show_the_articles_table_and_an_unbroken_journal(
    stack: WholeStack,
) -> None:
    check_article(stack, ORDERS)

    answer = stack.concord("audit", "verify")

    assert (answer["orders"], answer["problem"]) == (str(ORDERS), "")


@pytest.mark.timeout(600)
def test_the_shop_sells_on_five_channels_and_no_order_is_lost_or_doubled(
    stack: WholeStack,
) -> None:
    """One tells of its orders; the others are asked, and one of these also calls."""
    at_us = time.time_ns() // 1000
    # The article's own orders are of some of these channels, too.
    before = {channel: set(stalls.orders(stack, channel)) for channel in stalls.CHANNELS}
    for channel in TEMPLATES:
        stalls.sell(stack, channel, SOLD, at_us)

    def has_come() -> bool:
        """Paid once, exactly: also what one channel called about and was asked for."""
        sold = {each: stalls.sold(stack, each, stalls.AGO_S) for each in TEMPLATES}
        is_told = all(
            len(sold[each]) > SOLD and sold[each] <= stalls.paid_once(stack, each) for each in sold
        )
        return is_told and len(stalls.orders(stack, stalls.MINI)) > len(before[stalls.MINI])

    with stalls.open_shop(stack):
        until(has_come, "what was sold on each channel came", COME_WITHIN_S)

    for channel in TEMPLATES:
        told = stalls.orders(stack, channel)
        assert set(told) - before[channel] <= stalls.sold(stack, channel, 0), channel
        assert len(told) == len(set(told)), channel
    called = "SELECT DISTINCT outcome FROM receipts WHERE template = 'douyin.push'"
    assert {"APPLIED", "CONFIRMED"} & {outcome for (outcome,) in stack.rows(called)}


def test_a_wrong_password_opens_neither_database_nor_views(stack: WholeStack) -> None:
    variables = stack.variables()
    database = variables["CONCORD_DATABASE_URL"].rpartition("@")[2]
    views = variables["CONCORD_REDIS_URL"].rpartition("@")[2]

    for intruder in ("concord:wrong", "concord", "concord_app:wrong", "postgres:wrong"):
        with pytest.raises(psycopg2.OperationalError, match="password"):
            psycopg2.connect(f"postgresql://{intruder}@{database}", passfile="/dev/null")
    for intruder in (f":wrong@{views}", views):
        with (
            redis.Redis.from_url(f"redis://{intruder}") as client,
            pytest.raises((redis.AuthenticationError, redis.ResponseError)),
        ):
            client.keys("*")


def test_no_password_is_in_a_log_or_in_what_the_stack_says(stack: WholeStack) -> None:
    passwords = json.loads((stack.folder / "passwords.json").read_text()).values()

    said = [stack.output, *(path.read_text(errors="replace") for path in stack.logs)]

    assert [text for text in said for password in passwords if password in text] == []
