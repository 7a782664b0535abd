"""The shops: they take orders, let buyers pay at the platforms, and tell Concord, until it has it.

A shop keeps what it has to tell until it is acknowledged, as its own outbox would.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from clients.sdk import Concord, OutageError
from concord.intake.v1.receipt_pb2 import Receipt
from deploy.local.platforms.control_client import Control
from tests.storm import telling
from tests.storm.plan import Purchase, Shape

TICK_S: Final = 0.1
CALL_S: Final = 5.0
AGAIN_AFTER_S: Final = 0.5
BATCH: Final = 100
STOPS_WITHIN_S: Final = 60.0


@dataclass
class Shops:
    """All shops at once, in a thread, from the first order to the last acknowledgement."""

    address: str
    platforms: str
    shape: Shape
    purchases: tuple[Purchase, ...]
    answered: int = 0
    """Calls."""
    unanswered: int = 0
    acknowledged: set[str] = field(default_factory=set)
    """Names of receipts that Concord has said it has."""
    began: float = 0.0
    """By the monotonic clock."""
    _stop: threading.Event = field(default_factory=threading.Event)
    _failed: list[BaseException] = field(default_factory=list)

    @property
    def elapsed_s(self) -> float:
        """Provider time since the begin."""
        return (time.monotonic() - self.began) * self.shape.speed

    @property
    def is_done(self) -> bool:
        """Whether every shop has told everything."""
        return not self._thread.is_alive()

    def start(self) -> None:
        """Open."""
        self.began = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="shops")
        self._thread.start()

    def stop(self) -> None:
        """Close, and raise what went wrong, if anything did."""
        self._stop.set()
        self._thread.join(STOPS_WITHIN_S)
        assert not self._thread.is_alive(), "the shops do not close"
        if self._failed:
            raise self._failed[0]

    def _run(self) -> None:
        control = Control(self.platforms)
        try:
            with Concord(self.address, timeout_s=CALL_S) as concord:
                self._trade(concord, control)
        except BaseException as error:  # noqa: BLE001  # `stop` raises it where the test sees it.
            self._failed.append(error)
        finally:
            control.close()

    def _trade(self, concord: Concord, control: Control) -> None:
        coming = iter(self.purchases)
        following = next(coming, None)
        outbox: list[tuple[float, int, Receipt]] = []
        numbers = itertools.count()
        while (following or outbox) and not self._stop.is_set():
            begun = []
            while following is not None and following.begins_s <= self.elapsed_s:
                begun.append(following)
                following = next(coming, None)
            if begun:
                trades = control.create_all([_trade_of(each) for each in begun])
                for purchase, trade in zip(begun, trades, strict=True):
                    for due_s, receipt in told(purchase, trade):
                        heapq.heappush(outbox, (due_s, next(numbers), receipt))
            self._tell(concord, outbox)
            self._stop.wait(TICK_S)

    def _tell(self, concord: Concord, outbox: list[tuple[float, int, Receipt]]) -> None:
        due: list[tuple[float, int, Receipt]] = []
        while outbox and outbox[0][0] <= self.elapsed_s and len(due) < BATCH:
            due.append(heapq.heappop(outbox))
        if not due:
            return
        try:
            answer = concord.intake.submit([receipt for _, _, receipt in due])
        except OutageError:
            self.unanswered += 1
            for each in due:
                heapq.heappush(outbox, each)
            self._stop.wait(AGAIN_AFTER_S)
        else:
            self.answered += 1
            self.acknowledged |= {each.receipt for each in answer.submitted}


@contextmanager
def open_shops(shops: Shops) -> Iterator[Shops]:
    """Keep them open for as long as the block lasts."""
    shops.start()
    try:
        yield shops
    finally:
        shops.stop()


def told(purchase: Purchase, trade: dict[str, Any]) -> Iterable[tuple[float, Receipt]]:
    """Return what the shop tells of a purchase, and when."""
    created = telling.created(
        purchase.number,
        purchase.amount_minor,
        currency=purchase.currency,
        shop_number=purchase.shop_number,
    )
    started = telling.started(trade)
    at_s = purchase.begins_s
    if purchase.belated_by_s:
        return (at_s, started), (at_s + purchase.belated_by_s, created)
    if purchase.is_swapped:
        # Far enough apart to go in two calls.
        return (at_s, started), (at_s + 2.0, created)
    return (at_s, created), (at_s, started)


def _trade_of(purchase: Purchase) -> dict[str, Any]:
    trade: dict[str, Any] = {
        "provider": purchase.provider,
        "number": purchase.number,
        "amount_minor": purchase.amount_minor,
    }
    if purchase.pays_after_s is not None:
        trade["pay_in_s"] = purchase.pays_after_s
    return trade
