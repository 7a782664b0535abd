"""Accounts of merchants and shops, and their keys: the file is read whole or refused whole."""

from clients.providers.accounts.account import (
    Account,
    AdyenAccount,
    AlipayAccount,
    DouyinPayAccount,
    StripeAccount,
    UnionPayAccount,
    WechatPayAccount,
)
from clients.providers.accounts.book import AccountBook
from clients.providers.accounts.loading import Accounts, AccountsError, load
from clients.providers.accounts.shops import (
    AmazonAccount,
    DouyinAccount,
    JdAccount,
    MiniAccount,
    PddAccount,
    ShopifyAccount,
    TaobaoAccount,
    WechatAppAccount,
    WechatChannelsAccount,
    WooCommerceAccount,
)

__all__ = [
    "Account",
    "AccountBook",
    "Accounts",
    "AccountsError",
    "AdyenAccount",
    "AlipayAccount",
    "AmazonAccount",
    "DouyinAccount",
    "DouyinPayAccount",
    "JdAccount",
    "MiniAccount",
    "PddAccount",
    "ShopifyAccount",
    "StripeAccount",
    "TaobaoAccount",
    "UnionPayAccount",
    "WechatAppAccount",
    "WechatChannelsAccount",
    "WechatPayAccount",
    "WooCommerceAccount",
    "load",
]
