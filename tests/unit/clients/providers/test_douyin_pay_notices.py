"""Notices of a Douyin mini program's payments: the inner text is signed, and decides."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from clients.providers.callbacks import Refusal
from tests.unit.clients.providers.hashing_platforms import (
    a_douyin_account,
    a_douyin_call,
    a_douyin_payment,
)
from tests.unit.clients.providers.key_ring import NOW
from tests.unit.clients.providers.platforms import a_call, opened, refusal

ACCOUNT = a_douyin_account()
REFUND = {
    "appid": "tt226e54d3bd581bf801",
    "cp_refundno": "R-1",
    "status": "SUCCESS",
    "refund_amount": 40,
}


@pytest.mark.parametrize("state", ["SUCCESS", "FAIL", "TIMEOUT", "PROCESSING"])
def test_a_payment_in_each_state_is_kept_as_it_came(state: str) -> None:
    call = a_douyin_call(a_douyin_payment(status=state))

    found = opened(ACCOUNT, call)

    assert found.template == "douyin_pay.notice"
    assert found.message_id == f"payment:T-1:{state}"
    assert (found.order_hint, found.body) == ("T-1", call.body)


@pytest.mark.parametrize("extra", [{}, {"cp_orderno": "T-1"}])
def test_a_refund_is_told_by_its_own_number(extra: dict[str, str]) -> None:
    found = opened(ACCOUNT, a_douyin_call(REFUND | extra, "refund"))

    assert (found.template, found.message_id) == ("douyin_pay.notice", "refund:R-1:SUCCESS")


def test_a_message_of_another_kind_is_kept_as_unknown() -> None:
    message = {"appid": "tt226e54d3bd581bf801", "cp_settle_no": "S-1", "status": "SUCCESS"}

    assert opened(ACCOUNT, a_douyin_call(message, "settle")).template == "douyin_pay.unknown"


@pytest.mark.parametrize("kind", ["refund", "settle", "Payment", "paymenu"])
def test_the_unsigned_type_cannot_make_something_else_of_a_payment(kind: str) -> None:
    assert refusal(ACCOUNT, a_douyin_call(a_douyin_payment(), kind)) is Refusal.SIGNATURE


def test_the_unsigned_type_cannot_make_a_payment_of_something_else() -> None:
    assert refusal(ACCOUNT, a_douyin_call(REFUND, "payment")) is Refusal.SIGNATURE
    assert refusal(ACCOUNT, a_douyin_call({"appid": "x"}, "payment")) is Refusal.SIGNATURE


def test_another_token_is_refused() -> None:
    account = a_douyin_account(token="another_token")

    assert refusal(account, a_douyin_call(a_douyin_payment())) is Refusal.SIGNATURE


@pytest.mark.parametrize(
    "change", [{"nonce": "5281"}, {"timestamp": str(int(NOW.timestamp()) + 1)}, {"msg": "{}"}]
)
def test_nothing_that_is_signed_can_be_changed(change: dict[str, str]) -> None:
    call = a_douyin_call(a_douyin_payment(), **change)

    assert refusal(ACCOUNT, call) is Refusal.SIGNATURE


@pytest.mark.parametrize(("hours", "is_stale"), [(25, False), (27, True), (-1, True)])
def test_a_message_is_stale_after_a_day(hours: int, is_stale: bool) -> None:  # noqa: FBT001  # A table.
    call = a_douyin_call(a_douyin_payment(), at=NOW - timedelta(hours=hours))

    if is_stale:
        assert refusal(ACCOUNT, call) is Refusal.STALE
    else:
        assert opened(ACCOUNT, call)


def test_a_message_of_another_application_is_refused() -> None:
    call = a_douyin_call(a_douyin_payment(appid="tt000000000000000000"))

    assert refusal(ACCOUNT, call) is Refusal.OTHER_ACCOUNT
    assert opened(a_douyin_account(apps=frozenset()), call)
    odd = a_douyin_call(a_douyin_payment(appid=["tt226e54d3bd581bf801"]))
    assert refusal(ACCOUNT, odd) is Refusal.OTHER_ACCOUNT


@pytest.mark.parametrize(
    "change",
    [
        {"timestamp": 1795320000},
        {"timestamp": "１７９５３２００００"},
        {"timestamp": "179532000"},
        {"nonce": None},
        {"msg": {}},
        {"msg_signature": ""},
        {"msg": "\ud800"},
    ],
)
def test_an_envelope_of_another_shape_is_refused(change: dict[str, object]) -> None:
    call = a_douyin_call(a_douyin_payment(), **change)

    assert refusal(ACCOUNT, call) is Refusal.MALFORMED


def test_a_signed_text_that_is_no_object_is_refused() -> None:
    call = a_douyin_call(a_douyin_payment())
    assert refusal(ACCOUNT, replace(call, body=b"[]")) is Refusal.MALFORMED
    assert refusal(ACCOUNT, a_call(json.dumps({"msg": "5"}).encode())) is Refusal.MALFORMED
    assert refusal(ACCOUNT, a_douyin_call([1])) is Refusal.MALFORMED  # type: ignore[arg-type]  # On purpose.
