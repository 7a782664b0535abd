"""Payment platforms that tell a gateway of payments, each call repeated until it is taken."""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

import psycopg2

from benchmarks import platform_calls
from benchmarks.merchant import Merchant
from tests.faults.hosts.calling import BACK_WITHIN_S, PAUSE_S
from tests.integration.gateway.world import post

PROVIDER: Final = "stripe"
# Whatever a platform takes for an order to come again.
AGAIN: Final = range(500, 600)
# What the gateway promises: platforms wait for five seconds.
ANSWERS_WITHIN_S: Final = 5.0


@dataclass
class Platforms:
    """Some platforms; what they were told is kept."""

    address: str
    merchant: Merchant
    count: int = 4
    taken: list[str] = field(default_factory=list)
    sent_again: Counter[int] = field(default_factory=Counter)
    unexpected: list[str] = field(default_factory=list)
    slowest_s: float = 0.0

    def __enter__(self) -> Self:
        self._over = threading.Event()
        self._is_failed = False
        self._numbers = itertools.count(1)
        self._threads = [threading.Thread(target=self._run) for _ in range(self.count)]
        for each in self._threads:
            each.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._is_failed = error is not None
        deadline = time.monotonic() + BACK_WITHIN_S
        for each in self._threads:
            each.join(max(0.0, deadline - time.monotonic()))
        hanging = sum(each.is_alive() for each in self._threads)
        assert not hanging, f"{hanging} of {self.count} platforms hang"

    def _run(self) -> None:
        while not self._over.wait(PAUSE_S):
            order = f"G{next(self._numbers):011}"
            call = platform_calls.MAKE[PROVIDER](self.merchant, order, datetime.now(tz=UTC))
            while not self._tell(call) and not self._is_failed:
                threading.Event().wait(PAUSE_S)

    def _tell(self, call: platform_calls.PlatformCall) -> bool:
        began = time.monotonic()
        try:
            reply = post(self.address, call.path, call.body, dict(call.headers))
        except (OSError, http.client.HTTPException) as error:
            self.unexpected.append(repr(error))
            return True
        self.slowest_s = max(self.slowest_s, time.monotonic() - began)
        if reply.status in AGAIN:
            self.sent_again[reply.status] += 1
            return False
        if reply.status == http.client.OK:
            self.taken.append(call.order)
        else:
            self.unexpected.append(f"{reply.status} {reply.body!r}")
        return True


def assert_kept(platforms: Platforms, database_url: str) -> None:
    """Fail unless each payment that was taken is stored once, and no other one is."""
    assert not platforms.unexpected, platforms.unexpected[:3]
    with psycopg2.connect(database_url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT order_hint FROM receipts WHERE source = %s", (PROVIDER,))
        stored = sorted(order for (order,) in cursor)
    connection.close()
    assert sorted(platforms.taken) == stored
