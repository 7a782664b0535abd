"""UnionPay's fake, asked and read as the document says: no library of theirs is worth using."""

from __future__ import annotations

import base64
import hashlib
import urllib.parse
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from deploy.local.platforms.server import Platforms
from tests.integration.platforms.conftest import Merchant

Accounts = dict[str, dict[str, Any]]
Fields = dict[str, str]


def digest_of(fields: Fields) -> bytes:
    kept = sorted((name, value) for name, value in fields.items() if value and name != "signature")
    text = "&".join(f"{name}={value}" for name, value in kept)
    return hashlib.sha256(text.encode()).hexdigest().encode()


def is_genuine(fields: Fields, root: x509.Certificate) -> bool:
    """Whether the message is signed under its certificate, and that is the platform's."""
    certificate = x509.load_pem_x509_certificate(fields["signPubKeyCert"].encode())
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    try:
        certificate.verify_directly_issued_by(root)
        key.verify(
            base64.b64decode(fields["signature"], validate=True),
            digest_of(fields),
            padding.PKCS1v15(),
            hashes.SHA256(),
        )
    except (InvalidSignature, ValueError):
        return False
    return "中国银联股份有限公司" in certificate.subject.rfc4514_string()


class Client:
    """A merchant."""

    def __init__(self, account: dict[str, Any]) -> None:
        self._account = account
        self.root = x509.load_pem_x509_certificate(account["root_certificates"].encode())

    def post(self, path: str, **fields: str) -> Fields:
        certificate = x509.load_pem_x509_certificate(self._account["certificate"].encode())
        key = serialization.load_pem_private_key(self._account["private_key"].encode(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        asked = {
            "version": "5.1.0",
            "encoding": "utf-8",
            "signMethod": "01",
            "bizType": "000201",
            "accessType": "0",
            "merId": self._account["merchant"],
            "certId": str(certificate.serial_number),
            **fields,
        }
        signature = key.sign(digest_of(asked), padding.PKCS1v15(), hashes.SHA256())
        asked["signature"] = base64.b64encode(signature).decode()
        answer = httpx2.post(f"{self._account['api']}/{path}", data=asked, trust_env=False)
        assert answer.status_code == 200
        return dict(part.split("=", 1) for part in answer.text.split("&"))

    def query(self, **fields: str) -> Fields:
        return self.post("queryTrans.do", txnType="00", txnSubType="00", **fields)


@pytest.fixture
def client(accounts: Accounts) -> Client:
    return Client(accounts["union-main"])


def test_a_query_that_works_says_nothing_of_the_payment(
    platforms: Platforms, client: Client
) -> None:
    trade = platforms.control.create("unionpay", "U0000001", 1250)
    names = {"orderId": "U0000001", "txnTime": trade["handle"]}

    waiting = client.query(**names)
    platforms.control.move("unionpay", "U0000001", "begin")
    paying = client.query(**names)
    platforms.control.pay("unionpay", "U0000001")
    paid = client.query(**names)

    assert waiting["respCode"] == "34"
    assert (paying["respCode"], paying["origRespCode"]) == ("00", "04")
    assert (paid["respCode"], paid["origRespCode"]) == ("00", "00")
    assert paid["txnAmt"] == "1250"
    assert "+" in paid["accNo"]
    assert "\r\n" in paid["signPubKeyCert"]
    assert all(is_genuine(each, client.root) for each in (waiting, paying, paid))
    assert client.query(queryId=paid["queryId"])["orderId"] == "U0000001"
    assert client.query(orderId="U0000001", txnTime="20200101000000")["respCode"] == "34"


def test_a_refund_is_accepted_and_then_done(platforms: Platforms, client: Client) -> None:
    trade = platforms.control.create("unionpay", "U0000001", 1000, pay_in_s=0)
    platforms.control.behave("unionpay", refund_takes_s=3600)
    asked = {
        "txnType": "04",
        "txnSubType": "00",
        "orderId": "R0000001",
        "txnTime": "20261122120000",
        "txnAmt": "300",
        "origQryId": trade["id"],
    }
    names = {"orderId": "R0000001", "txnTime": "20261122120000"}

    first, again = (client.post("backTransReq.do", **asked) for _ in range(2))
    under_way = client.query(**names)
    platforms.control.settle()
    done = client.query(**names)
    more = client.post("backTransReq.do", **{**asked, "orderId": "R0000002", "txnAmt": "701"})

    assert first["respCode"] == "00"
    assert first["queryId"] == again["queryId"]
    assert under_way["origRespCode"] == "03"
    assert (done["origRespCode"], done["txnType"], done["txnAmt"]) == ("00", "04", "300")
    assert more["respCode"] == "36"


def test_a_notice_carries_its_certificate(
    platforms: Platforms, client: Client, merchant: Merchant
) -> None:
    platforms.control.create("unionpay", "U0000001", 1250, pay_in_s=0)
    platforms.control.settle()

    ((path, _, body),) = merchant.calls
    fields = dict(urllib.parse.parse_qsl(body.decode(), strict_parsing=True))
    assert path == "/callbacks/unionpay/union-main"
    assert is_genuine(fields, client.root)
    assert (fields["respCode"], fields["txnType"], fields["txnAmt"]) == ("00", "01", "1250")


def test_no_forgery_looks_genuine(platforms: Platforms, client: Client, merchant: Merchant) -> None:
    platforms.control.create("unionpay", "U0000001", 1250)
    for kind in ("other_key", "changed_body", "own_certificate", "other_merchant"):
        platforms.control.forge("unionpay", "U0000001", kind)
    platforms.control.settle()

    bodies = [body.decode() for _, _, body in merchant.calls]
    notices = [dict(urllib.parse.parse_qsl(each, strict_parsing=True)) for each in bodies]
    assert len(notices) == 4
    assert not any(is_genuine(each, client.root) for each in notices)


def test_a_stranger_is_told_that_his_signature_is_wrong(
    platforms: Platforms, client: Client
) -> None:
    told = client.query(orderId="U0000001", certId="1")

    assert told["respCode"] == "11"
