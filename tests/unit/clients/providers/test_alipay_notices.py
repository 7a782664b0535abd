"""Notices of Alipay: the decoded fields are what is signed, in the charset that they declare."""

from dataclasses import replace
from datetime import timedelta

import pytest

from clients.providers.callbacks import Refusal
from clients.providers.keys import key_of, platform_key
from tests.unit.clients.providers.key_ring import NOW, certified, pem_of_public, rsa_key
from tests.unit.clients.providers.platforms import (
    a_call,
    an_alipay_account,
    an_alipay_call,
    an_alipay_notice,
    form_of,
    opened,
    refusal,
)

ACCOUNT = an_alipay_account()


@pytest.mark.parametrize(
    "state", ["WAIT_BUYER_PAY", "TRADE_SUCCESS", "TRADE_FINISHED", "TRADE_CLOSED"]
)
def test_a_notice_in_each_state_is_kept_as_it_came(state: str) -> None:
    call = an_alipay_call(an_alipay_notice(trade_status=state))

    found = opened(ACCOUNT, call)

    assert found.template == "alipay.notice"
    assert found.message_id == "2026112200222120000000000000000001"
    assert found.order_hint == "T-1"
    assert found.body == call.body
    assert found.content_type == "application/x-www-form-urlencoded; charset=utf-8"


def test_a_refund_notice_is_one_of_its_trade() -> None:
    fields = an_alipay_notice(refund_fee="0.40", gmt_refund="2026-11-22 12:00:00", out_biz_no="R-1")

    assert opened(ACCOUNT, an_alipay_call(fields)).template == "alipay.notice"


@pytest.mark.parametrize("charset", ["GBK", "gb2312", "GB18030", "UTF-8"])
def test_the_declared_charset_is_that_of_the_signature(charset: str) -> None:
    call = an_alipay_call(an_alipay_notice(charset=charset), charset)
    read_as = {"gb2312": "gbk"}.get(charset, charset.lower())

    found = opened(ACCOUNT, call)

    assert found.content_type == f"application/x-www-form-urlencoded; charset={read_as}"
    assert found.order_hint == "T-1"


def test_without_a_field_of_the_charset_the_header_tells_it() -> None:
    fields = an_alipay_notice()
    del fields["charset"]

    assert opened(ACCOUNT, an_alipay_call(fields, "gbk")).content_type.endswith("charset=gbk")


def test_a_charset_that_nobody_uses_is_refused() -> None:
    for charset in ("utf-7", "base64", "rot13", "idna", ""):
        call = an_alipay_call(an_alipay_notice(charset=charset))
        assert refusal(ACCOUNT, call) is Refusal.MALFORMED


def test_text_that_is_not_in_its_charset_is_refused() -> None:
    call = an_alipay_call(an_alipay_notice(charset="utf-8"), "gbk")

    assert refusal(ACCOUNT, call) is Refusal.MALFORMED


def test_a_signature_by_another_key_is_refused() -> None:
    assert refusal(ACCOUNT, an_alipay_call(an_alipay_notice(), key="ours")) is Refusal.SIGNATURE


def test_any_of_two_platform_keys_may_have_signed() -> None:
    account = an_alipay_account(
        platform_keys=(
            platform_key(pem_of_public(rsa_key("alipay, the following"))),
            *ACCOUNT.platform_keys,
        )
    )

    assert opened(account, an_alipay_call(an_alipay_notice()))
    assert opened(account, an_alipay_call(an_alipay_notice(), key="alipay, the following"))


def test_a_platform_certificate_counts_in_its_time() -> None:
    account = an_alipay_account(platform_keys=(key_of(certified("alipay", days=(-1, 1))),))
    call = an_alipay_call(an_alipay_notice())

    assert opened(account, call)
    for days in (-2, 2):
        at = NOW + timedelta(days=days)
        written = f"2026-11-{at.day} 12:00:00"
        other = an_alipay_call(an_alipay_notice(notify_time=written))
        assert refusal(account, other, at) is Refusal.KEY_UNKNOWN


