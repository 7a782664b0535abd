"""What a call opens to is what its template reads: the two sides share names, and no code."""

import json
from pathlib import Path

import pytest
import yaml

from clients.providers import adyen
from clients.providers.accounts import Account
from clients.providers.callbacks import PROTOCOLS, Call
from streams.logic.normalising import FactKind, Reading, Receipt, keyed, read
from streams.template_files import load_templates
from tests.unit.clients.providers.hashing_platforms import (
    a_douyin_account,
    a_douyin_call,
    a_douyin_payment,
    a_stripe_account,
    a_stripe_call,
    a_stripe_event,
    an_adyen_account,
    an_adyen_call,
    an_adyen_item,
)
from tests.unit.clients.providers.key_ring import NOW
from tests.unit.clients.providers.platforms import (
    a_refund,
    a_sealed_notice,
    a_transaction,
    a_unionpay_account,
    a_unionpay_call,
    a_unionpay_notice,
    a_version_2_call,
    a_version_2_payment,
    a_version_2_refund_call,
    a_wechatpay_account,
    a_wechatpay_call,
    an_alipay_account,
    an_alipay_call,
    an_alipay_notice,
    opened,
    xml_of,
)

ROOT = Path(__file__).parents[4]
TEMPLATES = load_templates(keyed(b"a key of these tests' own"))
INTENT = {
    "id": "pi_1",
    "object": "payment_intent",
    "amount": 100,
    "amount_received": 100,
    "currency": "usd",
    "status": "succeeded",
    "created": 1795320000,
    "metadata": {"order": "T-1"},
}
REFUND_2 = {
    "out_trade_no": "T-1",
    "out_refund_no": "R-1",
    "transaction_id": "42",
    "refund_id": "50",
    "refund_fee": "40",
    "total_fee": "100",
    "refund_status": "SUCCESS",
    "success_time": "2026-11-22 12:00:00",
}
CALLS: dict[str, tuple[Account, Call, FactKind]] = {
    "wechatpay v3 payment": (
        a_wechatpay_account(),
        a_wechatpay_call(a_sealed_notice("TRANSACTION.SUCCESS", a_transaction())),
        FactKind.PAYMENT_SUCCEEDED,
    ),
    "wechatpay v3 refund": (
        a_wechatpay_account(),
        a_wechatpay_call(a_sealed_notice("REFUND.SUCCESS", a_refund())),
        FactKind.REFUND_SUCCEEDED,
    ),
    "wechatpay v2 payment": (
        a_wechatpay_account(),
        a_version_2_call(a_version_2_payment(fee_type="CNY")),
        FactKind.PAYMENT_SUCCEEDED,
    ),
    "wechatpay v2 refund": (
        a_wechatpay_account(),
        a_version_2_refund_call(xml_of(REFUND_2, "root")),
        FactKind.REFUND_SUCCEEDED,
    ),
    "alipay": (
        an_alipay_account(),
        an_alipay_call(an_alipay_notice()),
        FactKind.PAYMENT_SUCCEEDED,
    ),
    "alipay in GBK": (
        an_alipay_account(),
        an_alipay_call(an_alipay_notice(charset="GBK"), "gbk"),
        FactKind.PAYMENT_SUCCEEDED,
    ),
    "unionpay": (
        a_unionpay_account(),
        a_unionpay_call(a_unionpay_notice()),
        FactKind.PAYMENT_SUCCEEDED,
    ),
    "stripe": (
        a_stripe_account(),
        a_stripe_call(a_stripe_event(data={"object": INTENT})),
        FactKind.PAYMENT_SUCCEEDED,
    ),
    "adyen": (
        an_adyen_account(),
        an_adyen_call(
            an_adyen_item()
            | {"additionalData": an_adyen_item()["additionalData"] | {"manualCapture": "false"}}
        ),
        FactKind.PAYMENT_SUCCEEDED,
    ),
    "douyin_pay": (
        a_douyin_account(),
        a_douyin_call(a_douyin_payment()),
        FactKind.PAYMENT_SUCCEEDED,
    ),
}


def reading(account: Account, call: Call) -> Reading:
    found = opened(account, call)
    return read(
        Receipt(
            name="receipts/r-1",
            source=account.provider,
            template=found.template,
            channel="",
            body=found.body,
            content_type=found.content_type,
            receive_time=NOW,
        ),
        TEMPLATES,
    )


@pytest.mark.parametrize("name", CALLS)
def test_an_opened_call_becomes_its_fact(name: str) -> None:
    account, call, kind = CALLS[name]

    found = reading(account, call)

    assert found.rejection is None
    assert [fact.kind for fact in found.facts] == [kind]
    assert found.facts[0].amount is not None
    hint = opened(account, call).order_hint
    assert found.facts[0].ref.value == hint


def test_every_provider_has_a_template_for_what_is_unknown() -> None:
    # A push of Douyin may hold several messages; those of an unknown tag mean nothing in it.
    for provider in PROTOCOLS.keys() - {"douyin"}:
        assert f"{provider}.unknown" in TEMPLATES.by_name


def test_what_is_unknown_means_nothing() -> None:
    body = a_sealed_notice("PAYSCORE.USER_OPEN_SERVICE", {"mchid": "1900000109"})

    found = reading(a_wechatpay_account(), a_wechatpay_call(body))

    assert (found.facts, found.rejection) == ((), None)


def test_the_events_of_adyen_that_are_followed_are_those_that_are_read() -> None:
    template = yaml.safe_load((ROOT / "streams/templates/adyen.notice.yaml").read_text())
    conditions = [
        condition["is"]
        for part in template["parts"]
        for condition in part["when"]
        if condition.get("path") == "eventCode"
    ]

    events = {
        event for told in conditions for event in (told if isinstance(told, list) else [told])
    }
    assert events == adyen.FOLLOWED


def test_the_message_of_douyin_is_json_inside_json() -> None:
    found = opened(a_douyin_account(), a_douyin_call(a_douyin_payment()))

    assert json.loads(json.loads(found.body)["msg"]) == a_douyin_payment()
