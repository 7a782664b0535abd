"""Feeds libFuzzer's inputs to every verifier and parser of callbacks, guided by coverage.

    python -m tests.fuzz.callbacks_harness -runs=20000 -max_len=2048

The first byte of an input chooses who reads the rest. What was not signed must be refused; what is
signed may say anything. Whatever else is raised ends the run, as do 5 s and 512 MiB for one input.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable

import atheris

with atheris.instrument_imports(include=["clients.providers"]):
    from clients.providers import parsing
    from clients.providers.accounts import Account
    from clients.providers.alipay import signing as alipay
    from clients.providers.callbacks import PROTOCOLS, Call, RefusedError
    from clients.providers.certificates import leads_to
    from clients.providers.keys import KeyUnreadableError, certificate, platform_key
    from clients.providers.unionpay import signing as unionpay

from tests.unit.clients.providers.hashing_platforms import (
    a_douyin_account,
    a_stripe_account,
    a_stripe_call,
    an_adyen_account,
)
from tests.unit.clients.providers.key_ring import NOW, pem_of_public, rsa_key
from tests.unit.clients.providers.platforms import (
    a_unionpay_account,
    a_version_2_refund_call,
    a_wechatpay_account,
    a_wechatpay_call,
    an_alipay_account,
    unionpay_root,
)

# The test of this harness itself: an input that begins so is a defect.
PLANTED = os.environ.get("PLANTED_DEFECT", "").encode()

ALIPAY = an_alipay_account()
UNIONPAY = a_unionpay_account()
WECHATPAY = a_wechatpay_account()
STRIPE = a_stripe_account()
# The genuine calls that the search starts from are not for these: nothing is that comes to them.
OTHER_KEY = platform_key(pem_of_public(rsa_key("a stranger")))
OTHERS: list[Account] = [
    a_wechatpay_account(
        platform_keys=dict.fromkeys(WECHATPAY.platform_keys, OTHER_KEY), api_v2_key=bytes(32)
    ),
    an_alipay_account(platform_keys=(OTHER_KEY,)),
    a_unionpay_account(merchant="000000000000000"),
    a_stripe_account(webhook_secrets=("whsec_of_somebody_else",)),
    an_adyen_account(hmac_keys=(bytes(32),)),
    a_douyin_account(token="another_token"),
]
HEADERS = (
    "wechatpay-timestamp",
    "wechatpay-nonce",
    "wechatpay-serial",
    "wechatpay-signature",
    "stripe-signature",
    "content-type",
)


class AcceptedError(Exception):
    """What nobody has signed was believed."""


def unsigned(account: Account) -> Callable[[bytes], None]:
    """Return who takes bytes for a call: lines of headers, an empty line, a body."""

    def read(content: bytes) -> None:
        head, _, body = content.partition(b"\n\n")
        values = head.decode("latin-1").split("\n")
        call = Call("POST", "/", "", dict(zip(HEADERS, values, strict=False)), body)
        PROTOCOLS[account.provider].open(account, call, NOW)
        raise AcceptedError(account.provider)

    return read


def signed(account: Account, sign: Callable[[bytes], Call]) -> Callable[[bytes], None]:
    """Return who takes bytes for what the platform has signed."""
    return lambda content: void(PROTOCOLS[account.provider].open(account, sign(content), NOW))


def a_stranger(content: bytes) -> None:
    """Take bytes for the certificate that a message brings."""
    pem = b"-----BEGIN CERTIFICATE-----\n" + content + b"\n-----END CERTIFICATE-----\n"
    try:
        found = certificate(pem)
    except KeyUnreadableError:
        return
    if leads_to([unionpay_root()], found, now=NOW):
        raise AcceptedError("certificate")


def void(_: object) -> None:
    """Take what was read for read."""


TARGETS: list[Callable[[bytes], None]] = [
    *map(unsigned, OTHERS),
    signed(WECHATPAY, a_wechatpay_call),
    signed(WECHATPAY, a_version_2_refund_call),
    signed(STRIPE, a_stripe_call),
    a_stranger,
    lambda content: void(parsing.json_object(content)),
    lambda content: void(parsing.fields_of_form(content)),
    lambda content: void(parsing.fields_of_plain(content)),
    lambda content: void(parsing.fields_of_xml(content, "xml")),
    lambda content: void(alipay.answer(ALIPAY, "alipay.trade.query", content, NOW)),
    lambda content: void(unionpay.answer(UNIONPAY, content, NOW)),
]


def take(content: bytes) -> None:
    """Give one input to whom its first byte chooses; a refusal is the end of it."""
    if PLANTED and content.startswith(PLANTED):
        raise AcceptedError("planted")
    if not content:
        return
    try:
        TARGETS[content[0] % len(TARGETS)](content[1:])
    except RefusedError:
        return


if __name__ == "__main__":
    # A certificate that makes no sense may have what its reader warns of.
    warnings.simplefilter("ignore")
    atheris.Setup([*sys.argv, "-timeout=5", "-rss_limit_mb=512"], take)
    atheris.Fuzz()
