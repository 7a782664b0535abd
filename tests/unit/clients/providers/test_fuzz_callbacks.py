"""Whatever comes, an opened call or a refusal comes out; and what nobody signed is refused.

Examples come from three sides: bytes of no meaning, genuine calls that were changed, and signed
calls whose content is odd, so that what lies behind the signature is reached, too.
"""

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clients.providers.accounts import Account
from clients.providers.callbacks import PROTOCOLS, Call, Opened, RefusedError
from tests.unit.clients.providers.hashing_platforms import (
    a_douyin_account,
    a_douyin_call,
    a_douyin_payment,
    a_stripe_account,
    a_stripe_call,
    a_stripe_event,
    an_adyen_account,
    an_adyen_call,
    an_adyen_item,
)
from tests.unit.clients.providers.key_ring import NOW
from tests.unit.clients.providers.platforms import (
    a_call,
    a_refund,
    a_sealed_notice,
    a_transaction,
    a_unionpay_account,
    a_unionpay_call,
    a_unionpay_notice,
    a_version_2_call,
    a_version_2_payment,
    a_version_2_refund_call,
    a_wechatpay_account,
    a_wechatpay_call,
    an_alipay_account,
    an_alipay_call,
    an_alipay_notice,
    xml_of,
)
from tests.unit.clients.providers.shop_platforms import (
    a_douyin_push,
    a_douyin_shop,
    a_push,
    a_sealed_message,
    a_seller,
    a_shopify_shop,
    a_shopify_webhook,
    a_wechat_shop,
    a_woocommerce_shop,
    a_woocommerce_webhook,
    an_event,
)

# A certificate that was changed may have what its reader warns of; the reading goes on.
pytestmark = pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
BOUNDED = settings(
    max_examples=150, deadline=2000, suppress_health_check=[HealthCheck.too_slow], database=None
)

