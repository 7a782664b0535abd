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
from clients.providers.parsing import charset_of, decoded, fields_of_plain, text_of

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
    text = text_to_sign({name: value.encode() for name, value in given.items()})
    return {**given, "signature": sign(account.private_key, text)}


def text_to_sign(fields: Mapping[str, bytes]) -> bytes:
    """Return what is signed: the SHA-256, as lower-case hexadecimal text, of the sorted fields.

    The fields are bytes of the charset that `encoding` names.
    """
    joined = b"&".join(
        name.encode() + b"=" + value
        for name, value in sorted(fields.items())
        if value and name != "signature"
    )
    return hashlib.sha256(joined).hexdigest().encode()


def answer(account: UnionPayAccount, body: bytes, now: datetime) -> dict[str, str]:
    """Return the verified fields of an answer, whose body is `k=v&k=v` without url-encoding.

    That the platform has answered is no payment yet: `respCode` tells of the query alone.

    Raises:
        RefusedError: MALFORMED, SIGNATURE, CERTIFICATE or OTHER_ACCOUNT.
    """
    return verified(account, fields_of_plain(body), now)


def verified(
    account: UnionPayAccount, fields: Mapping[str, bytes], now: datetime
) -> dict[str, str]:
    """Return the fields as text, once it is proved that the platform has signed them for us.

    Raises:
        RefusedError: MALFORMED, SIGNATURE, CERTIFICATE or OTHER_ACCOUNT.
    """
    texts = decoded(fields, charset_of(text_of(fields.get("encoding", b"utf-8"), "ascii")))
    if texts.get("signMethod") != RSA or texts.get("version") != VERSION:
        raise RefusedError(Refusal.SIGNATURE, "signMethod or version is another")
    if not texts.get("signature") or not texts.get("signPubKeyCert"):
        raise RefusedError(Refusal.SIGNATURE, "signature or signPubKeyCert is missing")
    key = _trusted_key(account, texts["signPubKeyCert"], now)
    if not is_signed(key.key, text_to_sign(fields), texts["signature"]):
        raise RefusedError(Refusal.SIGNATURE, "signature is not the certificate's")
    if texts.get("merId") != account.merchant:
        raise RefusedError(Refusal.OTHER_ACCOUNT, "merId is another")
    return texts


def _trusted_key(account: UnionPayAccount, pem: str, now: datetime) -> PlatformKey:
    try:
        brought = certificate(pem.encode())
        is_trusted = leads_to(account.root_certificates, brought, now=now)
        # Looked into only when somebody whom we trust has signed it.
        names = _names(brought) if is_trusted else frozenset()
        key = key_of(brought) if is_trusted else None
    except (KeyUnreadableError, ValueError) as error:
        raise RefusedError(Refusal.CERTIFICATE, "signPubKeyCert is no sound certificate") from error
    if key is None:
        raise RefusedError(Refusal.CERTIFICATE, "signPubKeyCert is not of our trust, or its time")
    if names.isdisjoint(account.common_names):
        raise RefusedError(Refusal.CERTIFICATE, "signPubKeyCert names somebody else")
    return key


def _names(certificate: x509.Certificate) -> frozenset[str]:
    """Return the parts of the common name: `041@8310…@中国银联股份有限公司@0001…`."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return frozenset(part for name in names for part in str(name.value).split("@"))
