"""The checks of `concord doctor` for merchant accounts: do the keys work, and for how long?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from clients.cli.findings import Finding, bad, good
from clients.providers import keys as rsa
from clients.providers.accounts import (
    Account,
    Accounts,
    AdyenAccount,
    AlipayAccount,
    AmazonAccount,
    DouyinAccount,
    DouyinPayAccount,
    JdAccount,
    MiniAccount,
    PddAccount,
    ShopifyAccount,
    StripeAccount,
    TaobaoAccount,
    UnionPayAccount,
    WechatChannelsAccount,
    WechatPayAccount,
    WooCommerceAccount,
)

# Platforms announce a new certificate a month before the old one ends.
DAYS_LEFT_MIN: Final = 30
# 128 bits; what is shorter is guessed.
TOKEN_MIN: Final = 16
TEST_TEXT: Final = b"concord doctor"

# What to do about a problem of the accounts file, by what its text says.
FIXES: Final[tuple[tuple[str, str], ...]] = (
    (
        "must be {file: path} or {env: NAME}",
        "Move the secret into a file of its own that only the gateway may read, and name it: "
        "{file: path}.",
    ),
    ("cannot be read", "Create the file, or correct its path; paths start at the accounts file."),
    ("is not set", "Set the variable for the gateway and the connectors, or name a file."),
    ("is empty", "Put the secret there; an empty one was probably never written."),
    (
        "must hold 32 bytes",
        "Copy the key from the platform's merchant pages again: 32 characters, without quotes.",
    ),
    ("hexadecimal", "Copy the key from the platform's pages again: 64 digits of 0-9 and A-F."),
    (
        "is not that of private_key",
        "Take key and certificate that were made together; the platform's pages show the serial "
        "of the certificate that they hold.",
    ),
    (
        "must be a private key",
        "Export the private key as PEM without password; a .p12 or .pfx is not PEM.",
    ),
    ("must be a public key", "Download the platform's public key or certificate again, as PEM."),
    ("must be a certificate", "Download the certificate again, as PEM (-----BEGIN CERTIFICATE…)."),
    ("holds the certificate", "Name each platform key by the serial number of its certificate."),
    ("was not issued by", "Download the platform's certificate and its roots together."),
    ("RSA key of", "Make a new key of 2048 bits, and upload its public half to the platform."),
    ("already; choose another", "Give each account of a provider a name of its own."),
    ("of a queue's four", "Name all of queue, queue_region, queue_key and queue_secret, or none."),
    ("is missing", "Add it; docs/gateway.md has a whole accounts file."),
    (
        "EncodingAESKey",
        "Copy the key from the platform's pages again: 43 letters and digits, without `=`.",
    ),
    ("is no setting", "Correct the spelling, or take it out."),
)
OTHERWISE: Final = "Correct it in the accounts file; docs/gateway.md has a whole one."

# By what two accounts would be the same merchant.
IDENTITY: Final[Mapping[type[Account], Callable[[Any], object]]] = {
    WechatPayAccount: lambda account: account.merchant,
    AlipayAccount: lambda account: (account.app, account.seller),
    UnionPayAccount: lambda account: account.merchant,
    StripeAccount: lambda account: frozenset(account.webhook_secrets),
    AdyenAccount: lambda account: account.merchant,
    DouyinPayAccount: lambda account: (account.token, account.apps),
    # Several shops may let the same application in.
    DouyinAccount: lambda account: (account.app_key, account.shop),
    JdAccount: lambda account: (account.app_key, account.shop, account.access_token),
    PddAccount: lambda account: (account.client, account.shop, account.access_token),
    TaobaoAccount: lambda account: (account.app_key, account.shop, account.access_token),
    WechatChannelsAccount: lambda account: account.app,
    MiniAccount: lambda account: account.app,
    AmazonAccount: lambda account: (account.seller, account.marketplaces),
    ShopifyAccount: lambda account: account.shop,
    WooCommerceAccount: lambda account: account.api,
}


def fix_of(problem: str) -> str:
    """Return what to do about a problem of the accounts file."""
    return next((fix for text, fix in FIXES if text in problem), OTHERWISE)


def duplicates(accounts: Accounts) -> Iterator[Finding]:
    """Is a merchant there twice? A platform has one address for him."""
    by_merchant: dict[tuple[str, object], list[str]] = defaultdict(list)
    for account in accounts.all:
        by_merchant[account.provider, IDENTITY[type(account)](account)].append(account.name)
    for (provider, _), names in by_merchant.items():
        if len(names) > 1:
            yield bad(
                "accounts",
                f"{provider}: {', '.join(names)} are the same merchant",
                "Leave one of them out: what comes to both addresses is stored twice, and probes "
                "ask twice.",
            )


def keys(account: Account, now: datetime) -> Iterator[Finding]:
    """Does a test signature verify, and do the platform's keys count, and for how long?"""
    name = f"keys {account.provider}/{account.name}"
    problems = [*_own(account), *_platform(account, now)]
    for detail, fix in problems:
        yield bad(name, detail, fix)
    if not problems:
        yield good(name, "; ".join(_told(account, now)))


