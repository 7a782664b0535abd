"""The published signature vectors as calls that came, each at its own time, for its own account."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from cryptography.hazmat.primitives.asymmetric import rsa

from clients.providers import keys
from clients.providers.accounts import (
    Account,
    AdyenAccount,
    AlipayAccount,
    DouyinPayAccount,
    UnionPayAccount,
    WechatPayAccount,
)
from clients.providers.callbacks import PROTOCOLS, Call, Opened, RefusedError

Sample = Callable[[str], bytes]

# Ours signs nothing here; the vectors are the platforms'.
OURS = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True)
class Vector:
    """A genuine call with the account that it is for, and when it came."""

    account: Account
    call: Call
    at: datetime
    template: str

    def opened(self, at: datetime | None = None) -> Opened:
        return PROTOCOLS[self.account.provider].open(self.account, self.call, at or self.at)

    def is_taken(self) -> bool:
        """Return whether the call is believed; anything but a refusal is an error."""
        try:
            self.opened()
        except RefusedError:
            return False
        return True

    def with_body(self, body: bytes) -> Vector:
        return replace(self, call=replace(self.call, body=body))

    def with_header(self, name: str, value: str) -> Vector:
        return replace(self, call=replace(self.call, headers={**self.call.headers, name: value}))

    def without_header(self, name: str) -> Vector:
        headers = {key: value for key, value in self.call.headers.items() if key != name}
        return replace(self, call=replace(self.call, headers=headers))


def wechatpay_v3(sample: Sample, mode: str) -> Vector:
    """The vector of the official SDK; its APIv3 key has 16 bytes, which no real one has."""
    vector = json.loads(sample("wechatpay/v3_notify_signed_vector_go.json"))
    account = WechatPayAccount(
        name="main",
        merchant="1234567890",
        apps=frozenset({"054aa7d7a2a54ab5898df65bd96f001c"}),
        private_key=OURS,
        serial="0A",
        api_v3_key=vector["apiv3_key_utf8"].encode(),
        platform_keys={
            vector["request"]["headers"]["Wechatpay-Serial"]: keys.platform_key(
                vector[f"platform_{mode}_pem"].encode()
            )
        },
    )
    at = datetime.fromtimestamp(vector["freeze_clock_unix"], UTC)
    return Vector(account, _call(vector), at, "wechatpay.unknown")


def alipay(sample: Sample) -> Vector:
    vector = json.loads(sample("alipay/notify_trade_success_signed_vector.json"))
    account = AlipayAccount(
        name="main",
        app="9021000122682882",
        seller="2088721003899159",
        private_key=OURS,
        platform_keys=(keys.platform_key(vector["alipay_public_key_pem"].encode()),),
    )
    at = datetime(2023, 12, 21, 8, 26, 45, tzinfo=UTC)
    return Vector(account, _call(vector), at, "alipay.notice")


def alipay_account(vector: Mapping[str, Any]) -> AlipayAccount:
    return AlipayAccount(
        name="main",
        app="9021000122682882",
        seller="2088721003899159",
        private_key=OURS,
        platform_keys=(keys.platform_key(vector["alipay_public_key_pem"].encode()),),
    )


def unionpay(sample: Sample) -> Vector:
    vector = json.loads(sample("unionpay/notify_pay_success_signed_vector.json"))
    account = unionpay_account(vector["request"]["body_raw"])
    at = datetime(2022, 9, 8, 5, 22, 6, tzinfo=UTC)
    return Vector(account, _call(vector), at, "unionpay.notice")


def unionpay_account(message: str) -> UnionPayAccount:
    """An account that trusts the message's certificate itself: its issuer is not published."""
    plain = unquote(message.replace("+", " ")) if "%2B" in message else message
    pem = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", plain, re.DOTALL)
    assert pem is not None
    return UnionPayAccount(
        name="main",
        merchant="777290058167151",
        private_key=OURS,
        certificate_id="1",
        root_certificates=(keys.certificate(pem[0].encode()),),
    )


def adyen(sample: Sample) -> Vector:
    vector = json.loads(sample("adyen/notify_authorisation_signed_vector.json"))
    account = AdyenAccount(
        name="main", merchant="TestMerchant", hmac_keys=(bytes.fromhex(vector["hmac_key_hex"]),)
    )
    body = json.dumps(vector["body"], separators=(",", ":")).encode()
    call = Call("POST", "/callbacks/adyen/main", "", {"content-type": "application/json"}, body)
    return Vector(account, call, datetime(2019, 5, 6, 15, 15, 34, tzinfo=UTC), "adyen.notice")


def douyin_pay(sample: Sample) -> Vector:
    vector = json.loads(sample("douyin/miniapp_pay_callback_signed_vector.json"))
    account = DouyinPayAccount(
        name="main", token=vector["token"], apps=frozenset({"tt226e54d3bd581bf801"})
    )
    at = datetime.fromtimestamp(1722769986, UTC)
    return Vector(account, _call(vector), at, "douyin_pay.notice")


VECTORS: Mapping[str, Callable[[Sample], Vector]] = {
    "wechatpay v3, certificate": lambda sample: wechatpay_v3(sample, "certificate"),
    "wechatpay v3, public key": lambda sample: wechatpay_v3(sample, "public_key"),
    "alipay": alipay,
    "unionpay": unionpay,
    "adyen": adyen,
    "douyin_pay": douyin_pay,
}


def _call(vector: Mapping[str, Any]) -> Call:
    request = vector["request"]
    headers = {name.lower(): value for name, value in request["headers"].items()}
    return Call(request["method"], "/", "", headers, request["body_raw"].encode())
