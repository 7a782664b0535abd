"""Ports are stable while they are free and replaced when they are not."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from deploy.local import ports
from deploy.local.ports import Ports


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server((ports.HOST, 0)) as server:
        yield server.getsockname()[1]


def chosen(wanted: dict[str, int]) -> dict[str, int]:
    reserved = Ports(wanted, wanted)
    reserved.release()
    return reserved.numbers


def a_free_port() -> int:
    reserved = Ports(["any"], wanted={})
    reserved.release()
    return reserved.numbers["any"]


def test_a_port_that_is_listened_on_is_not_free(listening: int) -> None:
    assert not ports.is_free(listening)


def test_a_free_port_is_taken_as_wanted() -> None:
    wanted = a_free_port()

    assert chosen({"one": wanted}) == {"one": wanted}


def test_a_taken_port_is_replaced(listening: int) -> None:
    numbers = chosen({"one": listening, "two": a_free_port()})

    assert numbers["one"] in ports.SUBSTITUTES
    assert numbers["one"] != numbers["two"]


def test_a_port_that_was_chosen_is_nobody_elses_although_nobody_listens_yet() -> None:
    first = Ports(["one"], wanted={})
    wanted = first.numbers["one"]

    during = chosen({"one": wanted})
    first.release()
    afterwards = chosen({"one": wanted})

    assert during["one"] != wanted
    assert afterwards["one"] == wanted


def test_no_two_names_want_the_same_port() -> None:
    assert len(set(ports.PREFERRED.values())) == len(ports.PREFERRED)


def test_no_port_is_one_that_linux_gives_to_outgoing_connections() -> None:
    assert max(*ports.PREFERRED.values(), ports.SUBSTITUTES.stop) <= 32768
