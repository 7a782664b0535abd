"""A run in time: what arrives, when, from whom, and what the table is when it is read back."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from itertools import pairwise, takewhile
from typing import Any

import orjson
import pytest

from clients.traffic.plan import Plan
from clients.traffic.stories import DEFAULT_FAULTS, NO_FAULTS, Faults
from clients.traffic.wording import Message

START_US = 1_790_000_000_000_000
ENTRIES = [
    "order.created",
    "payment.started",
    "payment.succeeded",
    "stock.allocated",
    "parcel.shipped",
]
CHANNELS = {"douyin", "jd", "pdd", "mini", "amazon"}
PROVIDERS = {"wechatpay", "alipay", "unionpay"}


def a_plan(orders: int | None = 100, faults: Faults = NO_FAULTS) -> Plan:
    return Plan(seed=42, start_us=START_US, rate=5, orders=orders, faults=faults)


@cache
def a_live_quarter_of_an_hour() -> tuple[Message, ...]:
    until_us = START_US + 15 * 60 * 1_000_000
    endless = a_plan(None, faults=DEFAULT_FAULTS).messages()
    return tuple(takewhile(lambda message: message.arrives_us < until_us, endless))


def bodies(messages: Iterable[Message]) -> list[dict[str, Any]]:
    return [orjson.loads(message.body) for message in messages]


def table(events: Iterable[dict[str, Any]]) -> list[tuple[int, float, float]]:
    """Read count, mean and abnormal share of the four stages back from the messages."""
    merchant: dict[str, str] = {}
    entries: dict[str, dict[str, tuple[datetime, bool]]] = defaultdict(dict)
    for event in sorted(events, key=lambda event: event["occurred_at"]):
        name = event["order"]["value"]
        for other in event.get("more_refs", []):
            merchant[other["value"]] = name
        at = datetime.fromisoformat(event["occurred_at"])
        told = (at, bool(event.get("circumstances")))
        entries[merchant.get(name, name)].setdefault(event["type"], told)
    rows = []
    for first, then in pairwise(ENTRIES):
        both = [(e[first], e[then]) for e in entries.values() if first in e and then in e]
        seconds = sum((end[0] - begin[0]).total_seconds() for begin, end in both)
        abnormal = sum(end[1] for _, end in both)
        rows.append((len(both), seconds / len(both), 100 * abnormal / len(both)))
    return rows


@pytest.mark.parametrize("seed", [1, 42])
def test_the_table_read_back_from_the_messages_is_the_articles(seed: int) -> None:
    plan = Plan(seed=seed, start_us=START_US, rate=50, orders=2000)

    rows = table(bodies(plan.messages()))

    assert [count for count, _, _ in rows] == [2000] * 4
    assert [mean for _, mean, _ in rows] == pytest.approx([1.2, 8.7, 3.4, 156.2], abs=1e-9)
    assert [share for _, _, share in rows] == [0.3, 6.1, 1.8, 23.5]


def test_a_live_quarter_of_an_hour_with_faults_shows_the_table() -> None:
    rows = table(bodies(a_live_quarter_of_an_hour()))

    for (_, mean, share), (want_mean, want_share) in zip(
        rows, [(1.2, 0.3), (8.7, 6.1), (3.4, 1.8), (156.2, 23.5)], strict=True
    ):
        assert mean == pytest.approx(want_mean, rel=0.02)
        assert share == pytest.approx(want_share, abs=0.25)


def test_messages_arrive_in_order_and_never_before_what_they_tell() -> None:
    messages = list(a_plan(faults=DEFAULT_FAULTS).messages())

    arrivals = [message.arrives_us for message in messages]
    assert arrivals == sorted(arrivals)
    for message, event in zip(messages, bodies(messages), strict=True):
        occurred = datetime.fromisoformat(event["occurred_at"])
        assert occurred.timestamp() <= message.arrives_us / 1_000_000


def test_a_finite_run_is_over_within_its_span() -> None:
    for plan in (a_plan(), a_plan(faults=DEFAULT_FAULTS)):
        assert plan.span_us is not None
        assert max(m.arrives_us for m in plan.messages()) <= plan.start_us + plan.span_us


def test_the_same_plan_sends_the_same_bytes_and_another_start_sends_other_orders() -> None:
    first = list(a_plan().messages())
    later = Plan(seed=42, start_us=START_US + 1, rate=5, orders=100)

    assert first == list(a_plan().messages())
    assert not {m.message_id for m in first} & {m.message_id for m in later.messages()}
    assert not {m.order_hint for m in first} & {m.order_hint for m in later.messages()}


def test_without_faults_nothing_repeats_and_every_order_is_told_whole() -> None:
    messages = list(a_plan().messages())

    assert len({message.message_id for message in messages}) == len(messages)
    types = Counter(event["type"] for event in bodies(messages))
    assert {types[entry] for entry in ENTRIES} == {100}
    assert "order.cancelled" not in types


def test_each_party_tells_what_only_it_can_know() -> None:
    for event in bodies(a_plan(faults=DEFAULT_FAULTS).messages()):
        match event["type"].split("."):
            case ["payment", "started"]:
                assert event["source"] == event["order"]["namespace"] != "merchant"
            case ["payment", what]:
                assert event["source"] in PROVIDERS
                assert event["order"]["namespace"] == "merchant"
                assert ("voucher" in event) == (what == "succeeded")
            case ["stock" | "outbound", _]:
                assert event["source"] == "warehouse"
            case ["parcel", "shipped"]:
                assert event["source"] == "warehouse"
                assert event["voucher"].startswith("SF")
            case ["parcel", "delivered"]:
                assert event["source"] == "carrier"
            case ["order", _]:
                assert event["source"] == event["order"]["namespace"] != "merchant"
                assert event["source"] in CHANNELS


def test_every_channel_and_provider_takes_part() -> None:
    events = bodies(a_plan().messages())

    assert {event["source"] for event in events} == {
        *CHANNELS,
        *PROVIDERS,
        "warehouse",
        "carrier",
    }


def test_event_ids_and_message_ids_fit_the_contract() -> None:
    messages = list(a_plan(faults=DEFAULT_FAULTS).messages())

    assert max(len(message.message_id) for message in messages) <= 200
    assert max(len(event["id"]) for event in bodies(messages)) <= 64


def test_the_default_faults_hold_every_kind_of_trouble() -> None:
    messages = a_live_quarter_of_an_hour()
    events = bodies(messages)

    repeats = Counter(message.message_id for message in messages)
    assert 0.03 < sum(times > 1 for times in repeats.values()) / len(repeats) < 0.05
    assert 0.005 < sum(m.message_id.endswith("again") for m in messages) / len(messages) < 0.015
    told = [event["occurred_at"] for event in events]
    assert told != sorted(told)
    assert {"order.cancelled", "refund.requested", "refund.succeeded"} <= {
        event["type"] for event in events
    }


def test_all_three_risk_rules_have_something_to_find() -> None:
    events = bodies(a_live_quarter_of_an_hour())
    created = [event for event in events if event["type"] == "order.created"]

    deep = [e for e in created if price(e, "amount") < 0.2 * price(e, "list_amount")]
    assert deep

    history: dict[str, list[float]] = defaultdict(list)
    unusual = 0
    for event in created:
        before = history[event["customer"]]
        amount = price(event, "amount")
        unusual += len(before) >= 5 and amount > 5 * sum(before) / len(before)
        before.append(amount)
    assert unusual

    customers = {event["order"]["value"]: event["customer"] for event in created}
    returns = Counter(
        customers[event["order"]["value"]]
        for event in events
        if event["type"] == "refund.requested" and event["order"]["value"] in customers
    )
    assert max(returns.values()) > 3


def price(event: dict[str, Any], field: str) -> float:
    return float(event[field]["value"])
