"""A process that makes calls of one kind, so many at a time, as fast as they are answered.

Requests are bytes made beforehand and answers stay bytes: what is measured is the server.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Self

import grpc
import uvloop


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of calls, and how long the answers took."""

    took_s: float
    codes: Mapping[str, int]
    times_s: Sequence[float]

    @property
    def rate(self) -> float:
        """Calls that went well, a second."""
        return self.codes.get("OK", 0) / self.took_s

    @property
    def count(self) -> int:
        """Calls that went well."""
        return self.codes.get("OK", 0)

    def percentile_ms(self, share: float) -> float:
        """Return the time within which that share was answered."""
        times = sorted(self.times_s)
        return times[min(len(times) - 1, int(len(times) * share))] * 1000

    def refuse_failures(self) -> Self:
        """Return itself, or raise where a call went wrong: nothing else is worth its rate."""
        if set(self.codes) - {"OK"}:
            raise RuntimeError(f"calls went wrong: {dict(self.codes)}")
        return self


class Caller:
    """One process; the parent's side of it."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def call(
        self, address: str, method: str, requests: Sequence[bytes], *, at_once: int, within_s: float
    ) -> Answered:
        """Make the calls, or as many as there is time for; return what became of them."""
        self._pipe.send((address, method, requests, at_once, within_s))
        answered: Answered = self._pipe.recv()
        return answered

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process.pid is not None  # noqa: S101  # It was started.
        return self._process.pid

    def end(self) -> None:
        """End it, whatever it does."""
        self._process.terminate()
        self._process.join(10)


def _work(pipe: Connection) -> None:
    while True:
        told = pipe.recv()
        gc.collect()
        gc.freeze()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            pipe.send(runner.run(_call(*told)))


async def _call(
    address: str, method: str, requests: Sequence[bytes], at_once: int, within_s: float
) -> Answered:
    codes: Counter[str] = Counter()
    times_s: list[float] = []
    # A connection of its own for every eight, so that several servers on one port share them.
    channels = [
        grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
        for _ in range(max(1, at_once // 8))
    ]
    for channel in channels:
        await channel.channel_ready()
    left, began = iter(requests), time.perf_counter()
    calls: list[Any] = [channel.unary_unary(method) for channel in channels]
    await asyncio.gather(
        *(
            _repeat(calls[index % len(calls)], left, began + within_s, codes, times_s)
            for index in range(at_once)
        )
    )
    took_s = time.perf_counter() - began
    for channel in channels:
        await channel.close()
    return Answered(took_s, codes, times_s)


async def _repeat(
    call: Any,  # noqa: ANN401  # gRPC's multi-callable.
    left: Iterator[bytes],
    until: float,
    codes: Counter[str],
    times_s: list[float],
) -> None:
    for request in left:
        began = time.perf_counter()
        if began > until:
            return
        try:
            await call(request, timeout=60)
        except grpc.aio.AioRpcError as error:
            codes[error.code().name] += 1
        else:
            codes["OK"] += 1
        times_s.append(time.perf_counter() - began)