WECHATPAY = a_wechatpay_account()
ALIPAY = an_alipay_account()
UNIONPAY = a_unionpay_account()
STRIPE = a_stripe_account()
ADYEN = an_adyen_account()
DOUYIN = a_douyin_account()
SHOPS: list[Account] = [
    a_douyin_shop(),
    a_wechat_shop(),
    a_shopify_shop(),
    a_woocommerce_shop(),
    a_seller(),
]
ACCOUNTS: list[Account] = [WECHATPAY, ALIPAY, UNIONPAY, STRIPE, ADYEN, DOUYIN, *SHOPS]
GENUINE: list[tuple[Account, Call]] = [
    (WECHATPAY, a_wechatpay_call(a_sealed_notice("TRANSACTION.SUCCESS", a_transaction()))),
    (WECHATPAY, a_version_2_call(a_version_2_payment())),
    (ALIPAY, an_alipay_call(an_alipay_notice())),
    (UNIONPAY, a_unionpay_call(a_unionpay_notice())),
    (STRIPE, a_stripe_call(a_stripe_event())),
    (DOUYIN, a_douyin_call(a_douyin_payment())),
    (SHOPS[0], a_douyin_push(a_push())),
    (SHOPS[1], a_sealed_message(json.dumps(an_event()).encode())),
    (SHOPS[2], a_shopify_webhook({"id": 1, "line_items": []})),
    (SHOPS[3], a_woocommerce_webhook({"id": 1, "line_items": []})),
]
HEADERS = [
    "content-type",
    "event-sign",
    "stripe-signature",
    "wechatpay-nonce",
    "wechatpay-serial",
    "wechatpay-signature",
    "wechatpay-timestamp",
    "x-shopify-hmac-sha256",
    "x-wc-webhook-signature",
]

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        ["", "\x00", "true", "EUR", "9" * 40, "1900000109", "2088", [], {}, [[]], {"": 1}]
    ),
)
JSON = st.recursive(
    ODD,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
NOISE = st.one_of(
    st.binary(max_size=400),
    st.text(max_size=200).map(lambda text: text.encode(errors="surrogatepass")),
    JSON.map(lambda found: json.dumps(found).encode()),
    st.dictionaries(TEXT, TEXT, max_size=5).map(
        lambda found: "&".join(f"{key}={value}" for key, value in found.items()).encode()
    ),
    st.lists(st.sampled_from([b"<xml>", b"</xml>", b"<a>", b"<![CDATA[", b"&a;", b"]]>"])).map(
        b"".join
    ),
)


def outcome(account: Account, call: Call) -> Opened | None:
    """Return what the call opens to; anything but a refusal is an error."""
    try:
        found = PROTOCOLS[account.provider].open(account, call, NOW)
    except RefusedError:
        return None
    assert len(found.message_id) <= 200
    assert found.message_id.isprintable()
    assert len(found.order_hint) <= 200
    assert found.order_hint.isprintable()
    assert len(found.body) <= 300_000
    return found


@BOUNDED
@given(
    account=st.sampled_from(ACCOUNTS),
    body=NOISE,
    headers=st.dictionaries(st.sampled_from(HEADERS), st.text(max_size=60)),
)
def test_noise_is_refused(account: Account, body: bytes, headers: dict[str, str]) -> None:
    assert outcome(account, Call("POST", "/", "", headers, body)) is None


@BOUNDED
@given(genuine=st.sampled_from(GENUINE), at=st.floats(0, 1), gone=st.integers(0, 40), put=NOISE)
def test_a_genuine_call_with_other_bytes_is_refused(
    genuine: tuple[Account, Call], at: float, gone: int, put: bytes
) -> None:
    account, call = genuine
    start = int(at * len(call.body))
    body = call.body[:start] + put + call.body[start + gone :]

    found, told = outcome(account, replace(call, body=body)), outcome(account, call)

    assert told is not None
    # White space between the fields of XML, an empty field of a form, and what stands around a
    # sealed message say nothing.
    if found is not None:
        assert said(found.body) == said(told.body)


def said(body: bytes) -> object:
    if body.startswith(b"<"):
        return b"".join(body.split())
    if body.startswith(b"{"):
        return json.loads(body)
    return {part for part in body.split(b"&") if not part.endswith(b"=")}


@BOUNDED
@given(genuine=st.sampled_from(GENUINE), name=st.sampled_from(HEADERS), value=st.text(max_size=400))
def test_a_genuine_call_with_another_header_is_refused(
    genuine: tuple[Account, Call], name: str, value: str
) -> None:
    account, call = genuine
    is_signed = name in call.headers and name != "content-type"

    found = outcome(account, replace(call, headers={**call.headers, name: value}))

    assert found is None or not is_signed or value == call.headers[name]


@BOUNDED
@given(
    change=st.dictionaries(st.sampled_from([*a_transaction(), *a_refund()]), JSON, max_size=4),
    envelope=st.dictionaries(
        st.sampled_from(["algorithm", "ciphertext", "nonce"]), JSON, max_size=1
    ),
    event=st.sampled_from(["TRANSACTION.SUCCESS", "REFUND.SUCCESS", "", "ODD"]),
    about=st.none() | TEXT,
)
def test_a_signed_notice_of_wechat_pay_may_say_anything(
    change: dict[str, object], envelope: dict[str, object], event: str, about: str | None
) -> None:
    body = a_sealed_notice(event, a_transaction() | change, about, **envelope)

    outcome(WECHATPAY, a_wechatpay_call(body))


@BOUNDED
@given(body=NOISE)
def test_a_signed_body_may_be_anything(body: bytes) -> None:
    outcome(WECHATPAY, a_wechatpay_call(body))
    outcome(STRIPE, a_stripe_call(body))


@BOUNDED
@given(
    fields=st.dictionaries(
        st.sampled_from([*a_version_2_payment(), "sign_type"]), TEXT, max_size=4
    ),
    plain=NOISE,
)
def test_a_signed_or_sealed_notice_of_version_2_may_say_anything(
    fields: dict[str, str], plain: bytes
) -> None:
    outcome(WECHATPAY, a_version_2_call(a_version_2_payment() | fields))
    outcome(WECHATPAY, a_version_2_call(a_version_2_payment() | fields, "HMAC-SHA256"))
    outcome(WECHATPAY, a_version_2_refund_call(plain))
    outcome(WECHATPAY, a_version_2_refund_call(xml_of(fields, "root")))


@BOUNDED
@given(change=st.dictionaries(st.sampled_from([*an_alipay_notice(), "x"]), TEXT, max_size=4))
def test_a_signed_notice_of_alipay_may_say_anything(change: dict[str, str]) -> None:
    outcome(ALIPAY, an_alipay_call(an_alipay_notice(**change)))


@BOUNDED
@given(change=st.dictionaries(st.sampled_from([*a_unionpay_notice(), "x"]), TEXT, max_size=4))
def test_a_signed_notice_of_unionpay_may_say_anything(change: dict[str, str]) -> None:
    outcome(UNIONPAY, a_unionpay_call(a_unionpay_notice(**change)))


@BOUNDED
@given(change=st.dictionaries(st.sampled_from(["id", "type", "object", "data"]), JSON))
def test_a_signed_event_of_stripe_may_say_anything(change: dict[str, object]) -> None:
    outcome(STRIPE, a_stripe_call(a_stripe_event(**change)))


@BOUNDED
@given(
    texts=st.dictionaries(
        st.sampled_from(["pspReference", "merchantReference", "eventCode", "success"]), TEXT
    ),
    change=st.dictionaries(st.sampled_from([*an_adyen_item(), "additionalData"]), JSON),
)
def test_an_item_of_adyen_may_say_anything(
    texts: dict[str, str], change: dict[str, object]
) -> None:
    item = an_adyen_item(**texts)
    assert outcome(ADYEN, an_adyen_call(item | change)) is None or not change.keys() & {
        name for name in change if change[name] != item.get(name) and name != "eventDate"
    }


@BOUNDED
@given(
    message=JSON,
    change=st.dictionaries(st.sampled_from([*a_douyin_payment(), "cp_refundno"]), JSON),
    kind=st.sampled_from(["payment", "refund", "settle", ""]) | TEXT,
)
def test_a_signed_notice_of_douyin_may_say_anything(
    message: object, change: dict[str, object], kind: str
) -> None:
    outcome(DOUYIN, a_douyin_call(a_douyin_payment(**change), kind))
    outcome(DOUYIN, a_douyin_call(message, kind))  # type: ignore[arg-type]  # On purpose.


@BOUNDED
@given(message=JSON, change=st.dictionaries(st.sampled_from(["tag", "msg_id", "data"]), JSON))
def test_a_signed_push_of_a_shop_may_say_anything(
    message: object, change: dict[str, object]
) -> None:
    outcome(SHOPS[0], a_douyin_push(a_push(**change), message))  # type: ignore[arg-type]  # On purpose.
    outcome(SHOPS[1], a_sealed_message(json.dumps(message).encode()))
    outcome(SHOPS[1], a_sealed_message(json.dumps(an_event() | change).encode()))
    outcome(SHOPS[2], a_shopify_webhook(message))  # type: ignore[arg-type]  # On purpose.


@pytest.mark.parametrize("account", ACCOUNTS, ids=lambda account: account.provider)
def test_an_empty_call_is_refused(account: Account) -> None:
    assert outcome(account, a_call(b"")) is None
