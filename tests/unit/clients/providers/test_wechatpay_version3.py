"""Notices of WeChat Pay version 3: what is proved is opened, everything else is refused."""

import base64
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from clients.providers.callbacks import Refusal
from clients.providers.keys import key_of
from tests.unit.clients.providers.key_ring import NOW, certified
from tests.unit.clients.providers.platforms import (
    PUBLIC_KEY_ID,
    a_refund,
    a_sealed_notice,
    a_transaction,
    a_wechatpay_account,
    a_wechatpay_call,
    opened,
    refusal,
)

ACCOUNT = a_wechatpay_account()
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
PAYMENT = a_sealed_notice("TRANSACTION.SUCCESS", a_transaction())


def test_a_payment_is_its_resource_in_plain() -> None:
    found = opened(ACCOUNT, a_wechatpay_call(PAYMENT))

    assert found.template == "wechatpay.v3.transaction"
    assert found.message_id == "EV-1"
    assert found.order_hint == "T-1"
    assert json.loads(found.body) == a_transaction()


@pytest.mark.parametrize("event", ["REFUND.SUCCESS", "REFUND.ABNORMAL", "REFUND.CLOSED"])
def test_a_refund_in_each_state_is_its_resource_in_plain(event: str) -> None:
    content = a_refund(refund_status=event.partition(".")[2])

    found = opened(ACCOUNT, a_wechatpay_call(a_sealed_notice(event, content, "refund")))

    assert found.template == "wechatpay.v3.refund"
    assert json.loads(found.body) == content


@pytest.mark.parametrize("about", ["", None])
def test_associated_data_may_be_empty_or_absent(about: str | None) -> None:
    body = a_sealed_notice("TRANSACTION.SUCCESS", a_transaction(), about)

    assert opened(ACCOUNT, a_wechatpay_call(body)).order_hint == "T-1"


def test_the_platforms_public_key_counts_beside_its_certificate() -> None:
    call = a_wechatpay_call(PAYMENT, serial=PUBLIC_KEY_ID, key="wechatpay public key")

    assert opened(ACCOUNT, call).order_hint == "T-1"


def test_two_certificates_count_at_once() -> None:
    following = certified("wechatpay platform, the following")
    serial = f"{following.serial_number:X}"
    account = a_wechatpay_account(
        platform_keys={**ACCOUNT.platform_keys, serial: key_of(following)}
    )

    assert opened(account, a_wechatpay_call(PAYMENT))
    assert opened(
        account, a_wechatpay_call(PAYMENT, serial=serial, key="wechatpay platform, the following")
    )


def test_a_key_signs_for_its_own_serial_alone() -> None:
    call = a_wechatpay_call(PAYMENT, serial=PUBLIC_KEY_ID)

    assert refusal(ACCOUNT, call) is Refusal.SIGNATURE


def test_an_unknown_serial_must_come_again() -> None:
    call = a_wechatpay_call(PAYMENT, serial="5157F09EFDC096DE15EBE81A47057A7232F1B8E1")

    assert refusal(ACCOUNT, call) is Refusal.KEY_UNKNOWN


def test_a_certificate_that_has_run_out_is_an_unknown_one() -> None:
    past = certified("wechatpay platform, past", days=(-30, -1))
    serial = f"{past.serial_number:X}"
    account = a_wechatpay_account(platform_keys={serial: key_of(past)})

    call = a_wechatpay_call(PAYMENT, serial=serial, key="wechatpay platform, past")

    assert refusal(account, call) is Refusal.KEY_UNKNOWN


def test_the_platforms_own_test_signature_is_refused_like_any_other() -> None:
    call = a_wechatpay_call(PAYMENT)
    headers = {
        **call.headers,
        "wechatpay-signature": "WECHATPAY/SIGNTEST/" + call.headers["wechatpay-signature"],
    }

    assert refusal(ACCOUNT, replace(call, headers=headers)) is Refusal.SIGNATURE


def test_a_signature_has_one_spelling() -> None:
    call = a_wechatpay_call(PAYMENT)
    whole = call.headers["wechatpay-signature"]
    # 256 bytes leave four bits of the last letter without a meaning.
    last = LETTERS.index(whole[-3])
    assert last % 16 == 0
    for bits in range(1, 16):
        other = whole[:-3] + LETTERS[last + bits] + "=="
        assert base64.b64decode(other) == base64.b64decode(whole)
        headers = {**call.headers, "wechatpay-signature": other}
        assert refusal(ACCOUNT, replace(call, headers=headers)) is Refusal.SIGNATURE


