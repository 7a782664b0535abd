"""The numbers by which Alipay names certificates in requests (certificate mode)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

# The issuer's name as the platform spells it, whatever the order in the certificate.
NAME_PARTS: Final = (
    ("CN", NameOID.COMMON_NAME),
    ("OU", NameOID.ORGANIZATIONAL_UNIT_NAME),
    ("O", NameOID.ORGANIZATION_NAME),
    ("C", NameOID.COUNTRY_NAME),
)
# Roots signed otherwise (SM2, elliptic curves) are in the platform's file, and are left out.
RSA_SIGNATURES: Final = "1.2.840.113549.1.1."


def certificate_sn(certificate: x509.Certificate) -> str:
    """Return `app_cert_sn`: MD5 over the issuer's name and the serial number."""
    issuer = certificate.issuer
    name = ",".join(f"{key}={_part(issuer, oid)}" for key, oid in NAME_PARTS)
    return hashlib.md5(f"{name}{certificate.serial_number}".encode()).hexdigest()  # noqa: S324  # A name, not a proof.


def root_sn(roots: Sequence[x509.Certificate]) -> str:
    """Return `alipay_root_cert_sn`: those of the roots that sign with RSA, joined by `_`."""
    return "_".join(
        certificate_sn(root)
        for root in roots
        if root.signature_algorithm_oid.dotted_string.startswith(RSA_SIGNATURES)
    )


def _part(name: x509.Name, oid: x509.ObjectIdentifier) -> object:
    # The platform's own code writes `null`, and what its library writes, `None`, is accepted; our
    # certificates have all four.
    values = name.get_attributes_for_oid(oid)
    return values[-1].value if values else None
