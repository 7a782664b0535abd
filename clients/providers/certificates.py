"""Whether a certificate leads to somebody we trust, at a given time.

Own and small on purpose: the verifier of `cryptography` is made for web servers and refuses what
payment platforms use (no subject alternative names). A signature over SHA-1, as in UnionPay's test
environment, proves nobody any more: such a certificate must be trusted itself. There is no
revocation here: that would be a network call inside a callback.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from clients.providers.keys import KeyUnreadableError

# Leaf, two authorities and a root are the longest that any of them uses.
CHAIN_MAX: Final = 4


def bundle(pem: bytes) -> tuple[x509.Certificate, ...]:
    """Return every certificate of a PEM text.

    Raises:
        KeyUnreadableError: there is none.
    """
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except (ValueError, x509.InvalidVersion) as error:
        raise KeyUnreadableError("must hold certificates in PEM") from error


def leads_to(
    anchors: Sequence[x509.Certificate],
    leaf: x509.Certificate,
    between: Sequence[x509.Certificate] = (),
    now: datetime | None = None,
) -> bool:
    """Return whether an anchor is the certificate, or has issued it, directly or by others.

    Given a time, every certificate of the way must count at it, an anchor's included.
    """
    current = leaf
    for _ in range(CHAIN_MAX):
        if current in anchors:
            return now is None or _counts_at(current, now)
        issuer = next(
            (each for each in (*anchors, *between) if _has_issued(each, current)),
            None,
        )
        if issuer is None or issuer == current:
            return False
        # Looked into only after its signature is proved.
        if now is not None and not _counts_at(current, now):
            return False
        current = issuer
    return False


def leaf_of(certificates: Sequence[x509.Certificate]) -> x509.Certificate:
    """Return the first certificate that issued none of the others."""
    return next(
        (
            each
            for each in certificates
            if not any(other != each and _has_issued(each, other) for other in certificates)
        ),
        certificates[0],
    )


def _counts_at(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def _has_issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Return whether it may issue certificates, and has signed this one."""
    try:
        authority = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        certificate.verify_directly_issued_by(issuer)
    except (
        InvalidSignature,
        UnsupportedAlgorithm,
        ValueError,
        TypeError,
        x509.ExtensionNotFound,
        x509.DuplicateExtension,
    ):
        return False
    return authority
