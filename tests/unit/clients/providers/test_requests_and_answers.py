"""What we sign, the platforms' libraries believe; and what they sign as the platform, we do."""

import json
from datetime import timedelta
from urllib.parse import parse_qs, unquote_plus

import pytest
from alipay import AliPay, DCAliPay
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.utils import build_authorization, rsa_verify

from clients.providers.alipay import signing as alipay
from clients.providers.alipay.certificates import certificate_sn, root_sn
from clients.providers.callbacks import Call, Refusal, RefusedError
from clients.providers.keys import canonical_base64, is_signed
from clients.providers.unionpay import signing as unionpay
from clients.providers.wechatpay import signing as wechatpay
from tests.unit.clients.providers.key_ring import (
    NOW,
    certified,
    pem_of,
    pem_of_private,
    pem_of_public,
    rsa_key,
)
from tests.unit.clients.providers.platforms import (
    API_V3_KEY,
    PUBLIC_KEY_ID,
    a_sealed_notice,
    a_transaction,
    a_unionpay_account,
    a_unionpay_notice,
    a_wechatpay_account,
    a_wechatpay_call,
    an_alipay_account,
    an_alipay_call,
    an_alipay_notice,
    opened,
    unionpay_certificate,
    unionpay_fields,
)


def refused(check: object, *args: object) -> Refusal:
    with pytest.raises(RefusedError) as error:
        check(*args)  # type: ignore[operator]  # A function.
    return error.value.refusal


# WeChat Pay


def parts_of(authorization: str) -> dict[str, str]:
    scheme, _, rest = authorization.partition(" ")
    assert scheme == "WECHATPAY2-SHA256-RSA2048"
    return {
        name: value.strip('"')
        for name, _, value in (part.partition("=") for part in rest.split(","))
    }


@pytest.mark.parametrize("body", [b"", '{"reason":"退款"}'.encode()])
def test_a_request_to_wechat_pay_is_signed_as_the_library_signs(body: bytes) -> None:
    account = a_wechatpay_account()
    target = "/v3/pay/transactions/out-trade-no/T-1?mchid=1900000109"

    ours = parts_of(wechatpay.authorization(account, "POST", target, body, "NONCE", NOW))
    theirs = parts_of(
        build_authorization(
            target, "POST", account.merchant, account.serial, account.private_key,
            body.decode(), "NONCE",
        )
    )  # fmt: skip

    assert ours.keys() == theirs.keys()
    same = ("mchid", "nonce_str", "serial_no")
    assert [ours[name] for name in same] == [theirs[name] for name in same]
    for told in (ours, theirs):
        text = f"POST\n{target}\n{told['timestamp']}\nNONCE\n".encode() + body + b"\n"
        assert is_signed(account.private_key.public_key(), text, told["signature"])
    assert ours["timestamp"] == str(int(NOW.timestamp()))


def test_an_answer_of_wechat_pay_is_proved_like_a_notice() -> None:
    account = a_wechatpay_account()
    call = a_wechatpay_call(b'{"trade_state":"SUCCESS"}')

    wechatpay.verify(account, call.headers, call.body, NOW)
    changed = call.body.replace(b"SUCCESS", b"NOTPAY!")
    assert refused(wechatpay.verify, account, call.headers, changed, NOW) is Refusal.SIGNATURE
    late = NOW + timedelta(seconds=300)
    assert refused(wechatpay.verify, account, call.headers, call.body, late) is Refusal.STALE
    assert refused(wechatpay.verify, account, {}, call.body, NOW) is Refusal.SIGNATURE


def test_the_library_and_we_open_the_same_notices() -> None:
    library = WeChatPay(
        wechatpay_type=WeChatPayType.NATIVE,
        mchid="1900000109",
        private_key=pem_of_private(rsa_key("ours")).decode(),
        cert_serial_no="5157F09EFDC096DE15EBE81A47057A7232F1B8E1",
        apiv3_key=API_V3_KEY.decode(),
        appid="wx8888888888888888",
        public_key=pem_of_public(rsa_key("wechatpay public key")).decode(),
        public_key_id=PUBLIC_KEY_ID,
    )
    body = a_sealed_notice("TRANSACTION.SUCCESS", a_transaction())
    call = a_wechatpay_call(body, serial=PUBLIC_KEY_ID, key="wechatpay public key")

    theirs = library.callback(headers=call.headers, body=call.body)

    assert theirs["resource"] == json.loads(opened(a_wechatpay_account(), call).body)
    headers = call.headers
    assert rsa_verify(
        headers["wechatpay-timestamp"],
        headers["wechatpay-nonce"],
        body.decode(),
        headers["wechatpay-signature"],
        rsa_key("wechatpay public key").public_key(),
    )


# Alipay


def the_alipay_library(own: str, other: str) -> AliPay:
    return AliPay(
        appid="2021000000000001",
        app_private_key_string=pem_of_private(rsa_key(own)).decode(),
        alipay_public_key_string=pem_of_public(rsa_key(other)).decode(),
    )


def test_a_request_to_alipay_is_believed_by_the_library() -> None:
    account = an_alipay_account()
    business = {"out_trade_no": "T-1", "refund_reason": "退款 + 测试"}

    fields = alipay.request(account, "alipay.trade.query", business, NOW)

    assert json.loads(fields["biz_content"]) == business
    assert fields["timestamp"] == "2026-11-22 12:00:00"
    assert "app_cert_sn" not in fields
    # It leaves `sign_type` out, as of notices; of requests it is signed, too.
    sent = {name: value for name, value in fields.items() if name != "sign"}
    text = "&".join(f"{name}={value}" for name, value in sorted(sent.items()))
    library = the_alipay_library("alipay", "ours")
    assert library._verify(text, fields["sign"])  # Its way to verify a text.


