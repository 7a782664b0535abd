"""How Alipay writes things: what is signed, certificates' names, amounts in yuan, states."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from deploy.local.platforms.trades import TradeState

TIME: Final = "%Y-%m-%d %H:%M:%S"

NAMES: Final = (
    ("CN", NameOID.COMMON_NAME),
    ("OU", NameOID.ORGANIZATIONAL_UNIT_NAME),
    ("O", NameOID.ORGANIZATION_NAME),
    ("C", NameOID.COUNTRY_NAME),
)

STATUSES: Final = {
    TradeState.WAITING: "WAIT_BUYER_PAY",
    TradeState.PAYING: "WAIT_BUYER_PAY",
    TradeState.AUTHORISED: "WAIT_BUYER_PAY",
    TradeState.FAILED: "WAIT_BUYER_PAY",
    TradeState.PAID: "TRADE_SUCCESS",
    TradeState.FINISHED: "TRADE_FINISHED",
    TradeState.CLOSED: "TRADE_CLOSED",
}


def message(params: Mapping[str, str], *, without: Iterable[str]) -> bytes:
    """Return what is signed of parameters: sorted, neither empty ones nor those named."""
    left_out = set(without)
    kept = sorted((name, value) for name, value in params.items() if value and name not in left_out)
    return "&".join(f"{name}={value}" for name, value in kept).encode()


def serial(certificate: x509.Certificate) -> str:
    """Return the name of a certificate: MD5 of its issuer and its serial number."""
    parts = []
    for short, oid in NAMES:
        found = certificate.issuer.get_attributes_for_oid(oid)
        parts.append(f"{short}={str(found[0].value) if found else ''}")
    text = ",".join(parts) + str(certificate.serial_number)
    return hashlib.md5(text.encode()).hexdigest()  # noqa: S324  # The platform's own.


def yuan(minor: int) -> str:
    """Return an amount as the platform writes it."""
    return f"{minor // 100}.{minor % 100:02d}"


def minor(text: str) -> int:
    """Read an amount as the platform writes it.

    Raises:
        ValueError: it is not one.
    """
    whole, _, part = text.partition(".")
    if not (whole.isascii() and whole.isdigit()) or len(part) > 2 or (part and not part.isdigit()):  # noqa: PLR2004  # Decimals of a yuan.
        raise ValueError(f"not an amount: {text!r}")
    return int(whole) * 100 + int(part.ljust(2, "0"))
