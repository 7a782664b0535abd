"""The shop on its channels: sold before it opens and while it is open, held against the orders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.request import Request, urlopen

from clients.traffic.shop.stalls import BEFORE_S, TEMPLATES, number_of
from tests.system.whole_stack import ENDED_WITHIN_S, WholeStack

MINI: Final = "mini"
CHANNELS: Final = (MINI, *TEMPLATES)
# Platforms answer for what was sold minutes ago; nobody waits for it here.
AGO_S: Final = BEFORE_S


def asked(stack: WholeStack, path: str, given: dict[str, Any] | None = None) -> Any:  # noqa: ANN401  # JSON.
    """Ask the channels' control."""
    url = f"http://{stack.address('platforms')}/channels/control/{path}"
    body = None if given is None else json.dumps(given).encode()
    with urlopen(Request(url, body), timeout=30) as answer:  # Our own address.
        return json.load(answer)


def sell(stack: WholeStack, channel: str, count: int, at_us: int) -> None:
    """Sell so many orders on a channel, as if it had been some minutes ago."""
    for each in range(count):
        number = number_of(channel, at_us + 10_000 * each)
        asked(stack, f"{channel}/orders", {"number": number, "ago_s": AGO_S})


def sold(stack: WholeStack, channel: str, at_least_s: int) -> set[str]:
    """Return what was sold on a channel at least so long ago."""
    found = asked(stack, f"{channel}/orders")
    return {each["number"] for each in found if each["age_s"] >= at_least_s}


@contextmanager
def open_shop(stack: WholeStack) -> Iterator[None]:
    """Let the shop sell, as `make run` does, until the block ends."""
    env = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    shop = subprocess.Popen(
        [sys.executable, "-m", "clients.traffic.shop"],
        env=env | stack.variables(),
        stdout=subprocess.DEVNULL,
    )
    try:
        yield
        assert shop.poll() is None, "the shop has ended"
    finally:
        shop.terminate()
        shop.wait(ENDED_WITHIN_S)


def orders(stack: WholeStack, channel: str) -> list[str]:
    """Return the channel's own number of each of its orders."""
    query = (
        "SELECT value FROM orders JOIN order_refs USING (order_id)"
        " WHERE channel = %s AND namespace = %s"
    )
    return [value for (value,) in stack.rows(query, (channel, channel))]


def paid_once(stack: WholeStack, channel: str) -> set[str]:
    """Return the numbers of the channel's orders that are paid, exactly, and nothing is odd."""
    query = (
        "SELECT value FROM orders JOIN order_refs USING (order_id)"
        " WHERE channel = %s AND namespace = %s"
        " AND paid_minor = total_minor AND cardinality(discrepancies) = 0"
    )
    return {value for (value,) in stack.rows(query, (channel, channel))}
