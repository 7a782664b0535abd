"""Notices of UnionPay: the certificate that they bring must be UnionPay's, then the signature."""

from dataclasses import replace
from datetime import timedelta

import pytest

from clients.providers.callbacks import Refusal
from tests.unit.clients.providers.key_ring import NOW, certified
from tests.unit.clients.providers.platforms import (
    a_call,
    a_unionpay_account,
    a_unionpay_call,
    a_unionpay_notice,
    opened,
    refusal,
    unionpay_certificate,
    unionpay_root,
)

ACCOUNT = a_unionpay_account()
CFCA = "041@8310@中国银联股份有限公司@0001"


@pytest.mark.parametrize("code", ["00", "A6", "05"])
def test_a_payment_is_kept_as_it_came(code: str) -> None:
    call = a_unionpay_call(a_unionpay_notice(respCode=code))

    found = opened(ACCOUNT, call)

    assert found.template == "unionpay.notice"
    assert found.message_id == "782609081322060674028"
    assert found.order_hint == "T1T1T1T1"
    assert found.body == call.body
    assert found.content_type == "application/x-www-form-urlencoded; charset=utf-8"


def test_a_refund_has_its_own_number_and_no_orders() -> None:
    found = opened(ACCOUNT, a_unionpay_call(a_unionpay_notice(txnType="04", origQryId="7826")))

    assert (found.template, found.order_hint) == ("unionpay.notice", "")


@pytest.mark.parametrize("kind", ["02", "31", "99"])
def test_a_transaction_of_another_kind_is_kept_as_unknown(kind: str) -> None:
    assert opened(ACCOUNT, a_unionpay_call(a_unionpay_notice(txnType=kind))).template == (
        "unionpay.unknown"
    )


def test_the_declared_encoding_is_that_of_the_signature() -> None:
    call = a_unionpay_call(a_unionpay_notice(encoding="GBK"), charset="gbk")

    assert opened(ACCOUNT, call).content_type.endswith("charset=gbk")


def test_a_certificate_that_somebody_made_himself_is_refused() -> None:
    forged = certified(CFCA + "!")

    call = a_unionpay_call(a_unionpay_notice(), forged)

    assert refusal(ACCOUNT, call) is Refusal.CERTIFICATE


def test_a_certificate_of_a_root_with_the_same_name_is_refused() -> None:
    root = certified("unionpay root", issuer_key="a stranger", is_authority=True)
    forged = certified("041@1@UNIONPAY@2", root, "a stranger")

    assert root.subject == unionpay_root().subject
    assert refusal(ACCOUNT, a_unionpay_call(a_unionpay_notice(), forged)) is Refusal.CERTIFICATE


def test_a_customer_of_the_same_authority_is_not_unionpay() -> None:
    for name in ("041@8310@某某商户@0001", "041@1@UNIONPAY-FAN@2", "not UNIONPAY"):
        call = a_unionpay_call(a_unionpay_notice(), unionpay_certificate(name))
        assert refusal(ACCOUNT, call) is Refusal.CERTIFICATE


@pytest.mark.parametrize("days", [(-30, -1), (1, 30)])
def test_a_certificate_counts_in_its_time_alone(days: tuple[int, int]) -> None:
    certificate = unionpay_certificate(f"041@{days[0]}@UNIONPAY@1", days=days)

    call = a_unionpay_call(a_unionpay_notice(), certificate)

    assert refusal(ACCOUNT, call) is Refusal.CERTIFICATE
    assert opened(ACCOUNT, call, NOW + timedelta(days=sum(days) // 2))


def test_a_root_that_has_run_out_vouches_for_nobody() -> None:
    root = certified("unionpay root, past", is_authority=True, days=(-30, -1))
    account = a_unionpay_account(root_certificates=(root,))
    certificate = certified("041@2@UNIONPAY@2", root, "unionpay root, past")

    call = a_unionpay_call(a_unionpay_notice(), certificate)

    assert refusal(account, call) is Refusal.CERTIFICATE


def test_a_certificate_may_come_from_an_authority_in_between() -> None:
    between = certified("unionpay between", unionpay_root(), "unionpay root", is_authority=True)
    certificate = certified("041@3@UNIONPAY@3", between, "unionpay between")
    call = a_unionpay_call(a_unionpay_notice(), certificate)

    assert refusal(ACCOUNT, call) is Refusal.CERTIFICATE
    account = a_unionpay_account(root_certificates=(unionpay_root(), between))
    assert opened(account, call)


def test_who_is_no_authority_vouches_for_nobody() -> None:
    leaf = unionpay_certificate()
    certificate = certified("041@4@UNIONPAY@4", leaf, CFCA)
    account = a_unionpay_account(root_certificates=(unionpay_root(), leaf))

    call = a_unionpay_call(a_unionpay_notice(), certificate)

    assert refusal(account, call) is Refusal.CERTIFICATE


def test_a_certificate_may_be_trusted_itself() -> None:
    account = a_unionpay_account(root_certificates=(unionpay_certificate(),))

    assert opened(account, a_unionpay_call(a_unionpay_notice()))


def test_the_certificates_key_must_have_signed() -> None:
    call = a_unionpay_call(a_unionpay_notice(), key="a stranger")

    assert refusal(ACCOUNT, call) is Refusal.SIGNATURE


@pytest.mark.parametrize("change", [{"signMethod": "11"}, {"version": "5.0.0"}])
def test_another_method_or_version_is_refused(change: dict[str, str]) -> None:
    assert refusal(ACCOUNT, a_unionpay_call(a_unionpay_notice(**change))) is Refusal.SIGNATURE


def test_a_notice_for_another_merchant_is_refused() -> None:
    call = a_unionpay_call(a_unionpay_notice(merId="777290058167151"))

    assert refusal(ACCOUNT, call) is Refusal.OTHER_ACCOUNT


def test_amount_and_number_are_signed() -> None:
    call = a_unionpay_call(a_unionpay_notice())
    for old, new in ((b"txnAmt=100", b"txnAmt=101"), (b"T1T1T1T1", b"T1T1T1T2")):
        assert old in call.body
        changed = replace(call, body=call.body.replace(old, new))
        assert refusal(ACCOUNT, changed) is Refusal.SIGNATURE


@pytest.mark.parametrize("field", ["signature", "signPubKeyCert"])
def test_without_signature_or_certificate_a_notice_is_refused(field: str) -> None:
    parts = a_unionpay_call(a_unionpay_notice()).body.split(b"&")
    body = b"&".join(part for part in parts if not part.startswith(field.encode()))

    assert refusal(ACCOUNT, a_call(body)) is Refusal.SIGNATURE
