"""What an account of each sales channel consists of.

As with merchant accounts: secrets never appear in a `repr`, and a default address is that of the
platform's production. Access tokens that a platform hands out for weeks are secrets in files,
which are read anew when they change; those of an hour are fetched by the connectors.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Final

from clients.providers.accounts.account import Account

DOUYIN_API: Final = "https://openapi-fxg.jinritemai.com"
JD_API: Final = "https://api.jd.com/routerjson"
PDD_API: Final = "https://gw-api.pinduoduo.com/api/router"
PDD_PUSH: Final = "wss://message-api.pinduoduo.com"
TAOBAO_API: Final = "https://eco.taobao.com/router/rest"
WECHAT_API: Final = "https://api.weixin.qq.com"
AMAZON_API: Final = "https://sellingpartnerapi-na.amazon.com"
AMAZON_LOGIN_API: Final = "https://api.amazon.com"


@dataclass(frozen=True, kw_only=True)
class DouyinAccount(Account):
    """A shop of Douyin (抖店), and the application that it lets in."""

    provider: ClassVar[str] = "douyin"
    app_key: str
    app_secret: str = field(repr=False)
    shop: str = ""
    """The platform's number of the shop; empty: whatever the token is for."""
    access_token: str = field(default="", repr=False)
    api: str = DOUYIN_API


@dataclass(frozen=True, kw_only=True)
class JdAccount(Account):
    """A shop of JD (京东 POP)."""

    provider: ClassVar[str] = "jd"
    app_key: str
    app_secret: str = field(repr=False)
    shop: str = ""
    access_token: str = field(repr=False)
    api: str = JD_API


@dataclass(frozen=True, kw_only=True)
class PddAccount(Account):
    """A shop of Pinduoduo (拼多多)."""

    provider: ClassVar[str] = "pdd"
    client: str
    """The application, `client_id`."""
    client_secret: str = field(repr=False)
    shop: str = ""
    """The mall's number, `mall_id`; empty: whatever the token is for."""
    access_token: str = field(repr=False)
    api: str = PDD_API
    push: str = ""
    """Where the platform's messages are read (`wss://…`); empty: they are not."""


@dataclass(frozen=True, kw_only=True)
class TaobaoAccount(Account):
    """A shop of Taobao or Tmall (淘宝, 天猫)."""

    provider: ClassVar[str] = "taobao"
    app_key: str
    app_secret: str = field(repr=False)
    shop: str = ""
    access_token: str = field(repr=False)
    """The platform calls it `session`."""
    api: str = TAOBAO_API


@dataclass(frozen=True, kw_only=True)
class WechatAppAccount(Account):
    """An application of WeChat that gets messages: what a shop and a mini program share."""

    app: str
    app_secret: str = field(repr=False)
    message_token: str = field(repr=False)
    aes_key: bytes | None = field(default=None, repr=False)
    """Of safe mode; with it, nothing is believed that is not sealed."""
    api: str = WECHAT_API


@dataclass(frozen=True, kw_only=True)
class WechatChannelsAccount(WechatAppAccount):
    """A shop of WeChat channels (微信小店)."""

    provider: ClassVar[str] = "wechat_channels"


@dataclass(frozen=True, kw_only=True)
class MiniAccount(WechatAppAccount):
    """A mini program of our own (小程序), whose shipping WeChat manages (发货管理)."""

    provider: ClassVar[str] = "mini"


@dataclass(frozen=True, kw_only=True)
class AmazonAccount(Account):
    """A seller at Amazon, in the marketplaces of one region."""

    provider: ClassVar[str] = "amazon"
    seller: str
    marketplaces: tuple[str, ...]
    client: str
    """The application, as Login with Amazon names it."""
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)
    push_keys: tuple[str, ...] = field(default=(), repr=False)
    """What EventBridge brings along as `x-api-key`; none: it is not let in."""
    queue: str = ""
    """The SQS queue's address; empty: there is none."""
    queue_region: str = ""
    queue_key: str = ""
    """Whose key pair may read the queue, AKIA…."""
    queue_secret: str = field(default="", repr=False)
    api: str = AMAZON_API
    login_api: str = AMAZON_LOGIN_API


@dataclass(frozen=True, kw_only=True)
class ShopifyAccount(Account):
    """A shop of Shopify."""

    provider: ClassVar[str] = "shopify"
    shop: str
    """`name.myshopify.com`."""
    access_token: str = field(repr=False)
    webhook_secrets: tuple[str, ...] = field(repr=False)
    """The application's client secret; two while one takes over from the other."""
    api: str = ""
    """Of the shop itself, where nothing else is said."""


@dataclass(frozen=True, kw_only=True)
class WooCommerceAccount(Account):
    """A shop that runs on WooCommerce."""

    provider: ClassVar[str] = "woocommerce"
    api: str
    """The site's address."""
    consumer_key: str
    consumer_secret: str = field(repr=False)
    webhook_secrets: tuple[str, ...] = field(repr=False)
