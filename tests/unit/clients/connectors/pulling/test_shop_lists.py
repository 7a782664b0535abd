"""What WeChat, Amazon, Shopify and WooCommerce are asked, and what is made of their answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from clients.connectors.channels import CHANNELS
from clients.connectors.inquiry import NothingLearntError, Result
from clients.connectors.pulling.calling import TOKEN_EXPIRED, Caller
from clients.connectors.pulling.platform import Page, Query
from clients.connectors.pulling.tokens import Tokens
from clients.connectors.pulling.windows import Window
from clients.providers.accounts.account import Account
from streams.logic.normalising import FactKind, Receipt, keyed, read
from streams.template_files import load_templates
from tests.unit.clients.connectors.answering import Answer, Provider, a_web
from tests.unit.clients.providers.key_ring import NOW
from tests.unit.clients.providers.shop_platforms import (
    a_mini_program,
    a_seller,
    a_shopify_shop,
    a_wechat_shop,
    a_woocommerce_shop,
)

# The article's local midnight, 29 December in Beijing.
START = datetime(2025, 12, 28, 16, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(hours=1))
SECONDS = 1766937600
BIG = 3705115058471208928
TEMPLATES = load_templates(keyed(b"a key of these tests' own"))

WECHAT_ORDER = {
    "order_id": str(BIG),
    "status": 20,
    "create_time": SECONDS + 60,
    "update_time": SECONDS + 90,
    "order_detail": {
        "price_info": {"order_price": 10500},
        "pay_info": {"pay_time": SECONDS + 80, "transaction_id": "42", "payment_method": 1},
        "product_infos": [{"sku_id": "S-1", "sku_cnt": 1, "sale_price": 10500}],
    },
}
MINI_ORDER = {
    "transaction_id": "4200000000000000000000000001",
    "merchant_trade_no": "T-1",
    "order_state": 1,
    "paid_amount": 100,
    "pay_time": SECONDS + 60,
    "trade_create_time": SECONDS + 50,
    "openid": "o1",
}
AMAZON_V0 = {
    "AmazonOrderId": "902-3159896-1390916",
    "PurchaseDate": "2025-12-28T16:01:00Z",
    "LastUpdateDate": "2025-12-28T16:02:00Z",
    "OrderStatus": "Unshipped",
    "OrderTotal": {"CurrencyCode": "USD", "Amount": "11.01"},
}
AMAZON_2026 = {
    "orderId": "902-3159896-1390916",
    "createdTime": "2025-12-28T16:01:00Z",
    "lastUpdatedTime": "2025-12-28T16:02:00Z",
    "fulfillment": {"fulfillmentStatus": "UNSHIPPED"},
    "proceeds": {"grandTotal": {"amount": "11.01", "currencyCode": "USD"}},
    "orderItems": [],
}
SHOPIFY_ORDER = {
    "id": 450789469,
    "created_at": "2025-12-28T11:01:00-05:00",
    "updated_at": "2025-12-28T11:02:00-05:00",
    "currency": "USD",
    "total_price": "11.01",
    "total_discounts": "0.00",
    "financial_status": "paid",
    "fulfillment_status": None,
    "line_items": [],
}
WOO_ORDER = {
    "id": 727,
    "status": "processing",
    "currency": "USD",
    "total": "11.01",
    "discount_total": "0.00",
    "discount_tax": "0.00",
    "date_created_gmt": "2025-12-28T16:01:00",
    "date_modified_gmt": "2025-12-28T16:02:00",
    "date_paid_gmt": "2025-12-28T16:01:30",
    "line_items": [],
}
WECHAT_TOKEN = httpx2.Response(200, json={"access_token": "t1", "expires_in": 7200})
AMAZON_TOKEN = httpx2.Response(200, json={"access_token": "a1", "expires_in": 3600})


def js(told: object, status: int = 200, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(status, json=told, headers=named)


async def no_pause(_: float) -> None:
    """Let no test wait."""


async def asked(
    account: Account, template: str, *answers: Answer, token: str = ""
) -> tuple[Page, Provider]:
    provider = Provider(list(answers))
    caller = Caller(a_web(provider), clock=lambda: NOW, monotonic=lambda: 0.0, sleep=no_pause)
    platform = CHANNELS[account.provider].make(caller, Tokens(lambda: 0.0))
    query = Query(template=template, window=WINDOW, token=token)
    return await platform.page(account, query), provider


async def failure(account: Account, template: str, *answers: Answer) -> tuple[Result, str]:
    with pytest.raises(NothingLearntError) as error:
        await asked(account, template, *answers)
    return error.value.finding.result, error.value.finding.code


def query_of(request: httpx2.Request) -> dict[str, str]:
    return dict(request.url.params)


def of_wechat(told: dict[str, Any]) -> httpx2.Response:
    return js({"errcode": 0, "errmsg": "ok"} | told)


ANSWERED: dict[str, Callable[[], tuple[Account, list[Answer]]]] = {
    "wechat_channels.order": lambda: (
        a_wechat_shop(),
        [
            WECHAT_TOKEN,
            of_wechat({"order_id_list": [str(BIG)], "has_more": False, "next_key": "n"}),
            of_wechat({"order": WECHAT_ORDER}),
        ],
    ),
    "mini.orders": lambda: (
        a_mini_program(),
        [WECHAT_TOKEN, of_wechat({"order_list": [MINI_ORDER], "has_more": False})],
    ),
    "amazon.orders.v0": lambda: (
        a_seller(),
        [AMAZON_TOKEN, js({"payload": {"Orders": [AMAZON_V0]}})],
    ),
    "amazon.orders.v2026": lambda: (a_seller(), [AMAZON_TOKEN, js({"orders": [AMAZON_2026]})]),
    "shopify.order": lambda: (a_shopify_shop(), [js({"orders": [SHOPIFY_ORDER]})]),
    "woocommerce.order": lambda: (
        a_woocommerce_shop(),
        [js([WOO_ORDER], x_wp_total="1", x_wp_totalpages="1")],
    ),
}


@pytest.mark.parametrize("template", ANSWERED)
async def test_what_a_list_brings_is_what_the_template_reads(template: str) -> None:
    account, answers = ANSWERED[template]()

    page, _ = await asked(account, template, *answers)

    [message] = page.messages
    found = read(
        Receipt(
            name="receipts/r-1",
            source=account.provider,
            template=template,
            channel="",
            body=message.body,
            content_type=message.content_type,
            receive_time=NOW,
        ),
        TEMPLATES,
    )
    assert found.rejection is None
    kinds = {fact.kind for fact in found.facts}
    assert {FactKind.ORDER_CREATED, FactKind.PAYMENT_SUCCEEDED} <= kinds
    assert {(fact.ref.namespace, fact.ref.value) for fact in found.facts} == {
        (account.provider, message.order)
    }
    assert message.changed_at is not None
    assert START < message.changed_at < START + timedelta(minutes=3)
    assert page.next_token == ""


async def test_wechat_is_asked_in_epoch_seconds_with_its_stable_token() -> None:
    account, answers = ANSWERED["wechat_channels.order"]()

    page, provider = await asked(account, "wechat_channels.order", *answers, token="k1")

    token, listed, detail = provider.requests
    assert token.url.path == "/cgi-bin/stable_token"
    assert query_of(listed) == {"access_token": "t1"}
    assert json.loads(listed.content) == {
        "update_time_range": {"start_time": SECONDS, "end_time": SECONDS + 3600},
        "page_size": 50,
        "next_key": "k1",
    }
    assert json.loads(detail.content) == {"order_id": str(BIG)}
    assert "t1" not in json.dumps(dict(page.asked))


async def test_there_is_more_only_where_wechat_says_so() -> None:
    more = of_wechat({"order_list": [MINI_ORDER], "has_more": True, "last_index": "i2"})

    page, _ = await asked(a_mini_program(), "mini.orders", WECHAT_TOKEN, more)

    assert page.next_token == "i2"


async def test_a_token_of_wechat_that_ended_is_got_anew_once() -> None:
    expired = js({"errcode": 42001, "errmsg": "access_token expired"})
    listed = of_wechat({"order_list": [], "has_more": False})

    page, provider = await asked(
        a_mini_program(), "mini.orders", WECHAT_TOKEN, expired, WECHAT_TOKEN, listed
    )

    assert page.row_count == 0
    assert len(provider.requests) == 4
    again = [WECHAT_TOKEN, expired, WECHAT_TOKEN, expired]
    assert await failure(a_mini_program(), "mini.orders", *again) == (
        Result.REFUSED,
        TOKEN_EXPIRED,
    )


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (45009, (Result.THROTTLED, "45009")),
        (-1, (Result.UNREACHABLE, "-1")),
        (48001, (Result.REFUSED, "48001")),
    ],
)
async def test_a_failure_of_wechat_comes_with_status_200(
    code: int, expected: tuple[Result, str]
) -> None:
    answers = [WECHAT_TOKEN, js({"errcode": code, "errmsg": "no"})]

    assert await failure(a_mini_program(), "mini.orders", *answers) == expected


async def test_an_order_of_wechat_that_was_not_asked_for_is_refused() -> None:
    answers = [
        WECHAT_TOKEN,
        of_wechat({"order_id_list": ["1"], "has_more": False}),
        of_wechat({"order": WECHAT_ORDER}),
    ]

    result, code = await failure(a_wechat_shop(), "wechat_channels.order", *answers)

    assert (result, code) == (Result.UNREACHABLE, "OTHER_TRADE")


async def test_amazon_is_asked_in_utc_and_with_the_same_filters_on_each_page() -> None:
    listed = js({"payload": {"Orders": [AMAZON_V0], "NextToken": "n" * 1500}})

    page, provider = await asked(
        a_seller(), "amazon.orders.v0", AMAZON_TOKEN, listed, token="100:before"
    )

    login, request = provider.requests
    assert login.url.path == "/auth/o2/token"
    assert query_of(request) == {
        "MarketplaceIds": "ATVPDKIKX0DER",
        "LastUpdatedAfter": "2025-12-28T16:00:00Z",
        "LastUpdatedBefore": "2025-12-28T17:00:00Z",
        "MaxResultsPerPage": "100",
        "NextToken": "before",
    }
    assert request.headers["x-amz-access-token"] == "a1"
    assert page.next_token == "100:" + "n" * 1500


async def test_amazon_is_asked_again_with_another_token_when_one_ended() -> None:
    denied = js({"errors": [{"code": "Unauthorized"}]}, 403)
    listed = js({"orders": [], "pagination": {}})

    page, provider = await asked(
        a_seller(), "amazon.orders.v2026", AMAZON_TOKEN, denied, AMAZON_TOKEN, listed
    )

    assert (page.row_count, len(provider.requests)) == (0, 4)


@pytest.mark.parametrize(
    ("status", "told", "expected"),
    [
        (400, {"errors": [{"code": "InvalidInput"}]}, (Result.REFUSED, "InvalidInput")),
        (200, {"errors": [{"code": "InvalidInput"}]}, (Result.REFUSED, "InvalidInput")),
        (429, {"errors": [{"code": "QuotaExceeded"}]}, (Result.THROTTLED, "QuotaExceeded")),
        (503, {"errors": []}, (Result.UNREACHABLE, "503")),
    ],
)
async def test_a_failure_of_amazon_is_told_by_its_own_word(
    status: int, told: dict[str, Any], expected: tuple[Result, str]
) -> None:
    answers = [AMAZON_TOKEN, js(told, status)]

    assert await failure(a_seller(), "amazon.orders.v0", *answers) == expected


async def test_a_seller_who_took_the_permission_back_is_not_asked() -> None:
    gone = js({"error": "invalid_grant"}, 400)

    assert await failure(a_seller(), "amazon.orders.v0", gone) == (Result.REFUSED, "invalid_grant")


async def test_shopify_is_asked_for_every_state_and_followed_by_its_link() -> None:
    link = (
        "<https://x.myshopify.com/admin/api/2026-01/orders.json?limit=100&page_info=p1>; "
        'rel="previous", '
        '<https://x.myshopify.com/admin/api/2026-01/orders.json?limit=100&page_info=p2>; rel="next"'
    )

    page, provider = await asked(
        a_shopify_shop(), "shopify.order", js({"orders": [SHOPIFY_ORDER]}, link=link)
    )

    [request] = provider.requests
    assert query_of(request) == {
        "limit": "100",
        "updated_at_min": "2025-12-28T16:00:00Z",
        "updated_at_max": "2025-12-28T17:00:00Z",
        "status": "any",
        "order": "updated_at asc",
    }
    assert page.next_token == "p2"
    _, provider = await asked(
        a_shopify_shop(), "shopify.order", js({"orders": []}), token=page.next_token
    )
    assert query_of(provider.requests[0]) == {"limit": "100", "page_info": "p2"}


async def test_a_site_is_asked_in_utc_and_a_second_further_on_both_sides() -> None:
    answer = js([WOO_ORDER], x_wp_total="1")

    _, provider = await asked(a_woocommerce_shop(), "woocommerce.order", answer)

    sent = query_of(provider.requests[0])
    assert (sent["modified_after"], sent["modified_before"], sent["dates_are_gmt"]) == (
        "2025-12-28T15:59:59",
        "2025-12-28T17:00:01",
        "true",
    )


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (js({"code": "rest_forbidden"}, 401), (Result.REFUSED, TOKEN_EXPIRED)),
        (js({"code": "rest_no_route"}, 404), (Result.REFUSED, "404")),
        (js({"code": "error"}, 200), (Result.REFUSED, "WOOCOMMERCE_ERROR")),
        (httpx2.Response(200, text="<b>Warning</b>[]"), (Result.UNREACHABLE, "MALFORMED")),
        (js([WOO_ORDER]), (Result.UNREACHABLE, "MALFORMED")),
    ],
)
async def test_what_is_no_list_of_a_site_is_a_failure(
    answer: httpx2.Response, expected: tuple[Result, str]
) -> None:
    assert await failure(a_woocommerce_shop(), "woocommerce.order", answer) == expected


async def test_a_shop_of_shopify_that_shut_us_out_is_told() -> None:
    assert await failure(a_shopify_shop(), "shopify.order", js({"errors": "no"}, 401)) == (
        Result.REFUSED,
        TOKEN_EXPIRED,
    )
