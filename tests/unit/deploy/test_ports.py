"""Ports are stable while they are free and replaced when they are not."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from deploy.local import ports


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server((ports.HOST, 0)) as server:
        yield server.getsockname()[1]


def test_a_port_that_is_listened_on_is_not_free(listening: int) -> None:
    assert not ports.is_free(listening)


def test_a_free_port_is_taken_as_wanted() -> None:
    wanted = ports.choose(["one"], wanted={})["one"]

    assert ports.choose(["one"], wanted={"one": wanted}) == {"one": wanted}


def test_a_taken_port_is_replaced(listening: int) -> None:
    chosen = ports.choose(["one", "two"], wanted={"one": listening})

    assert chosen["one"] in ports.SUBSTITUTES
    assert chosen["one"] != chosen["two"]


def test_no_two_names_want_the_same_port() -> None:
    assert len(set(ports.PREFERRED.values())) == len(ports.PREFERRED)


def test_no_port_is_one_that_linux_gives_to_outgoing_connections() -> None:
    assert max(*ports.PREFERRED.values(), ports.SUBSTITUTES.stop) <= 32768