@pytest.mark.parametrize("sign_type", ["RSA", "RSA3", "rsa2", ""])
def test_only_rsa2_is_believed(sign_type: str) -> None:
    call = an_alipay_call(an_alipay_notice())
    changed = call.body.replace(b"sign_type=RSA2", b"sign_type=" + sign_type.encode())

    assert refusal(ACCOUNT, replace(call, body=changed)) is Refusal.SIGNATURE


@pytest.mark.parametrize("field", ["app_id", "seller_id"])
def test_a_notice_for_another_application_or_seller_is_refused(field: str) -> None:
    other = an_alipay_notice(**{field: "2088000000000099"})
    without = {name: value for name, value in an_alipay_notice().items() if name != field}

    assert refusal(ACCOUNT, an_alipay_call(other)) is Refusal.OTHER_ACCOUNT
    assert refusal(ACCOUNT, an_alipay_call(without)) is Refusal.OTHER_ACCOUNT


@pytest.mark.parametrize(
    ("off", "is_stale"),
    [
        (timedelta(hours=25), False),
        (timedelta(hours=27), True),
        (timedelta(minutes=-9), False),
        (timedelta(minutes=-11), True),
    ],
)
def test_a_notice_is_stale_once_the_platform_has_given_up(off: timedelta, is_stale: bool) -> None:  # noqa: FBT001  # A table.
    call = an_alipay_call(an_alipay_notice())

    if is_stale:
        assert refusal(ACCOUNT, call, NOW + off) is Refusal.STALE
    else:
        assert opened(ACCOUNT, call, NOW + off)


@pytest.mark.parametrize(
    "written", ["", "2026-13-22 12:00:00", "2026-11-22T12:00:00", "0000-00-00 00:00:00", "soon"]
)
def test_a_notice_without_a_sound_time_is_refused(written: str) -> None:
    call = an_alipay_call(an_alipay_notice(notify_time=written))

    assert refusal(ACCOUNT, call) is Refusal.MALFORMED


def test_the_first_day_there_is_is_stale() -> None:
    call = an_alipay_call(an_alipay_notice(notify_time="0001-01-01 00:00:00"))

    assert refusal(ACCOUNT, call) is Refusal.STALE


def test_a_notice_of_another_kind_is_kept_as_unknown() -> None:
    fields = an_alipay_notice(notify_type="dut_user_sign")
    del fields["seller_id"]
    del fields["trade_status"]

    assert opened(ACCOUNT, an_alipay_call(fields)).template == "alipay.unknown"


def test_the_fields_of_a_browsers_return_are_no_notice() -> None:
    fields = an_alipay_notice()
    del fields["notify_type"]
    del fields["trade_status"]

    assert refusal(ACCOUNT, an_alipay_call(fields)) is Refusal.MALFORMED


def test_a_field_that_stands_twice_is_refused() -> None:
    call = an_alipay_call(an_alipay_notice())

    assert refusal(ACCOUNT, replace(call, body=call.body + b"&total_amount=9")) is Refusal.MALFORMED


def test_an_empty_field_is_not_signed_and_says_nothing() -> None:
    call = an_alipay_call(an_alipay_notice())

    assert opened(ACCOUNT, replace(call, body=call.body + b"&point_amount="))


def test_one_notice_has_one_spelling() -> None:
    call = an_alipay_call(an_alipay_notice())
    assert b"%2B" in call.body
    for old, new in ((b"%2B", b"%2b"), (b"+12", b" 12"), (b"+12", b"\t12"), (b"%26", b"%2&6")):
        changed = replace(call, body=call.body.replace(old, new))
        assert refusal(ACCOUNT, changed) is Refusal.MALFORMED


def test_a_body_that_is_no_form_is_refused() -> None:
    for body in (b"", b"&", b"=", b"a", b"a=1&&b=2", b"{}", b"a=%", b"\xff=1", b"a=1&" * 300):
        assert refusal(ACCOUNT, a_call(body)) is Refusal.MALFORMED
    too_many = form_of({f"f{number}": "1" for number in range(300)})
    assert refusal(ACCOUNT, a_call(too_many)) is Refusal.MALFORMED
    assert refusal(ACCOUNT, a_call(b"a=" + b"1" * 300_000)) is Refusal.MALFORMED
