"""What each platform is told: what makes it stop, and never that where it must come again."""

import json

import pytest
from defusedxml.ElementTree import fromstring

from clients.providers.callbacks import PROTOCOLS, Answer, Call, Refusal
from tests.unit.clients.providers.platforms import a_call

XML = a_call(b"\n<xml></xml>")
JSON = a_call(b"{}")


def stops(provider: str, call: Call, answer: Answer) -> bool:
    """Return whether the platform would stop, by what its documents say."""
    is_good = 200 <= answer.status < 300
    if provider == "wechatpay" and call is XML:
        code = fromstring(answer.body.decode()).findtext("return_code")
        return is_good and code == "SUCCESS"
    if provider == "alipay":
        return answer.body == b"success"
    if provider == "douyin":
        return is_good and json.loads(answer.body)["code"] == 0
    if provider == "douyin_pay":
        return is_good and json.loads(answer.body)["err_no"] == 0
    return is_good


WAYS = [(provider, JSON) for provider in PROTOCOLS] + [("wechatpay", XML)]


@pytest.mark.parametrize(("provider", "call"), WAYS)
def test_a_platform_stops_when_its_call_is_taken_and_only_then(provider: str, call: Call) -> None:
    protocol = PROTOCOLS[provider]

    assert stops(provider, call, protocol.taken(call))
    assert not stops(provider, call, protocol.again(call))
    for refusal in Refusal:
        assert not stops(provider, call, protocol.refused(call, refusal))


@pytest.mark.parametrize(("provider", "call"), WAYS)
def test_what_is_our_fault_is_a_failure_of_the_server(provider: str, call: Call) -> None:
    protocol = PROTOCOLS[provider]

    assert protocol.again(call).status == 503
    assert protocol.refused(call, Refusal.KEY_UNKNOWN).status == 503
    for refusal in set(Refusal) - {Refusal.KEY_UNKNOWN}:
        assert 400 <= protocol.refused(call, refusal).status < 500


def test_the_success_of_each_platform_is_to_the_byte() -> None:
    told = {
        (provider, call is XML): (answer.status, answer.body)
        for provider, call in WAYS
        for answer in [PROTOCOLS[provider].taken(call)]
    }

    assert told == {
        ("wechatpay", False): (200, '{"code":"SUCCESS","message":"成功"}'.encode()),
        ("wechatpay", True): (
            200,
            b"<xml><return_code><![CDATA[SUCCESS]]></return_code>"
            b"<return_msg><![CDATA[OK]]></return_msg></xml>",
        ),
        ("alipay", False): (200, b"success"),
        ("unionpay", False): (200, b"ok"),
        ("stripe", False): (200, b'{"received":true}'),
        ("adyen", False): (200, b"[accepted]"),
        ("douyin_pay", False): (200, b'{"err_no":0,"err_tips":"success"}'),
        ("douyin", False): (200, b'{"code":0,"msg":"success"}'),
        ("wechat_channels", False): (200, b"success"),
        ("mini", False): (200, b"success"),
        ("amazon", False): (200, b"ok"),
        ("shopify", False): (200, b"ok"),
        ("woocommerce", False): (200, b"ok"),
    }


def test_a_failure_of_wechat_pay_is_never_told_with_status_200() -> None:
    answer = PROTOCOLS["wechatpay"].again(JSON)

    assert json.loads(answer.body)["code"] == "FAIL"
    assert answer.status >= 500


def test_a_call_of_version_2_is_known_before_its_body_was_read() -> None:
    unread = a_call(b"", {"content-type": "text/xml; charset=utf-8"})

    assert PROTOCOLS["wechatpay"].again(unread) == PROTOCOLS["wechatpay"].again(XML)
    assert PROTOCOLS["wechatpay"].again(a_call(b"")) == PROTOCOLS["wechatpay"].again(JSON)


def test_the_body_of_an_answer_has_its_type() -> None:
    for provider, call in WAYS:
        protocol = PROTOCOLS[provider]
        for answer in (protocol.taken(call), protocol.again(call)):
            kind = answer.content_type.partition(";")[0]
            first = answer.body[:1]
            assert kind == {b"{": "application/json", b"<": "text/xml"}.get(first, "text/plain")
