"""The front door for callbacks: the protocol of each provider, by the provider's name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from clients.providers import adyen, douyin_pay, stripe
from clients.providers.alipay import notice as alipay
from clients.providers.calls import Answer, Call, Opened, Protocol, Refusal, RefusedError
from clients.providers.unionpay import notice as unionpay
from clients.providers.wechatpay import notice as wechatpay

__all__ = ["PROTOCOLS", "Answer", "Call", "Opened", "Protocol", "Refusal", "RefusedError"]

# An account of the same provider belongs to each; `Accounts.find` gives it.
PROTOCOLS: Final[Mapping[str, Protocol[Any]]] = MappingProxyType(
    {
        "wechatpay": wechatpay.WechatPay(),
        "alipay": alipay.Alipay(),
        "unionpay": unionpay.UnionPay(),
        "stripe": stripe.Stripe(),
        "adyen": adyen.Adyen(),
        "douyin_pay": douyin_pay.DouyinPay(),
    }
)
