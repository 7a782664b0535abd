"""Runs `concord …` against a fake service, as a person or a program would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from clients.cli.main import app
from clients.sdk import money
from clients.sdk.testing import FakeConcord
from concord.orders.v1.order_pb2 import Order, OrderRef

Run = Callable[..., Any]


@pytest.fixture
def fake() -> Iterator[FakeConcord]:
    with FakeConcord() as server:
        yield server


@pytest.fixture
def concord(fake: FakeConcord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs a command line and gives its result."""
    for name in ("CONCORD_LANG", "CONCORD_TRACE_ADDRESS", "CONCORD_ACTOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CONCORD_SERVICE_ADDRESS", fake.address)
    monkeypatch.setenv("CONCORD_DATA_DIR", str(tmp_path / "data"))
    # The reader's zone, so that times can be compared.
    monkeypatch.setenv("TZ", "UTC")

    def run(*arguments: str) -> Any:  # noqa: ANN401  # Typer's result.
        return CliRunner().invoke(app, arguments)

    return run


def an_order(**fields: Any) -> Order:  # noqa: ANN401  # Any field of the message.
    order = Order(
        name="orders/ord-1",
        state=Order.STATE_PAID,
        channel="douyin",
        refs=[OrderRef(namespace="douyin", value="4705288465508532862")],
        total=money("99.90"),
        paid=money("99.90"),
    )
    order.MergeFrom(Order(**fields))
    return order
