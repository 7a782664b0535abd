"""Makes calls for as long as it takes: an outage is waited out, an answer is final."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

from clients.sdk import Concord
from clients.sdk.errors import ConcordError, RefusalError
from tests.faults.chaos.ledger import Ledger, is_outage
from tests.faults.chaos.world import World

T = TypeVar("T")

PAUSE_S: Final = 0.1
PAUSE_MAX_S: Final = 1.0
# Longer than any blow; whoever waits so long waits for something that does not come.
GIVES_UP_AFTER_S: Final = 60.0


class Callers:
    """Channels to the services, shared by the threads that call, and hung up now and then."""

    def __init__(self, world: World, ledger: Ledger) -> None:
        self.ledger = ledger
        self.over = threading.Event()
        self._clients = [world.client(0), world.client(1)]

    def client(self, number: int) -> Concord:
        """Return the channel of a thread."""
        return self._clients[number % len(self._clients)]

    def hang_up(self, dice: random.Random) -> None:
        """Close a channel in the middle of its calls; they fail, and the next opens another."""
        dice.choice(self._clients).close()

    def turn_back(self) -> None:
        """Have every channel look again for the service that it tries first."""
        for client in self._clients:
            client.close()

    def patiently(
        self, kind: str, call: Callable[[], T], *, within_s: float = GIVES_UP_AFTER_S
    ) -> T:
        """Call until there is an answer.

        Raises:
            RefusalError: it was understood and declined.
            ConcordError: no answer came in time, or the service failed by a defect of its own.
        """
        until, pause_s = time.monotonic() + within_s, PAUSE_S
        while True:
            try:
                answer = call()
            except RefusalError as error:
                self.ledger.count(kind, answered=True, reason=error.reason)
                raise
            except ConcordError as error:
                self.ledger.count(kind, answered=False, reason=error.reason or error.code.name)
                if not is_outage(error) or time.monotonic() > until:
                    raise
            except ValueError as error:
                # gRPC's words for a channel that was closed between our having it and our calling:
                # "… on closed channel!", and "…: Channel closed!" a moment later.
                if not str(error).startswith("Cannot invoke RPC"):
                    raise
                self.ledger.count(kind, answered=False, reason="CHANNEL_CLOSED")
            else:
                self.ledger.count(kind, answered=True)
                return answer
            threading.Event().wait(pause_s)
            pause_s = min(2 * pause_s, PAUSE_MAX_S)

    def close(self) -> None:
        """Hang up for good."""
        for client in self._clients:
            client.close()
