"""Messages go where they are allowed to, whatever a name resolves to and whoever points where."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from ipaddress import ip_network

import pytest

from clients.notifier.allowing import KNOWN_HOSTS, Allowed, place_of
from clients.notifier.outcome import NotReachableError, Result

HOST = "hooks.example.com"
PUBLIC = "93.184.216.34"


def look(*found: str) -> object:
    async def lookup(_host: str, _port: int) -> Sequence[str]:
        if not found:
            raise OSError
        return found

    return lookup


def place(*found: str, host: str = HOST, private: Sequence[str] = ()) -> str:
    allowed = Allowed(KNOWN_HOSTS | {HOST}, tuple(map(ip_network, private)))
    return asyncio.run(place_of(host, 443, allowed, look(*found)))  # type: ignore[arg-type]  # a lookup


def refused(*found: str, host: str = HOST, private: Sequence[str] = ()) -> tuple[Result, str]:
    with pytest.raises(NotReachableError) as error:
        place(*found, host=host, private=private)
    return error.value.outcome.result, error.value.outcome.code


def test_a_listed_host_at_a_public_address_is_connected_to_there() -> None:
    assert place(PUBLIC) == PUBLIC
    assert place("2606:2800:220:1::1") == "2606:2800:220:1::1"


def test_a_host_that_is_not_listed_is_never_looked_up() -> None:
    assert refused(PUBLIC, host="evil.example.com") == (Result.REFUSED, "HOST_NOT_ALLOWED")
    assert refused(PUBLIC, host=f"{HOST}.evil.example.com") == (Result.REFUSED, "HOST_NOT_ALLOWED")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.8", "172.16.1.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1",  # noqa: S104
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "ff02::1",
    ],
)  # fmt: skip
def test_a_name_that_leads_inside_is_refused_even_among_others(address: str) -> None:
    assert refused(address) == (Result.REFUSED, "ADDRESS_NOT_ALLOWED")
    assert refused(PUBLIC, address) == (Result.REFUSED, "ADDRESS_NOT_ALLOWED")


def test_a_network_inside_may_be_allowed_and_no_other() -> None:
    assert place("10.20.0.9", private=["10.20.0.0/16"]) == "10.20.0.9"
    assert refused("10.21.0.9", private=["10.20.0.0/16"])[1] == "ADDRESS_NOT_ALLOWED"
    assert place("::ffff:10.20.0.9", private=["10.20.0.0/16"])


def test_a_name_without_an_address_is_tried_again() -> None:
    assert refused() == (Result.NOT_SENT, "LOOKUP")
