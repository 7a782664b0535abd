"""Opens notices of WeChat Pay version 3: signed JSON around a sealed resource."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from clients.providers.accounts.account import WechatPayAccount
from clients.providers.calls import JSON, Call, Opened, Refusal, RefusedError
from clients.providers.keys import canonical_base64
from clients.providers.parsing import bounded, json_object, malformed, name, string
from clients.providers.wechatpay.signing import verify

ALGORITHM: Final = "AEAD_AES_256_GCM"
PAYMENT: Final = "wechatpay.v3.transaction"
REFUND: Final = "wechatpay.v3.refund"
UNKNOWN: Final = "wechatpay.unknown"
TEMPLATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "TRANSACTION.SUCCESS": PAYMENT,
        "REFUND.SUCCESS": REFUND,
        "REFUND.ABNORMAL": REFUND,
        "REFUND.CLOSED": REFUND,
    }
)
# Whose notice it is: of a merchant, of a service provider for his, of a combined payment.
OWNERS: Final = ("mchid", "sp_mchid", "combine_mchid")


def opened(account: WechatPayAccount, call: Call, now: datetime) -> Opened:
    """Return what the notice says.

    Raises:
        RefusedError: it is not proved.
    """
    verify(account, call.headers, bounded(call.body), now)
    envelope = json_object(call.body)
    plain = unsealed(account, envelope.get("resource"))
    content = json_object(plain)
    template = TEMPLATES.get(string(envelope, "event_type"), UNKNOWN)
    template = _check_owner(account, content, template)
    return Opened(
        template=template,
        message_id=name(string(envelope, "id")),
        # What we do not follow stays sealed: only its envelope says what it is.
        body=call.body if template == UNKNOWN else plain,
        content_type=JSON,
        order_hint=name(content.get("out_trade_no")),
    )


def unsealed(account: WechatPayAccount, resource: object) -> bytes:
    """Return what a sealed resource holds.

    Raises:
        RefusedError: MALFORMED; or KEY_UNKNOWN, as it is sealed with another key than ours.
    """
    if string(resource, "algorithm") != ALGORITHM:
        raise malformed("resource.algorithm is another")
    sealed = canonical_base64(string(resource, "ciphertext"))
    if sealed is None:
        raise malformed("resource.ciphertext is no base64")
    nonce = string(resource, "nonce").encode()
    about = resource.get("associated_data") if isinstance(resource, dict) else None
    if not isinstance(about, str | None):
        raise malformed("resource.associated_data is no text")
    try:
        return AESGCM(account.api_v3_key).decrypt(nonce, sealed, (about or "").encode())
    except (InvalidTag, ValueError):
        # The platform has signed it, so it is our key that does not fit.
        raise RefusedError(Refusal.KEY_UNKNOWN, "resource is not sealed with api_v3_key") from None


def _check_owner(account: WechatPayAccount, content: Mapping[str, Any], template: str) -> str:
    """Return the template, or that of the unknown for other kinds of merchants.

    Raises:
        RefusedError: the notice belongs to another merchant or application.
    """
    owner = next((each for each in OWNERS if each in content), None)
    if owner is not None and content[owner] != account.merchant:
        raise RefusedError(Refusal.OTHER_ACCOUNT, f"{owner} is another")
    if template == UNKNOWN:
        return UNKNOWN
    if owner is None:
        raise RefusedError(Refusal.OTHER_ACCOUNT, "mchid is missing")
    if owner != "mchid":
        return UNKNOWN
    app = content.get("appid")
    if (app is not None or template == PAYMENT) and name(app) not in account.apps:
        raise RefusedError(Refusal.OTHER_ACCOUNT, "appid is another")
    return template