Problem = tuple[str, str]


def _own(account: Account) -> Iterator[Problem]:
    key = getattr(account, "private_key", None)
    if key is not None:
        signature = rsa.sign(key, TEST_TEXT)
        if not rsa.is_signed(key.public_key(), TEST_TEXT, signature):
            yield "a test signature of private_key does not verify", FIXES[7][1]
    if isinstance(account, DouyinPayAccount) and len(account.token) < TOKEN_MIN:
        yield (
            f"token has {len(account.token)} characters",
            f"Choose one of {TOKEN_MIN} or more on the platform's pages: a short one is guessed.",
        )
    if isinstance(account, StripeAccount):
        wrong = [each for each in account.webhook_secrets if not each.startswith("whsec_")]
        if wrong:
            yield (
                "webhook_secrets has one that does not begin with whsec_",
                "Copy the signing secret of the webhook endpoint, which is not the API key.",
            )


def _platform(account: Account, now: datetime) -> Iterator[Problem]:
    ends = _ends(account)
    if not ends:
        return
    # One that is near its end is no problem beside one that will follow it.
    left = {name: (ends_at - now).days if ends_at else None for name, ends_at in ends.items()}
    if any(days is None or days >= DAYS_LEFT_MIN for days in left.values()):
        return
    name, days = max(left.items(), key=lambda each: each[1] or 0)
    told = f"ended {-(days or 0)} days ago" if (days or 0) < 0 else f"ends in {days} days"
    yield (
        f"the platform's {name} {told}, and none follows it",
        "Download the platform's next certificate, and add it beside this one; the gateway takes "
        "it without a restart.",
    )


def _told(account: Account, now: datetime) -> Iterator[str]:
    if getattr(account, "private_key", None) is not None:
        yield "a test signature verifies"
    ends = _ends(account)
    limited = [ends_at for ends_at in ends.values() if ends_at is not None]
    if ends:
        yield f"{len(ends)} of the platform" + (
            f", the last ends in {(max(limited) - now).days} days" if limited else ""
        )
    if not ends and not hasattr(account, "private_key"):
        yield "secrets are there, and long enough"


def _ends(account: Account) -> dict[str, datetime | None]:
    """Return when each of the platform's keys ends; None for a bare key, which does not."""
    if isinstance(account, WechatPayAccount):
        return {f"key {name}": each.valid_until for name, each in account.platform_keys.items()}
    if isinstance(account, AlipayAccount):
        return {f"key {each.serial}": each.valid_until for each in account.platform_keys}
    if isinstance(account, UnionPayAccount):
        return {
            f"root {each.serial_number:X}": each.not_valid_after_utc
            for each in account.root_certificates
        }
    return {}
