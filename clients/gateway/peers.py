"""Who sent a call: the other end of the connection, or whom trusted proxies name.

`X-Forwarded-For` is written by anybody. It is believed from its end backwards, only as far as each
step was written by a proxy that the settings trust.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from clients.gateway.config import Network

Address = IPv4Address | IPv6Address


def sender(connected: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """Return the address of the sender; that of the connection where nobody else is believed."""
    at = _parsed(connected)
    if not forwarded_for or not trusted or at is None or not _is_in(at, trusted):
        return connected
    believed = connected
    for part in reversed(forwarded_for.split(",")):
        named = _parsed(part.strip())
        if named is None:
            break
        believed = str(named)
        if not _is_in(named, trusted):
            break
    return believed


def _parsed(text: str) -> Address | None:
    """Return the address, also of `[v6]:port` and `v4:port` as some proxies write them."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)
