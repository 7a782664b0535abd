"""Builders: receipts with defaults, and the readers of this folder's tests."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode

from streams.logic.normalising import Fact, Reading, Receipt, Rejection, keyed, read
from streams.template_files import load_templates

RECEIVED = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
TEMPLATES = load_templates(keyed(b"a key of this test's own"))


def a_receipt(
    template: str = "concord.event",
    body: object = b"",
    *,
    source: str = "",
    channel: str = "",
    account: str = "",
    content_type: str = "application/json",
) -> Receipt:
    """A receipt of a body: bytes as they are, text as UTF-8, anything else as JSON."""
    if isinstance(body, str):
        body = body.encode()
    return Receipt(
        name="receipts/r-1",
        source=source or template.partition(".")[0],
        template=template,
        channel=channel,
        body=body if isinstance(body, bytes) else json.dumps(body).encode(),
        content_type=content_type,
        receive_time=RECEIVED,
        account=account,
    )


def reading_of(template: str, body: object, **receipt: str) -> Reading:
    return read(a_receipt(template, body, **receipt), TEMPLATES)


def facts_of(template: str, body: object, **receipt: str) -> tuple[Fact, ...]:
    """The facts of a message that must be readable."""
    reading = reading_of(template, body, **receipt)
    assert reading.rejection is None, reading.rejection
    return reading.facts


def fact_of(template: str, body: object, **receipt: str) -> Fact:
    """The only fact of a message."""
    (fact,) = facts_of(template, body, **receipt)
    return fact


def rejection_of(template: str, body: object) -> Rejection:
    """The rejection of a message that must not be readable at all."""
    reading = reading_of(template, body)
    assert reading.facts == ()
    assert reading.rejection is not None
    return reading.rejection


def a_form(fields: Mapping[str, str], charset: str = "utf-8") -> bytes:
    """The fields as a url-encoded form."""
    return urlencode(fields, encoding=charset).encode()


def as_pairs(fields: Mapping[str, str]) -> bytes:
    """The fields as an answer that is not url-encoded."""
    return "&".join(f"{key}={value}" for key, value in fields.items()).encode()


def as_xml(fields: Mapping[str, str], root: str = "xml") -> bytes:
    """The fields as the flat XML of WeChat Pay."""
    inner = "".join(f"<{key}><![CDATA[{value}]]></{key}>" for key, value in fields.items())
    return f"<{root}>{inner}</{root}>".encode()


def an_event(**fields: object) -> dict[str, object]:
    """One event of Concord's own JSON: a payment of 12.34 yuan."""
    return {
        "id": "evt-1",
        "type": "payment.succeeded",
        "channel": "douyin",
        "source": "wechatpay",
        "order": {"namespace": "douyin", "value": "4705288465508532862"},
        "occurred_at": "2026-11-22T08:00:00.123456Z",
        "amount": {"currency": "CNY", "value": "12.34"},
        "voucher": "42000001",
        **fields,
    }


def a_push(tag: object, **fields: object) -> dict[str, object]:
    """One Douyin push about order 7001."""
    return {"tag": tag, "msg_id": "m-1", "data": {"p_id": 7001, **fields}}


def a_transaction(**fields: object) -> dict[str, object]:
    """A paid WeChat Pay transaction of 23.45 yuan."""
    return {
        "out_trade_no": "T-1",
        "transaction_id": "42000002",
        "trade_state": "SUCCESS",
        "success_time": "2026-01-01T07:30:00+08:00",
        "amount": {"total": 2345, "payer_total": 2000, "currency": "CNY"},
        **fields,
    }


def an_amazon_order(status: str = "Unshipped", **fields: object) -> dict[str, object]:
    """An Amazon order of version 0, wrapped as getOrders answers."""
    order = {
        "AmazonOrderId": "111-1",
        "PurchaseDate": "2026-01-01T00:00:01Z",
        "LastUpdateDate": "2026-01-01T02:00:02Z",
        "OrderStatus": status,
        "OrderTotal": {"CurrencyCode": "USD", "Amount": "19.90"},
        **fields,
    }
    return {"payload": {"Orders": [order]}}
