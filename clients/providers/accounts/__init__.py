"""Merchant accounts and their keys: what the file says, read whole or refused whole."""

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

__all__ = [
    "Account",
    "AccountBook",
    "Accounts",
    "AccountsError",
    "AdyenAccount",
    "AlipayAccount",
    "DouyinPayAccount",
    "StripeAccount",
    "UnionPayAccount",
    "WechatPayAccount",
    "load",
]
