"""Pushes of sales channels: what is proved is opened, what is not leaves nothing behind."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from clients.providers.accounts import Account
from clients.providers.callbacks import PROTOCOLS, Call, Opened, Refusal, RefusedError
from tests.unit.clients.providers.key_ring import NOW
from tests.unit.clients.providers.shop_platforms import (
    WEBHOOK_SECRETS,
    a_douyin_push,
    a_douyin_shop,
    a_lone_douyin_push,
    a_mini_program,
    a_plain_message,
    a_push,
    a_sealed_message,
    a_seller,
    a_shopify_shop,
    a_shopify_webhook,
    a_wechat_shop,
    a_woocommerce_shop,
    a_woocommerce_webhook,
    an_event,
    an_eventbridge_call,
    an_order_change,
)

ORDER = {"id": 450789469, "line_items": []}
EVENT = json.dumps(an_event()).encode()
XML = (
    b"<xml><ToUserName><![CDATA[gh_1]]></ToUserName><CreateTime>1658509200</CreateTime>"
    b"<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[channels_ec_order_pay]]></Event>"
    b"<order_info><order_id>3705115058471208928</order_id><pay_time>1658509200</pay_time>"
    b"</order_info></xml>"
)
ACCOUNTS: Mapping[str, Account] = {
    "douyin": a_douyin_shop(),
    "wechat_channels": a_wechat_shop(),
    "mini": a_mini_program(),
    "amazon": a_seller(),
    "shopify": a_shopify_shop(),
    "woocommerce": a_woocommerce_shop(),
}
GENUINE: Mapping[str, Call] = {
    "douyin": a_douyin_push(a_push()),
    "wechat_channels": a_sealed_message(EVENT),
    "mini": a_plain_message(json.dumps(an_event("trade_manage_order_settlement")).encode()),
    "amazon": an_eventbridge_call(an_order_change()),
    "shopify": a_shopify_webhook(ORDER),
    "woocommerce": a_woocommerce_webhook(ORDER),
}


def opened(account: Account, call: Call) -> Opened:
    return PROTOCOLS[account.provider].open(account, call, NOW)


def refusal(account: Account, call: Call) -> Refusal:
    with pytest.raises(RefusedError) as error:
        opened(account, call)
    return error.value.refusal


def receipt_of(found: Opened) -> tuple[str, str, str]:
    return found.template, found.message_id, found.order_hint


def test_what_each_channel_pushes_is_opened() -> None:
    told = {name: receipt_of(opened(ACCOUNTS[name], call)) for name, call in GENUINE.items()}

    at = int(NOW.timestamp())
    assert told == {
        "douyin": ("douyin.push", "0428::110:1618990587:6837", "4705288465508532862"),
        "wechat_channels": (
            "wechat_channels.event",
            f"channels_ec_order_pay:3705115058471208928:{at}",
            "3705115058471208928",
        ),
        "mini": ("mini.event", "", "3705115058471208928"),
        "amazon": (
            "amazon.order_change",
            "d0e9e693-c3ad-4373-979f-ed4ec98dd746",
            "903-8868176-2219830",
        ),
        "shopify": ("shopify.order", "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043", "450789469"),
        "woocommerce": ("woocommerce.order", "c2a41d2ecbd33f7b6f4f2a4b8a1a2e3d", "450789469"),
    }


@pytest.mark.parametrize("name", ["douyin", "amazon", "shopify", "woocommerce"])
def test_a_body_is_kept_as_it_came(name: str) -> None:
    assert opened(ACCOUNTS[name], GENUINE[name]).body == GENUINE[name].body


@pytest.mark.parametrize("name", ["douyin", "wechat_channels", "shopify", "woocommerce"])
def test_a_body_that_was_changed_is_refused(name: str) -> None:
    call = GENUINE[name]
    for changed in (call.body.replace(b"4", b"5"), call.body[:-1], b"[]", b"{}", b""):
        told = refusal(ACCOUNTS[name], replace(call, body=changed))
        assert told in {Refusal.SIGNATURE, Refusal.MALFORMED}


@pytest.mark.parametrize("name", ["douyin", "shopify", "woocommerce"])
def test_one_more_space_is_another_body(name: str) -> None:
    call = GENUINE[name]

    assert refusal(ACCOUNTS[name], replace(call, body=call.body + b" ")) is Refusal.SIGNATURE


@pytest.mark.parametrize("name", GENUINE)
def test_a_call_without_its_proof_is_refused(name: str) -> None:
    bare = replace(GENUINE[name], headers={}, query="")

    assert refusal(ACCOUNTS[name], bare) in {Refusal.SIGNATURE, Refusal.MALFORMED}


@pytest.mark.parametrize(
    ("account", "call"),
    [
        (a_douyin_shop(), a_douyin_push(a_push(), app="6838755371111111112")),
        (a_douyin_shop(shop="1"), a_douyin_push(a_push())),
        (a_wechat_shop(), a_sealed_message(EVENT, app="wx0000000000000000")),
        (a_seller(), an_eventbridge_call(an_order_change("A0000000000000"))),
        (a_shopify_shop(shop="other.myshopify.com"), a_shopify_webhook(ORDER)),
    ],
)
def test_what_is_for_somebody_else_is_refused(account: Account, call: Call) -> None:
    assert refusal(account, call) is Refusal.OTHER_ACCOUNT


def test_a_list_of_douyin_is_known_by_its_content() -> None:
    found = opened(a_douyin_shop(), a_douyin_push(a_push(), a_push(100)))

    assert receipt_of(found) == ("douyin.push", "", "4705288465508532862")


@pytest.mark.parametrize(
    "message",
    [
        a_push(data=json.dumps(a_push()["data"])),
        {"tag": "110", "msgId": "0428::110:1618990587:6837", "data": a_push()["data"]},
        a_push(data=a_push()["data"] | {"p_id": "4705288465508532862"}),
    ],
)
def test_the_shapes_of_a_message_of_douyin_are_one(message: dict[str, Any]) -> None:
    found = opened(a_douyin_shop(), a_douyin_push(message))

    assert found.message_id == "0428::110:1618990587:6837"
    assert found.order_hint == "4705288465508532862"


def test_a_message_of_douyin_may_come_without_its_list() -> None:
    alone = {"tag": 0, "msg_id": "0", "data": "probe"}

    assert opened(a_douyin_shop(), a_lone_douyin_push(alone)).message_id == "0"


def test_a_sealed_message_in_xml_says_the_same_as_in_json() -> None:
    in_xml = opened(a_wechat_shop(), a_sealed_message(XML, is_xml=True))

    assert json.loads(in_xml.body)["order_info"] == {
        "order_id": "3705115058471208928",
        "pay_time": "1658509200",
    }
    assert in_xml.content_type == "application/json"
    assert in_xml.template == "wechat_channels.event"


def test_a_shop_with_a_key_believes_nothing_that_is_not_sealed() -> None:
    assert refusal(a_wechat_shop(), a_plain_message(EVENT)) is Refusal.MALFORMED
    assert opened(a_wechat_shop(aes_key=None), a_plain_message(EVENT)).body == EVENT


def test_a_message_that_another_key_sealed_must_come_again() -> None:
    call = a_sealed_message(EVENT, key=bytes(32))

    assert refusal(a_wechat_shop(), call) is Refusal.KEY_UNKNOWN
    assert PROTOCOLS["wechat_channels"].refused(call, Refusal.KEY_UNKNOWN).status == 503


@pytest.mark.parametrize("off", [timedelta(seconds=301), timedelta(seconds=-301)])
def test_a_message_of_another_time_is_stale(off: timedelta) -> None:
    assert refusal(a_wechat_shop(), a_sealed_message(EVENT, NOW + off)) is Refusal.STALE
    assert refusal(a_mini_program(), a_plain_message(EVENT, NOW + off)) is Refusal.STALE


def test_events_that_may_come_twice_in_a_second_are_known_by_their_content() -> None:
    told = json.dumps(an_event("channels_ec_order_ext_info_update")).encode()

    assert opened(a_wechat_shop(), a_sealed_message(told)).message_id == ""


def test_a_webhook_is_believed_by_the_old_and_the_next_secret() -> None:
    for secret in WEBHOOK_SECRETS:
        opened(a_shopify_shop(), a_shopify_webhook(ORDER, secret=secret))
        opened(a_woocommerce_shop(), a_woocommerce_webhook(ORDER, secret=secret))
    wrong = a_shopify_webhook(ORDER, secret="shpss_another")
    assert refusal(a_shopify_shop(), wrong) is Refusal.SIGNATURE


@pytest.mark.parametrize(
    ("account", "call", "template"),
    [
        (a_shopify_shop(), a_shopify_webhook({"id": 5}, "orders/delete"), "shopify.unknown"),
        (a_shopify_shop(), a_shopify_webhook(ORDER, "refunds/create"), "shopify.unknown"),
        (
            a_woocommerce_shop(),
            a_woocommerce_webhook({"id": 5}, "order.deleted"),
            "woocommerce.unknown",
        ),
        (
            a_seller(),
            an_eventbridge_call(an_order_change() | {"NotificationType": "FEE_PROMOTION"}),
            "amazon.unknown",
        ),
        (
            a_wechat_shop(),
            a_sealed_message(json.dumps(an_event("product_spu_audit")).encode()),
            "wechat_channels.unknown",
        ),
    ],
)
def test_what_we_do_not_follow_is_kept_and_means_nothing(
    account: Account, call: Call, template: str
) -> None:
    assert opened(account, call).template == template


@pytest.mark.parametrize(
    ("topic", "template"),
    [
        ("refunds/create", "shopify.refund"),
        ("fulfillments/create", "shopify.fulfillment"),
        ("fulfillments/update", "shopify.fulfillment"),
    ],
)
def test_a_part_of_an_order_names_the_order(topic: str, template: str) -> None:
    found = opened(a_shopify_shop(), a_shopify_webhook({"id": 7, "order_id": 450789469}, topic))

    assert (found.template, found.order_hint) == (template, "450789469")


def test_the_old_notice_of_amazon_is_read_and_only_of_our_seller() -> None:
    change = an_order_change()["Payload"]["OrderChangeNotification"]
    notice = an_order_change() | {
        "NotificationType": "ORDER_STATUS_CHANGE",
        "Payload": {"OrderStatusChangeNotification": change},
    }

    found = opened(a_seller(), an_eventbridge_call(notice))

    assert found.template == "amazon.order_status_change"
    assert found.order_hint == change["AmazonOrderId"]
    other = notice | {"Payload": {"OrderStatusChangeNotification": change | {"SellerId": "X"}}}
    assert refusal(a_seller(), an_eventbridge_call(other)) is Refusal.OTHER_ACCOUNT


def test_no_bus_is_let_in_without_a_key() -> None:
    call = an_eventbridge_call(an_order_change(), key="")

    assert refusal(a_seller(push_keys=()), call) is Refusal.SIGNATURE
