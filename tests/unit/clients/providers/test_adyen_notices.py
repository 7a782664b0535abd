"""Notices of Adyen: each item is proved, and what its own library signs is believed."""

import json

import pytest
from Adyen.util import generate_notification_sig, is_valid_hmac_notification

from clients.providers.adyen import FOLLOWED
from clients.providers.callbacks import Refusal
from tests.unit.clients.providers.hashing_platforms import (
    HMAC_KEYS,
    an_adyen_account,
    an_adyen_call,
    an_adyen_item,
)
from tests.unit.clients.providers.platforms import a_call, opened, refusal

ACCOUNT = an_adyen_account()


@pytest.mark.parametrize("event", sorted(FOLLOWED))
@pytest.mark.parametrize("success", ["true", "false"])
def test_what_the_library_signs_is_kept_as_it_came(event: str, success: str) -> None:
    item = an_adyen_item(eventCode=event, success=success, originalReference="8888")
    item["additionalData"] = {
        "hmacSignature": generate_notification_sig(item, HMAC_KEYS[1].hex()).decode()
    }
    call = an_adyen_call(item)

    found = opened(ACCOUNT, call)

    assert found.template == "adyen.notice"
    assert found.message_id == f"7914073381342284:{event}:{success}"
    assert (found.order_hint, found.body) == ("T-1", call.body)


@pytest.mark.parametrize("key", HMAC_KEYS)
def test_what_we_believe_the_library_believes(key: bytes) -> None:
    item = an_adyen_item(key, merchantReference="T:1", originalReference="9")

    assert opened(ACCOUNT, an_adyen_call(item))
    assert is_valid_hmac_notification(item, key.hex())


@pytest.mark.parametrize(
    "change",
    [
        {"pspReference": "7914073381342285"},
        {"merchantReference": "T-2"},
        {"amount": {"currency": "EUR", "value": 1131}},
        {"amount": {"currency": "USD", "value": 1130}},
        {"eventCode": "REFUND"},
        {"success": "false"},
        {"originalReference": "1"},
    ],
)
def test_no_value_that_is_signed_can_be_changed(change: dict[str, object]) -> None:
    item = an_adyen_item() | change

    assert refusal(ACCOUNT, an_adyen_call(item)) is Refusal.SIGNATURE
    assert not is_valid_hmac_notification(item, HMAC_KEYS[0].hex())


def test_every_item_must_be_proved() -> None:
    good, bad = an_adyen_item(), an_adyen_item() | {"success": "false"}

    assert opened(ACCOUNT, an_adyen_call(good, good)).message_id == ""
    assert refusal(ACCOUNT, an_adyen_call(good, bad)) is Refusal.SIGNATURE
    assert refusal(ACCOUNT, an_adyen_call(bad, good)) is Refusal.SIGNATURE


def test_text_cannot_be_moved_across_a_colon() -> None:
    """The library believes these: it joins what it finds, and the joined texts are the same."""
    genuine = an_adyen_item(merchantReference="T:1130:EUR:CAPTURE", success="true")
    signature = genuine["additionalData"]
    moved = [
        {"pspReference": "7914073381342284:", "originalReference": "Shop"},
        {"merchantAccountCode": "Shop:T", "merchantReference": "1130:EUR:CAPTURE"},
        {"merchantReference": "T", "amount": {"value": "1130:EUR:CAPTURE:1130", "currency": "EUR"}},
        {"merchantReference": "T:1130:EUR", "eventCode": "1130:EUR:AUTHORISATION"},
        {"merchantReference": "T:1130:EUR:CAPTURE:1130", "amount": {"value": "EUR"}},
    ]

    assert opened(ACCOUNT, an_adyen_call(genuine))
    for change in moved:
        item = genuine | change | {"additionalData": signature}
        assert refusal(ACCOUNT, an_adyen_call(item)) in {Refusal.MALFORMED, Refusal.SIGNATURE}


def test_text_cannot_be_moved_past_the_account() -> None:
    genuine = an_adyen_item(merchantReference="Shop:T-1")
    moved = genuine | {"originalReference": ":Shop", "merchantReference": "T-1"}

    assert is_valid_hmac_notification(moved, HMAC_KEYS[0].hex())
    assert refusal(ACCOUNT, an_adyen_call(moved)) is Refusal.MALFORMED


def test_an_item_of_another_merchant_account_is_refused() -> None:
    call = an_adyen_call(an_adyen_item(merchantAccountCode="OtherShop"))

    assert refusal(ACCOUNT, call) is Refusal.OTHER_ACCOUNT


def test_an_event_that_we_do_not_follow_is_kept_as_unknown() -> None:
    assert opened(ACCOUNT, an_adyen_call(an_adyen_item(eventCode="REPORT_AVAILABLE"))).template == (
        "adyen.unknown"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"success": True},
        {"amount": None},
        {"amount": {"currency": "EUR", "value": "1130"}},
        {"amount": {"currency": "EUR", "value": True}},
        {"amount": {"currency": "EUR", "value": 11.3}},
        {"amount": {"currency": "eu", "value": 1130}},
        {"eventCode": ""},
        {"pspReference": None},
        {"merchantReference": 5},
        {"additionalData": None},
        {"additionalData": {"hmacSignature": ""}},
        {"additionalData": {}},
    ],
)
def test_an_item_of_another_shape_is_refused(change: dict[str, object]) -> None:
    assert refusal(ACCOUNT, an_adyen_call(an_adyen_item() | change)) is Refusal.MALFORMED


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"{}",
        b'{"notificationItems":[]}',
        b'{"notificationItems":{}}',
        b'{"notificationItems":[5]}',
        b'{"notificationItems":[{"NotificationRequestItem":[]}]}',
        json.dumps({"notificationItems": [{}] * 101}).encode(),
    ],
)
def test_a_body_without_items_is_refused(body: bytes) -> None:
    assert refusal(ACCOUNT, a_call(body)) is Refusal.MALFORMED
