"""Every published signature vector is believed as it is, and not with one byte of it changed.

Changed means each byte in turn: its lowest bit makes another letter or digit, bit 6 another case,
and all bits a byte that no text of a platform has.
"""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from clients.providers.accounts import AdyenAccount
from clients.providers.callbacks import Refusal, RefusedError
from clients.providers.wechatpay import version2, version3
from tests.contract.samples.callback_vectors import VECTORS, Vector, adyen, wechatpay_v3

Sample = Callable[[str], bytes]
SIGNED_HEADERS = (
    "wechatpay-timestamp",
    "wechatpay-nonce",
    "wechatpay-serial",
    "wechatpay-signature",
)
MASKS = (0x01, 0x20, 0xFF)
WHOLE_BODY = [name for name in VECTORS if name != "adyen"]


def flips(content: bytes) -> list[bytes]:
    """Return the content once for each of its bytes and each mask, with that byte changed."""
    return [
        content[:at] + bytes([content[at] ^ mask]) + content[at + 1 :]
        for at in range(len(content))
        for mask in MASKS
    ]


@pytest.mark.parametrize("name", VECTORS)
def test_a_vector_is_believed_at_its_own_time(sample: Sample, name: str) -> None:
    vector = VECTORS[name](sample)

    opened = vector.opened()

    assert opened.template == vector.template
    assert opened.message_id
    assert opened.body == vector.call.body


@pytest.mark.parametrize("name", WHOLE_BODY)
def test_no_byte_of_a_body_can_be_changed(sample: Sample, name: str) -> None:
    vector = VECTORS[name](sample)

    believed = [body for body in flips(vector.call.body) if vector.with_body(body).is_taken()]

    assert believed == []


@pytest.mark.parametrize("name", [name for name in VECTORS if name.startswith("wechatpay")])
@pytest.mark.parametrize("header", SIGNED_HEADERS)
def test_no_byte_of_a_signed_header_can_be_changed(sample: Sample, name: str, header: str) -> None:
    vector = VECTORS[name](sample)
    whole = vector.call.headers[header]

    changed = [each.decode("latin-1") for each in flips(whole.encode())]
    changed += [whole + "=", whole + " ", whole[:-1], whole.swapcase(), "0" + whole]
    believed = [
        value
        for value in changed
        if value != whole and vector.with_header(header, value).is_taken()
    ]

    assert believed == []
    assert not vector.without_header(header).is_taken()


@pytest.mark.parametrize("name", WHOLE_BODY)
def test_no_byte_can_be_added_or_taken_away(sample: Sample, name: str) -> None:
    vector = VECTORS[name](sample)
    body = vector.call.body

    shorter = [body[:at] + body[at + 1 :] for at in range(len(body))]
    longer = [body[:at] + b"0" + body[at:] for at in range(len(body))]
    believed = [each for each in shorter + longer if vector.with_body(each).is_taken()]

    assert believed == []


def test_nothing_that_adyen_signs_can_be_changed(sample: Sample) -> None:
    vector = adyen(sample)
    body = vector.call.body
    item = json.loads(body)["notificationItems"][0]["NotificationRequestItem"]
    signed = [
        json.dumps(item[field]).encode()
        for field in (
            "pspReference",
            "merchantAccountCode",
            "merchantReference",
            "eventCode",
            "success",
        )
    ]
    signed += [b'"EUR"', b"1130}"[:-1], item["additionalData"]["hmacSignature"].encode()]

    for value in signed:
        assert body.count(value) == 1
        for changed in flips(value):
            assert not vector.with_body(body.replace(value, changed)).is_taken(), changed


def test_adyen_is_not_believed_with_another_key(sample: Sample) -> None:
    vector = adyen(sample)
    other = AdyenAccount(name="main", merchant="TestMerchant", hmac_keys=(bytes(32),))

    assert not Vector(other, vector.call, vector.at, vector.template).is_taken()


@pytest.mark.parametrize("mode", ["certificate", "public_key"])
@pytest.mark.parametrize("seconds", [-300, 300, 86400, -86400])
def test_wechatpay_is_stale_300_seconds_off(sample: Sample, mode: str, seconds: int) -> None:
    vector = wechatpay_v3(sample, mode)

    assert vector.opened(vector.at + timedelta(seconds=299))
    assert vector.opened(vector.at - timedelta(seconds=299))
    with pytest.raises(RefusedError) as refused:
        vector.opened(vector.at + timedelta(seconds=seconds))
    assert refused.value.refusal is Refusal.STALE


@pytest.mark.parametrize("name", ["alipay", "douyin_pay"])
def test_a_vector_is_stale_after_the_platform_has_given_up(sample: Sample, name: str) -> None:
    vector = VECTORS[name](sample)

    assert vector.opened(vector.at + timedelta(hours=25))
    for off in (timedelta(hours=27), -timedelta(minutes=11)):
        with pytest.raises(RefusedError) as refused:
            vector.opened(vector.at + off)
        assert refused.value.refusal is Refusal.STALE


def test_unionpays_certificate_has_run_out(sample: Sample) -> None:
    vector = VECTORS["unionpay"](sample)

    with pytest.raises(RefusedError) as refused:
        vector.opened(vector.at.replace(year=2026))

    assert refused.value.refusal is Refusal.CERTIFICATE


def test_a_sealed_resource_opens_to_the_published_plaintext(sample: Sample) -> None:
    vector = wechatpay_v3(sample, "certificate")
    published = json.loads(sample("wechatpay/v3_notify_signed_vector_go.json"))

    envelope = json.loads(vector.call.body)
    plain = version3.unsealed(vector.account, envelope["resource"])

    assert plain.decode() == published["expected"]["plaintext"]


@pytest.mark.parametrize("kind", [version2.MD5, version2.HMAC_SHA256])
def test_a_signature_of_version_2_is_the_published_one(sample: Sample, kind: str) -> None:
    vector = json.loads(sample("wechatpay/v2_sign_vector.json"))
    key, fields = vector["key"].encode(), vector["params"]
    sign = vector["expected"][kind]

    assert version2.signature(key, fields, kind) == sign
    version2.verify(key, {**fields, "sign": sign})
    for changed in flips(sign.encode()):
        with pytest.raises(RefusedError):
            version2.verify(key, {**fields, "sign": changed.decode("latin-1")})
    for field, value in fields.items():
        for changed in flips(value.encode()):
            with pytest.raises(RefusedError):
                version2.verify(key, {**fields, field: changed.decode("latin-1"), "sign": sign})


def test_the_aggregators_signature_is_that_of_version_2(sample: Sample) -> None:
    vector = json.loads(sample("unionpay/qra_response_md5_vector.json"))
    key, fields = vector["key"].encode(), vector["fields"]

    version2.verify(key, fields)
    for changed in flips(fields["transaction_id"].encode()):
        with pytest.raises(RefusedError):
            version2.verify(key, {**fields, "transaction_id": changed.decode("latin-1")})
