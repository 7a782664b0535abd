"""Sales channels: each a module of its name, which implements `clients.connectors.pulling`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from clients.connectors.channels import amazon, pdd, shopify, taobao, wechat, woocommerce
from clients.connectors.channels.amazon import Amazon
from clients.connectors.channels.douyin import Douyin
from clients.connectors.channels.jd import Jd
from clients.connectors.channels.pdd import Pdd
from clients.connectors.channels.shopify import Shopify
from clients.connectors.channels.taobao import Taobao
from clients.connectors.channels.wechat import Mini, WechatChannels
from clients.connectors.channels.woocommerce import WooCommerce
from clients.connectors.pacing import Rate
from clients.connectors.pulling.calling import Caller
from clients.connectors.pulling.platform import AnyPlatform
from clients.connectors.pulling.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Channel:
    """How a platform is made, and how often its operations may be called."""

    make: Callable[[Caller, Tokens], AnyPlatform]
    rates: Mapping[str, Rate] = field(default_factory=dict)
    """By operation, as the platform's calls name it; others go at `calling.RATE`."""


CHANNELS: Final[Mapping[str, Channel]] = MappingProxyType(
    {
        "douyin": Channel(lambda caller, _: Douyin(caller)),
        "jd": Channel(lambda caller, _: Jd(caller)),
        "pdd": Channel(lambda caller, _: Pdd(caller), pdd.RATES),
        "taobao": Channel(lambda caller, _: Taobao(caller), taobao.RATES),
        "wechat_channels": Channel(WechatChannels, wechat.RATES),
        "mini": Channel(Mini, wechat.RATES),
        "amazon": Channel(Amazon, amazon.RATES),
        "shopify": Channel(lambda caller, _: Shopify(caller), shopify.RATES),
        "woocommerce": Channel(lambda caller, _: WooCommerce(caller), woocommerce.RATES),
    }
)