def test_a_notice_that_the_library_signs_is_believed() -> None:
    notice = {name: value for name, value in an_alipay_notice().items() if value}
    body = the_alipay_library("alipay", "ours").sign_data(notice) + "&sign_type=RSA2"
    call = Call("POST", "/", "", {}, body.encode())

    assert opened(an_alipay_account(), call).order_hint == "T-1"


def test_a_notice_that_we_believe_the_library_believes() -> None:
    call = an_alipay_call(an_alipay_notice(body="with text"))
    assert opened(an_alipay_account(), call)

    fields = {name: values[0] for name, values in parse_qs(call.body.decode()).items()}
    sign = fields.pop("sign")

    assert the_alipay_library("ours", "alipay").verify(fields, sign)


@pytest.mark.parametrize("name", ["alipay_trade_query_response", "error_response"])
def test_an_answer_that_the_library_signs_is_believed(name: str) -> None:
    account = an_alipay_account()
    inner = '{"code":"10000", "msg":"成功", "nested":{"a":[1,"}"]}}'
    sign = the_alipay_library("alipay", "ours")._sign(inner)  # Its way to sign a text.
    body = f'{{"{name}":{inner},"sign":"{sign}"}}'.encode()

    found = alipay.answer(account, "alipay.trade.query", body, NOW)

    assert found == json.loads(inner)
    changed = body.replace(b"10000", b"10001")
    assert refused(alipay.answer, account, "alipay.trade.query", changed, NOW) is Refusal.SIGNATURE


def test_an_answer_to_another_question_is_refused() -> None:
    sign = the_alipay_library("alipay", "ours")._sign("{}")  # Its way to sign a text.
    body = f'{{"alipay_trade_query_response":{{}},"sign":"{sign}"}}'.encode()

    found = refused(alipay.answer, an_alipay_account(), "alipay.trade.refund", body, NOW)

    assert found is Refusal.MALFORMED


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b'{"sign":5}',
        b'{"alipay_trade_query_response":{}}',
        b'{"alipay_trade_query_response":{},"sign":null}',
        b'{"alipay_trade_query_response":{"a":{"a":',
        b"<html>busy</html>",
    ],
)
def test_an_answer_without_a_signature_is_refused(body: bytes) -> None:
    assert refused(alipay.answer, an_alipay_account(), "alipay.trade.query", body, NOW) in {
        Refusal.SIGNATURE,
        Refusal.MALFORMED,
    }


@pytest.mark.filterwarnings("ignore:X509.get_issuer is deprecated")
def test_certificates_have_the_numbers_that_the_library_gives_them() -> None:
    root = certified("alipay root", is_authority=True)
    second = certified("alipay root, second", is_authority=True)
    ours = certified("ours", root, "alipay root")
    library = DCAliPay(
        appid="2021000000000001",
        app_private_key_string=pem_of_private(rsa_key("ours")).decode(),
        app_public_key_cert_string=pem_of(ours).decode(),
        alipay_public_key_cert_string=pem_of(certified("alipay", root, "alipay root")).decode(),
        alipay_root_cert_string=f"{pem_of(root).decode()}\n{pem_of(second).decode()}",
    )

    assert certificate_sn(ours) == library.app_cert_sn
    assert root_sn([root, second]) == library.alipay_root_cert_sn
    account = an_alipay_account(app_certificate_sn="1a", root_certificate_sn="2b")
    fields = alipay.request(account, "alipay.trade.query", {}, NOW)
    assert (fields["app_cert_sn"], fields["alipay_root_cert_sn"]) == ("1a", "2b")


# UnionPay


def test_a_request_to_unionpay_is_signed_over_the_digest() -> None:
    account = a_unionpay_account()

    fields = unionpay.request(account, {"orderId": "T1T1T1T1", "reserved": "", "txnType": "00"})

    assert fields["certId"] == account.certificate_id
    assert fields["merId"] == account.merchant
    joined = "&".join(
        f"{name}={value}" for name, value in sorted(fields.items()) if value and name != "signature"
    )
    digest = hashes.Hash(hashes.SHA256())
    digest.update(joined.encode())
    signature = canonical_base64(fields["signature"])
    assert signature is not None
    rsa_key("ours").public_key().verify(
        signature, digest.finalize().hex().encode(), padding.PKCS1v15(), hashes.SHA256()
    )


def test_an_answer_of_unionpay_keeps_its_plus_signs_and_line_ends() -> None:
    fields = unionpay_fields(
        a_unionpay_notice(origRespCode="00", accNo="a+b/c==", encoding="UTF-8"),
        unionpay_certificate(),
    )
    body = "&".join(f"{name}={value}" for name, value in fields.items()).encode()
    assert "\r\n" in fields["signPubKeyCert"]

    assert unionpay.answer(a_unionpay_account(), body, NOW) == fields
    spoiled = unquote_plus(body.decode()).encode()
    assert refused(unionpay.answer, a_unionpay_account(), spoiled, NOW) in {
        Refusal.SIGNATURE,
        Refusal.CERTIFICATE,
    }
