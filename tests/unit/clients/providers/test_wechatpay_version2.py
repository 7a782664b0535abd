"""Notices of WeChat Pay version 2: signed XML of payments, sealed XML of refunds."""

from dataclasses import replace

import pytest

from clients.providers.callbacks import Call, Refusal
from tests.unit.clients.providers.platforms import (
    a_call,
    a_sealed_notice,
    a_transaction,
    a_version_2_call,
    a_version_2_payment,
    a_version_2_refund_call,
    a_wechatpay_account,
    a_wechatpay_call,
    opened,
    refusal,
    xml_of,
)

ACCOUNT = a_wechatpay_account()
REFUND = {
    "out_trade_no": "T-1",
    "out_refund_no": "R-1",
    "transaction_id": "4200000000000000000000000001",
    "refund_id": "50000000000000000000000000001",
    "refund_fee": "40",
    "total_fee": "100",
    "refund_status": "SUCCESS",
    "refund_recv_accout": "用户零钱",
    "success_time": "2026-11-22 12:00:00",
}


@pytest.mark.parametrize("kind", ["MD5", "HMAC-SHA256"])
@pytest.mark.parametrize("is_named", [True, False])
def test_a_payment_is_believed_by_either_signature(kind: str, is_named: bool) -> None:  # noqa: FBT001  # A table.
    fields = a_version_2_payment(**({"sign_type": kind} if is_named else {}))
    call = a_version_2_call(fields, kind)

    found = opened(ACCOUNT, call)

    assert found.template == "wechatpay.v2.transaction"
    assert found.message_id == "4200000000000000000000000001"
    assert found.order_hint == "T-1"
    assert found.body == call.body


def test_the_kind_that_is_named_must_be_the_one_that_signed() -> None:
    call = a_version_2_call(a_version_2_payment(sign_type="HMAC-SHA256"), "MD5")

    assert refusal(ACCOUNT, call) is Refusal.SIGNATURE


def test_another_key_is_refused() -> None:
    call = a_version_2_call(a_version_2_payment(), key=b"another key, of 32 bytes exactly")

    assert refusal(ACCOUNT, call) is Refusal.SIGNATURE


def test_no_letter_of_a_signed_field_can_be_changed() -> None:
    call = a_version_2_call(a_version_2_payment())
    for old, new in ((b"[100]", b"[101]"), (b"T-1", b"T-2"), (b"coupon_fee_1", b"coupon_fee_2")):
        assert old in call.body
        changed = replace(call, body=call.body.replace(old, new))
        assert refusal(ACCOUNT, changed) is Refusal.SIGNATURE


def test_a_payment_without_a_signature_is_refused() -> None:
    call = a_call(xml_of(a_version_2_payment()))

    assert refusal(ACCOUNT, call) is Refusal.SIGNATURE


@pytest.mark.parametrize("change", [{"mch_id": "1900000110"}, {"appid": "wx0000000000000000"}])
def test_a_payment_of_another_merchant_or_application_is_refused(change: dict[str, str]) -> None:
    call = a_version_2_call(a_version_2_payment(**change))

    assert refusal(ACCOUNT, call) is Refusal.OTHER_ACCOUNT


def test_a_signed_notice_of_another_kind_is_kept_as_unknown() -> None:
    fields = a_version_2_payment(change_type="ADD", contract_id="C-1")
    del fields["transaction_id"]

    assert opened(ACCOUNT, a_version_2_call(fields)).template == "wechatpay.unknown"


def test_a_refund_is_its_sealed_part_in_plain() -> None:
    plain = xml_of(REFUND, "root")

    found = opened(ACCOUNT, a_version_2_refund_call(plain))

    assert found.template == "wechatpay.v2.refund"
    assert found.message_id == "50000000000000000000000000001:SUCCESS"
    assert found.order_hint == "T-1"
    assert found.body == plain


def test_a_refund_sealed_with_another_key_is_refused() -> None:
    call = a_version_2_refund_call(xml_of(REFUND, "root"), key=b"another key, of 32 bytes exactly")

    assert refusal(ACCOUNT, call) in {Refusal.SIGNATURE, Refusal.MALFORMED}


@pytest.mark.parametrize("field", ["refund_id", "refund_fee", "refund_status", "out_refund_no"])
def test_a_refund_must_look_like_one_in_every_field_that_counts(field: str) -> None:
    for value in ("", "<odd>", "值"):
        plain = xml_of({**REFUND, field: value}, "root")
        assert refusal(ACCOUNT, a_version_2_refund_call(plain)) is Refusal.MALFORMED


def test_blocks_of_a_refund_cannot_be_put_in_another_order() -> None:
    call = a_version_2_refund_call(xml_of(REFUND, "root"))
    head, _, rest = call.body.decode().partition("<req_info><![CDATA[")
    sealed, _, tail = rest.partition("]]>")

    # Sixteen bytes are 64 characters of base64 for three blocks.
    for at in range(0, len(sealed) - 128, 64):
        moved = sealed[:at] + sealed[at + 64 : at + 128] + sealed[at : at + 64] + sealed[at + 128 :]
        body = f"{head}<req_info><![CDATA[{moved}]]>{tail}".encode()
        assert refusal(ACCOUNT, replace(call, body=body)) in {
            Refusal.MALFORMED,
            Refusal.SIGNATURE,
        }


def test_a_refund_of_another_merchant_is_refused() -> None:
    call = a_version_2_refund_call(xml_of(REFUND, "root"), mch_id="1900000110")

    assert refusal(ACCOUNT, call) is Refusal.OTHER_ACCOUNT


def test_without_a_key_of_version_2_its_notices_must_come_again() -> None:
    account = a_wechatpay_account(api_v2_key=None)

    assert refusal(account, a_version_2_call(a_version_2_payment())) is Refusal.KEY_UNKNOWN


@pytest.mark.parametrize(
    "body",
    [
        b'<?xml version="1.0"?><!DOCTYPE xml [<!ENTITY a "b">]><xml><a>&a;</a></xml>',
        b'<!DOCTYPE xml SYSTEM "file:///etc/passwd"><xml><a>1</a></xml>',
        b"<xml><a><b>1</b></a></xml>",
        b"<xml><a>1</a><a>2</a></xml>",
        b"<xml><a x='1'>1</a></xml>",
        b"<xml>text<a>1</a></xml>",
        b"<other><a>1</a></other>",
        b"<xml><a>1</a>",
        b"<",
        b'<?xml version="1.0" encoding="gbk"?><xml><a>1</a></xml>',
        b'<?xml version="1.0" encoding="odd"?><xml><a>1</a></xml>',
        b"<xml>" + b"<a>" * 1000,
        b"<xml><return_code>FAIL</return_code></xml>",
        b"<xml>" + b"".join(b"<a%d>1</a%d>" % (n, n) for n in range(300)) + b"</xml>",
    ],
)
def test_xml_that_is_not_a_flat_list_of_fields_is_refused(body: bytes) -> None:
    assert refusal(ACCOUNT, a_call(body)) is Refusal.MALFORMED


def test_the_headers_of_version_3_cannot_be_put_on_version_2() -> None:
    signed = a_wechatpay_call(a_sealed_notice("TRANSACTION.SUCCESS", a_transaction()))
    payment = a_version_2_call(a_version_2_payment())
    mixed = Call("POST", "/", "", {**signed.headers, **payment.headers}, payment.body)

    assert refusal(ACCOUNT, mixed) is Refusal.SIGNATURE
