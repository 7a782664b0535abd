"""What the simulator and the event log replay send is what the template `concord.event` reads."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import orjson
import pytest

from clients.traffic.plan import Plan
from clients.traffic.replaying import Log, template_named
from clients.traffic.stories import DEFAULT_FAULTS
from clients.traffic.wording import TEMPLATE, Message
from streams.logic.normalising import FactKind, Reading, Receipt, Templates, read
from streams.template_files import load_templates

ROWS = """\
ocel:eid,ocel:activity,ocel:timestamp,ocel:type:items,ocel:type:orders,ocel:type:packages,price
1.0,place order,2031-03-01 09:00:00.000Z,"['i1','i2']",['o1'], ,30.5
2.0,place order,2031-03-01 09:05:00.000Z,['i3'],['o2'], ,7.0
3.0,confirm order,2031-03-01 10:00:00.000Z, ,['o1'], ,30.5
4.0,pick item,2031-03-01 11:00:00.000Z,['i1'], , ,20.0
5.0,pick item,2031-03-01 11:00:00.000Z,['i2'], , ,10.5
6.0,pay order,2031-03-02 08:00:00.000Z, ,['o1'], ,30.5
7.0,create package,2031-03-03 10:00:00.000Z,"['i1','i2','i3']", ,['p1'],37.5
8.0,send package,2031-03-03 12:00:00.000Z, , ,['p1'],37.5
9.0,failed delivery,2031-03-04 12:00:00.000Z, , ,['p1'],37.5
10.0,package delivered,2031-03-05 15:00:00.000Z, , ,['p1'],37.5
11.0,pick item,2031-03-05 17:00:00.000Z,['i9'], , ,1.0
12.0,pay order,yesterday, ,['o2'], ,7.0
"""


@pytest.fixture(scope="module")
def templates() -> Templates:
    return load_templates()


def readings(messages: Iterable[Message], templates: Templates) -> list[Reading]:
    now = datetime(2031, 4, 1, tzinfo=UTC)
    return [
        read(
            Receipt(
                name=f"receipts/{message.message_id}",
                source=message.source,
                template=TEMPLATE,
                channel=message.channel,
                body=message.body,
                content_type="application/json",
                receive_time=now,
            ),
            templates,
        )
        for message in messages
    ]


def test_every_made_up_message_becomes_one_fact_of_its_type(templates: Templates) -> None:
    plan = Plan(seed=3, start_us=1_790_000_000_000_000, rate=5, faults=DEFAULT_FAULTS)
    messages = list(islice(plan.messages(), 4000))

    for message, reading in zip(messages, readings(messages, templates), strict=True):
        assert reading.rejection is None
        (fact,) = reading.facts
        body = orjson.loads(message.body)
        assert fact.kind is FactKind[body["type"].upper().replace(".", "_")]
        assert fact.ref.value == message.order_hint
        assert fact.source == message.source
        assert fact.occurred_at.isoformat() == body["occurred_at"].replace("Z", "+00:00")
        assert [str(said).lower() for said in fact.circumstances] == body.get("circumstances", [])


def test_a_happening_told_again_under_another_message_id_is_the_same_fact(
    templates: Templates,
) -> None:
    plan = Plan(seed=3, start_us=1_790_000_000_000_000, rate=5, faults=DEFAULT_FAULTS, orders=600)
    messages = list(plan.messages())
    fact_of = {
        message.message_id: reading.facts[0].fact_id
        for message, reading in zip(messages, readings(messages, templates), strict=True)
    }
    again = [name for name in fact_of if name.endswith("-again")]

    assert again
    for name in again:
        assert fact_of[name] == fact_of[name.removesuffix("-again")]


def test_every_row_of_a_log_is_read_as_the_facts_that_it_means(
    templates: Templates, tmp_path: Path
) -> None:
    file = tmp_path / "log.csv"
    file.write_text(ROWS, "utf-8")
    log = Log.open(file, template_named("ocel-order-management"))

    read_rows = readings(log.messages(0), templates)

    kinds = [[fact.kind.value for fact in reading.facts] for reading in read_rows]
    assert kinds == [
        ["ORDER_CREATED"],
        ["ORDER_CREATED"],
        ["PAYMENT_STARTED"],
        ["NOTED"],
        ["NOTED"],
        ["PAYMENT_SUCCEEDED"],
        ["STOCK_ALLOCATED"] * 2,
        ["PARCEL_SHIPPED"] * 2,
        ["NOTED"] * 2,
        ["PARCEL_DELIVERED"] * 2,
        [],
        [],
    ]
    assert [reading.rejection is None for reading in read_rows] == [True] * 11 + [False]
    assert read_rows[0].facts[0].amount is not None
    assert read_rows[0].facts[0].amount.minor == 3050
    ids = [fact.fact_id for reading in read_rows for fact in reading.facts]
    assert len(set(ids)) == len(ids)
