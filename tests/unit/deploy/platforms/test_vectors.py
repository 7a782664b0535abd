"""The fakes sign as the platforms do: held against recorded messages, not against ourselves."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from deploy.local.platforms import adyen, douyin_pay
from deploy.local.platforms.alipay import writing as alipay
from deploy.local.platforms.certificates import key_of, load_certificate, load_public
from deploy.local.platforms.signing import is_signed
from deploy.local.platforms.unionpay import writing as unionpay
from deploy.local.platforms.wechatpay import sealing

Sample = Callable[[str], bytes]


def vector(sample: Sample, name: str) -> Any:  # noqa: ANN401  # As JSON has it.
    return json.loads(sample(name))


def test_alipays_message_is_the_recorded_one(sample: Sample) -> None:
    told = vector(sample, "alipay/notify_trade_success_signed_vector.json")
    form = told["request"]["form"]

    message = alipay.message(form, without=("sign", "sign_type"))

    assert is_signed(load_public(told["alipay_public_key_pem"]), message, form["sign"])


def test_unionpays_message_is_the_recorded_one(sample: Sample) -> None:
    for name in ("notify_pay_success_signed_vector", "query_response_signed_vector"):
        told = vector(sample, f"unionpay/{name}.json")
        fields = told["request"]["form"] if "request" in told else told["fields"]
        key = key_of(load_certificate(fields["signPubKeyCert"]))

        assert is_signed(key, unionpay.unsigned(fields), fields["signature"])


def test_unionpays_answers_are_read_without_decoding(sample: Sample) -> None:
    told = vector(sample, "unionpay/query_response_signed_vector.json")

    assert unionpay.parse(told["http_body_raw"]) == told["fields"]
    assert unionpay.joined(told["fields"]).decode() == told["http_body_raw"]


def test_adyens_signature_is_the_recorded_one(sample: Sample) -> None:
    told = vector(sample, "adyen/notify_authorisation_signed_vector.json")
    item = told["body"]["notificationItems"][0]["NotificationRequestItem"]

    signature = adyen.signature_of(item, told["hmac_key_hex"])

    assert signature == item["additionalData"]["hmacSignature"]


def test_douyins_signature_is_the_recorded_one(sample: Sample) -> None:
    told = vector(sample, "douyin/miniapp_pay_callback_signed_vector.json")
    body = json.loads(told["request"]["body_raw"])

    signature = douyin_pay.signature_of(
        told["token"], body["timestamp"], body["nonce"], body["msg"]
    )

    assert signature == body["msg_signature"]


def test_wechat_pays_v2_signature_is_the_documented_one(sample: Sample) -> None:
    told = vector(sample, "wechatpay/v2_sign_vector.json")

    assert sealing.v2_sign(told["params"], told["key"]) == told["expected"]["MD5"]
