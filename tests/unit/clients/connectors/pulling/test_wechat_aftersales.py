"""What WeChat is asked about the after-sales of a shop, and what is made of its answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from clients.connectors.channels import CHANNELS
from clients.connectors.inquiry import NothingLearntError
from clients.connectors.pulling.calling import Caller
from clients.connectors.pulling.platform import Page, Query
from clients.connectors.pulling.tokens import Tokens
from clients.connectors.pulling.windows import Window
from streams.logic.normalising import FactKind, Receipt, keyed, read
from streams.template_files import load_templates
from tests.unit.clients.connectors.answering import Answer, Provider, a_web
from tests.unit.clients.providers.key_ring import NOW
from tests.unit.clients.providers.shop_platforms import a_wechat_shop

TEMPLATE = "wechat_channels.aftersale"
START = datetime(2025, 12, 28, 16, tzinfo=UTC)
SECONDS = 1766937600
NUMBER, ORDER = "2000000358075520", "3705115058471208928"
AFTERSALE = {
    "after_sale_order_id": NUMBER,
    "order_id": ORDER,
    "type": "REFUND",
    "status": "MERCHANT_REFUND_SUCCESS",
    "create_time": SECONDS + 60,
    "update_time": SECONDS + 90,
    "refund_info": {"amount": 10500},
}


def told(content: dict[str, Any]) -> httpx2.Response:
    return httpx2.Response(200, json={"errcode": 0, "errmsg": "ok"} | content)


TOKEN = told({"access_token": "t1", "expires_in": 7200})


async def no_pause(_: float) -> None:
    """Let no test wait."""


async def asked(*answers: Answer, token: str = "") -> tuple[Page, Provider]:
    provider = Provider([TOKEN, *answers])
    caller = Caller(a_web(provider), clock=lambda: NOW, monotonic=lambda: 0.0, sleep=no_pause)
    platform = CHANNELS["wechat_channels"].make(caller, Tokens(lambda: 0.0))
    window = Window(START, START + timedelta(hours=1))
    query = Query(template=TEMPLATE, window=window, token=token, page_size=20)
    return await platform.page(a_wechat_shop(), query), provider


async def test_numbers_are_asked_for_by_when_they_changed_and_each_by_its_own() -> None:
    listed = told({"after_sale_order_id_list": [NUMBER], "has_more": True, "next_key": "k2"})

    page, provider = await asked(listed, told({"after_sale_order": AFTERSALE}), token="k1")

    _, numbers, detail = provider.requests
    assert numbers.url.path == "/channels/ec/aftersale/getaftersalelist"
    # No page size: there is no such thing here.
    assert json.loads(numbers.content) == {
        "begin_update_time": SECONDS,
        "end_update_time": SECONDS + 3600,
        "next_key": "k1",
    }
    assert detail.url.path == "/channels/ec/aftersale/getaftersaleorder"
    assert json.loads(detail.content) == {"after_sale_order_id": NUMBER}
    assert page.next_token == "k2"
    assert "t1" not in json.dumps(dict(page.asked))


async def test_what_is_told_of_one_is_what_the_template_reads() -> None:
    listed = told({"after_sale_order_id_list": [NUMBER], "has_more": False, "next_key": "k2"})

    page, _ = await asked(listed, told({"after_sale_order": AFTERSALE}))

    [message] = page.messages
    found = read(
        Receipt(
            name="receipts/r-1",
            source="wechat_channels",
            template=TEMPLATE,
            channel="",
            body=message.body,
            content_type=message.content_type,
            receive_time=NOW,
        ),
        load_templates(keyed(b"a key of these tests' own")),
    )
    assert found.rejection is None
    assert [fact.kind for fact in found.facts] == [
        FactKind.REFUND_REQUESTED,
        FactKind.REFUND_SUCCEEDED,
    ]
    assert {fact.ref.value for fact in found.facts} == {message.order} == {ORDER}
    assert message.changed_at == START + timedelta(seconds=90)
    assert page.next_token == ""


async def test_a_number_that_the_list_tells_twice_is_asked_for_once() -> None:
    listed = told({"after_sale_order_id_list": [NUMBER, NUMBER], "has_more": False})

    page, _ = await asked(listed, told({"after_sale_order": AFTERSALE}))

    assert len(page.messages) == 1
    assert page.row_count == 2


@pytest.mark.parametrize(
    "answer", [{"after_sale_order": AFTERSALE | {"after_sale_order_id": "1"}}, {}]
)
async def test_one_that_was_not_asked_for_is_refused(answer: dict[str, Any]) -> None:
    listed = told({"after_sale_order_id_list": [NUMBER], "has_more": False})

    with pytest.raises(NothingLearntError) as error:
        await asked(listed, told(answer))

    assert error.value.finding.code == "OTHER_TRADE"