@pytest.mark.parametrize(("seconds", "is_stale"), [(299, False), (300, True), (-300, True)])
def test_what_is_300_seconds_off_is_stale(seconds: int, is_stale: bool) -> None:  # noqa: FBT001  # A table.
    call = a_wechatpay_call(PAYMENT, at=NOW - timedelta(seconds=seconds))

    if is_stale:
        assert refusal(ACCOUNT, call) is Refusal.STALE
    else:
        assert opened(ACCOUNT, call)


@pytest.mark.parametrize(
    "name", ["wechatpay-signature", "wechatpay-timestamp", "wechatpay-nonce", "wechatpay-serial"]
)
def test_without_one_of_its_headers_a_notice_is_refused(name: str) -> None:
    call = a_wechatpay_call(PAYMENT)
    headers = {key: value for key, value in call.headers.items() if key != name}

    assert refusal(ACCOUNT, replace(call, headers=headers)) is Refusal.SIGNATURE


@pytest.mark.parametrize("change", [{"mchid": "1900000110"}, {"appid": "wx0000000000000000"}])
def test_a_payment_of_another_merchant_or_application_is_refused(change: dict[str, str]) -> None:
    body = a_sealed_notice("TRANSACTION.SUCCESS", a_transaction(**change))

    assert refusal(ACCOUNT, a_wechatpay_call(body)) is Refusal.OTHER_ACCOUNT


def test_a_payment_that_names_no_application_is_refused() -> None:
    content = a_transaction()
    del content["appid"]

    call = a_wechatpay_call(a_sealed_notice("TRANSACTION.SUCCESS", content))

    assert refusal(ACCOUNT, call) is Refusal.OTHER_ACCOUNT


def test_an_application_that_is_no_text_is_refused() -> None:
    body = a_sealed_notice("TRANSACTION.SUCCESS", a_transaction(appid=[{}]))

    assert refusal(ACCOUNT, a_wechatpay_call(body)) is Refusal.OTHER_ACCOUNT


def test_an_event_that_we_do_not_follow_is_kept_sealed() -> None:
    body = a_sealed_notice("PAYSCORE.USER_OPEN_SERVICE", {"mchid": "1900000109"})

    found = opened(ACCOUNT, a_wechatpay_call(body))

    assert (found.template, found.body) == ("wechatpay.unknown", body)


def test_an_unknown_event_of_another_merchant_is_refused() -> None:
    body = a_sealed_notice("PAYSCORE.USER_OPEN_SERVICE", {"mchid": "1900000110"})

    assert refusal(ACCOUNT, a_wechatpay_call(body)) is Refusal.OTHER_ACCOUNT


@pytest.mark.parametrize("owner", ["sp_mchid", "combine_mchid"])
def test_payments_of_other_kinds_of_merchants_are_kept_as_unknown(owner: str) -> None:
    body = a_sealed_notice("TRANSACTION.SUCCESS", {owner: "1900000109", "out_trade_no": "T-1"})

    assert opened(ACCOUNT, a_wechatpay_call(body)).template == "wechatpay.unknown"


def test_what_is_sealed_with_another_api_key_must_come_again() -> None:
    account = a_wechatpay_account(api_v3_key=b"another key, of 32 bytes exactly")

    assert refusal(account, a_wechatpay_call(PAYMENT)) is Refusal.KEY_UNKNOWN


@pytest.mark.parametrize(
    "change",
    [
        {"algorithm": "AEAD_AES_128_GCM"},
        {"ciphertext": "no base64!"},
        {"ciphertext": ""},
        {"nonce": 5},
        {"associated_data": ["transaction"]},
    ],
)
def test_a_resource_of_another_shape_is_refused(change: dict[str, object]) -> None:
    body = a_sealed_notice("TRANSACTION.SUCCESS", a_transaction(), "transaction", **change)

    assert refusal(ACCOUNT, a_wechatpay_call(body)) is Refusal.MALFORMED


@pytest.mark.parametrize("change", [{"nonce": "short"}, {"ciphertext": "AAAA"}, {"nonce": "é" * 5}])
def test_a_resource_that_does_not_open_must_come_again(change: dict[str, object]) -> None:
    body = a_sealed_notice("TRANSACTION.SUCCESS", a_transaction(), "transaction", **change)

    assert refusal(ACCOUNT, a_wechatpay_call(body)) is Refusal.KEY_UNKNOWN


def test_the_signature_is_over_the_raw_bytes() -> None:
    escaped = PAYMENT.replace(b'"EV-1"', b'"EV\\/1"')

    assert opened(ACCOUNT, a_wechatpay_call(escaped)).message_id == "EV/1"
    rewritten = replace(a_wechatpay_call(escaped), body=escaped.replace(b"\\/", b"/"))
    assert refusal(ACCOUNT, rewritten) is Refusal.SIGNATURE
