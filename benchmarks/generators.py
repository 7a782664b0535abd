"""Processes that sign callbacks beforehand, and offer them when told.

They are forked before anything else runs, so that the keys are theirs without a file.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import Any, Final

import uvloop

from benchmarks.merchant import Merchant
from benchmarks.open_loop import Offered, offer
from benchmarks.platform_calls import MAKE, PlatformCall

# Per cent of each; the first two are who the payments of this market come from.
MIX: Final = {
    "wechatpay": 45,
    "alipay": 40,
    "stripe": 5,
    "unionpay": 4,
    "adyen": 3,
    "douyin_pay": 3,
}


class Generator:
    """One process; the parent's side of it."""

    def __init__(self, merchant: Merchant, number: int) -> None:
        context = multiprocessing.get_context("fork")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, merchant, number), daemon=True)
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process.pid is not None  # noqa: S101  # It was started.
        return self._process.pid

    def tell(self, *command: object) -> None:
        """Give it something to do."""
        self._pipe.send(command)

    def result(self) -> Any:  # noqa: ANN401  # Whatever the command gives.
        """Wait for what it was told, and return what came of it."""
        return self._pipe.recv()

    def end(self) -> None:
        """End it, whatever it does."""
        self._process.terminate()
        self._process.join(10)


def calls_of(merchant: Merchant, count: int, prefix: str) -> list[PlatformCall]:
    """Sign so many callbacks, each about an order of its own, in a mix that is always the same."""
    dice = random.Random(prefix)  # noqa: S311  # No secret.
    providers = dice.choices(list(MIX), weights=list(MIX.values()), k=count)
    return [
        MAKE[provider](merchant, f"{prefix}{index:09}", datetime.now(tz=UTC))
        for index, provider in enumerate(providers)
    ]


def _work(pipe: Connection, merchant: Merchant, number: int) -> None:
    calls: list[PlatformCall] = []
    while True:
        match pipe.recv():
            case ("sign", int(count), int(round_number)):
                calls = calls_of(merchant, count, f"B{number}R{round_number}")
                pipe.send(len(calls))
            case ("offer", str(address), float(rate), float(at), int(connections)):
                used_s = time.process_time()
                pipe.send(
                    (_offer(address, calls, rate, at, connections), time.process_time() - used_s)
                )


def _offer(
    address: str, calls: Sequence[PlatformCall], rate: float, at: float, connections: int
) -> list[tuple[str, str, Offered]]:
    # A hundred thousand requests lie here: to look at them over and over would be our latency.
    gc.collect()
    gc.freeze()
    gc.disable()
    # All generators begin at the same moment.
    time.sleep(max(0.0, at - time.time()))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        offered = runner.run(offer(address, calls, rate=rate, connections=connections))
    gc.enable()
    return [(each.provider, each.order, was) for each, was in zip(calls, offered, strict=True)]
