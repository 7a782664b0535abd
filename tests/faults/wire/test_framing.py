"""The framing finds every message, however the bytes come; and the suite notices what it must."""

from __future__ import annotations

import struct

import pytest

from service.postgres.storage import PostgresStorage
from service.postgres.unit import PostgresUnit
from tests.faults.wire.acts import ACTS
from tests.faults.wire.cutting import Side
from tests.faults.wire.framing import Framing
from tests.faults.wire.running import Boundary, measure, run
from tests.faults.wire.world import World


def named(letter: bytes, body: bytes) -> bytes:
    return letter + struct.pack("!I", len(body) + 4) + body


def unnamed(code: int, body: bytes = b"") -> bytes:
    return struct.pack("!II", len(body) + 8, code) + body


FRONTEND = [
    ("SSLRequest", unnamed(80_877_103)),
    ("StartupMessage", unnamed(196_608, b"user\0concord\0\0")),
    ("password", named(b"p", b"secret\0")),
    ("Query", named(b"Q", b"COMMIT\0")),
    ("Terminate", named(b"X", b"")),
]
BACKEND = [
    ("Authentication", named(b"R", b"\0\0\0\0")),
    ("CommandComplete", named(b"C", b"COMMIT\0")),
    ("ReadyForQuery", named(b"Z", b"I")),
]


@pytest.mark.parametrize("size", [1, 3, 7, 1_000])
@pytest.mark.parametrize(("messages", "is_frontend"), [(FRONTEND, True), (BACKEND, False)])
def test_messages_are_found_however_the_bytes_come(
    messages: list[tuple[str, bytes]], size: int, *, is_frontend: bool
) -> None:
    framing = Framing(is_frontend=is_frontend)
    stream = b"".join(raw for _, raw in messages)

    found = [
        (each.name, each.raw)
        for begin in range(0, len(stream), size)
        for each in framing.feed(stream[begin : begin + size])
    ]

    assert found == messages


def test_a_query_tells_its_text() -> None:
    (query,) = [
        each
        for each in Framing(is_frontend=True).feed(b"".join(raw for _, raw in FRONTEND))
        if each.name == "Query"
    ]

    assert query.text == "COMMIT"


def test_a_service_that_forgets_its_requests_is_noticed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PostgresUnit, "claim_request", lambda _unit, _id, _fingerprint: None)

    with pytest.raises(AssertionError, match=r"another answer|does something"):
        measure(world, ACTS["concord.inventory.v1.InventoryService.AdjustStock"])


def test_a_service_that_answers_without_a_commit_is_noticed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    act = ACTS["concord.inventory.v1.InventoryService.SetStock"]
    uncut = measure(world, act)
    monkeypatch.setattr(PostgresStorage, "_commit", lambda _storage, _connection: None)

    with pytest.raises(AssertionError, match="was told to be done, and is not"):
        run(world, act, uncut, [Boundary(1, Side.AFTER, lasts=False)])
