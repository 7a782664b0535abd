"""Where messages may go: to hosts that are listed, at addresses that are public or allowed.

A name is looked up once and the connection goes to the address that was looked at, so that a name
that changes its mind in between leads nowhere else. Redirects are followed by nobody here.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from clients.notifier.outcome import NotReachableError, Outcome, Result

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
Lookup = Callable[[str, int], Awaitable[Sequence[str]]]

# Receivers that are what they are; all others stand in the file.
KNOWN_HOSTS: Final = frozenset(
    {"qyapi.weixin.qq.com", "oapi.dingtalk.com", "open.feishu.cn", "open.larksuite.com"}
)


@dataclass(frozen=True, slots=True)
class Allowed:
    """The hosts that messages may go to, and private networks that they may lie in."""

    hosts: frozenset[str] = KNOWN_HOSTS
    networks: tuple[Network, ...] = ()

    def has(self, host: str) -> bool:
        """Return whether a host is listed."""
        return host.lower().rstrip(".") in self.hosts

    def bears(self, address: Address) -> bool:
        """Return whether an address may be connected to."""
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        if address.is_global and not address.is_multicast:
            return True
        return any(address in each for each in self.networks)


async def look_up(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


async def place_of(host: str, port: int, allowed: Allowed, lookup: Lookup = look_up) -> str:
    """Return the address to connect to.

    Raises:
        NotReachableError: the host is not listed, has no address, or one that is not allowed.
    """
    if not allowed.has(host):
        raise NotReachableError(Outcome(Result.REFUSED, "HOST_NOT_ALLOWED"))
    try:
        found = [ip_address(each) for each in await lookup(host, port)]
    except OSError as error:
        raise NotReachableError(Outcome(Result.NOT_SENT, "LOOKUP")) from error
    if not found:
        raise NotReachableError(Outcome(Result.NOT_SENT, "LOOKUP"))
    # One that is not allowed among others is no accident either.
    if not all(allowed.bears(each) for each in found):
        raise NotReachableError(Outcome(Result.REFUSED, "ADDRESS_NOT_ALLOWED"))
    return str(found[0])
