"""The front door for callbacks: the protocol of each provider, by the provider's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from clients.providers import adyen, amazon, douyin, douyin_pay, shopify, stripe, woocommerce
from clients.providers.alipay import notice as alipay
from clients.providers.calls import Answer, Call, Opened, Protocol, Refusal, RefusedError
from clients.providers.unionpay import notice as unionpay
from clients.providers.wechat_messages import notice as wechat_messages
from clients.providers.wechatpay import notice as wechatpay

__all__ = [
    "GREETINGS",
    "PROTOCOLS",
    "Answer",
    "Call",
    "Opened",
    "Protocol",
    "Refusal",
    "RefusedError",
]

# An account of the same provider belongs to each; `Accounts.find` gives it.
PROTOCOLS: Final[Mapping[str, Protocol[Any]]] = MappingProxyType(
    {
        "wechatpay": wechatpay.WechatPay(),
        "alipay": alipay.Alipay(),
        "unionpay": unionpay.UnionPay(),
        "stripe": stripe.Stripe(),
        "adyen": adyen.Adyen(),
        "douyin_pay": douyin_pay.DouyinPay(),
        "douyin": douyin.Douyin(),
        "wechat_channels": wechat_messages.WechatMessages(
            "wechat_channels.event", "wechat_channels.unknown"
        ),
        "mini": wechat_messages.WechatMessages("mini.event", "mini.unknown"),
        "amazon": amazon.Amazon(),
        "shopify": shopify.Shopify(),
        "woocommerce": woocommerce.WooCommerce(),
    }
)

# Who asks first whether the address is ours: what that gets, or None where the call is no greeting.
# Nothing of a greeting is stored.
GREETINGS: Final[Mapping[str, Callable[[Any, Call, datetime], Answer | None]]] = MappingProxyType(
    {
        "wechat_channels": wechat_messages.greeted,
        "mini": wechat_messages.greeted,
        "woocommerce": woocommerce.greeted,
    }
)
