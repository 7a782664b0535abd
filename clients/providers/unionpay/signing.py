"""Signatures of UnionPay 5.1.0: ours on requests, the platform's on notices and answers.

The platform's certificate comes inside each message, and anyone can put his own there. So it
counts only when it leads to one that we trust, names UnionPay, and is in its time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from clients.providers.accounts.account import UnionPayAccount
from clients.providers.calls import Refusal, RefusedError
from clients.providers.certificates import leads_to
from clients.providers.keys import (
    KeyUnreadableError,
    PlatformKey,
    certificate,
    is_signed,
    key_of,
    sign,
)
from clients.providers.parsing import decoded, fields_of_plain

VERSION: Final = "5.1.0"
RSA: Final = "01"


def request(account: UnionPayAccount, fields: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of a request with version, certificate and signature.

    To be url-encoded in UTF-8.
    """
    given = {
        "version": VERSION,
        "encoding": "UTF-8",
        "signMethod": RSA,
        "certId": account.certificate_id,
        "merId": account.merchant,
        **fields,
    }
    return {**given, "signature": sign(account.private_key, text_to_sign(given))}


def text_to_sign(fields: Mapping[str, str]) -> bytes:
    """Return what is signed: the SHA-256, as lower-case hexadecimal text, of the sorted fields."""
    joined = "&".join(
        f"{name}={value}" for name, value in sorted(fields.items()) if value and name != "signature"
    )
    return hashlib.sha256(joined.encode()).hexdigest().encode()


def answer(account: UnionPayAccount, body: bytes, now: datetime) -> dict[str, str]:
    """Return the verified fields of an answer, whose body is `k=v&k=v` without url-encoding.

    That the platform has answered is no payment yet: `respCode` tells of the query alone.

    Raises:
        RefusedError: MALFORMED, SIGNATURE, CERTIFICATE or OTHER_ACCOUNT.
    """
    fields = decoded(fields_of_plain(body), "utf-8")
    verify(account, fields, now)
    return fields


def verify(account: UnionPayAccount, fields: Mapping[str, str], now: datetime) -> None:
    """Check that the platform has signed the fields, and that they are for this account.

    Raises:
        RefusedError: SIGNATURE, CERTIFICATE or OTHER_ACCOUNT.
    """
    if fields.get("signMethod") != RSA or fields.get("version") != VERSION:
        raise RefusedError(Refusal.SIGNATURE, "signMethod or version is another")
    if not fields.get("signature") or not fields.get("signPubKeyCert"):
        raise RefusedError(Refusal.SIGNATURE, "signature or signPubKeyCert is missing")
    key = _trusted_key(account, fields["signPubKeyCert"], now)
    if not is_signed(key.key, text_to_sign(fields), fields["signature"]):
        raise RefusedError(Refusal.SIGNATURE, "signature is not the certificate's")
    if fields.get("merId") != account.merchant:
        raise RefusedError(Refusal.OTHER_ACCOUNT, "merId is another")


def _trusted_key(account: UnionPayAccount, pem: str, now: datetime) -> PlatformKey:
    try:
        brought = certificate(pem.encode())
        key = key_of(brought)
        names = _names(brought)
    except (KeyUnreadableError, ValueError) as error:
        raise RefusedError(Refusal.CERTIFICATE, "signPubKeyCert is no sound certificate") from error
    if names.isdisjoint(account.common_names):
        raise RefusedError(Refusal.CERTIFICATE, "signPubKeyCert names somebody else")
    if not leads_to(account.root_certificates, brought, now=now):
        raise RefusedError(Refusal.CERTIFICATE, "signPubKeyCert is not of our trust, or its time")
    return key


def _names(certificate: x509.Certificate) -> frozenset[str]:
    """Return the parts of the common name: `041@8310…@中国银联股份有限公司@0001…`."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return frozenset(part for name in names for part in str(name.value).split("@"))
