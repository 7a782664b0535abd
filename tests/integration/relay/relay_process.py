"""A relay as a process of its own, with failpoints armed: `{"relay:after_send": "kill 3"}`."""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from service.failpoints import Failpoints
from service.kafka.relay import Pace, Relay, build_relay
from service.kafka.topics import NAMES
from service.postgres.outbox_queue import PostgresRelayQueue
from service.telemetry import Metrics

SIGNALS: Final = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}
QUICK: Final = Pace(
    rows=200,
    part_rows=20,
    standby_s=0.1,
    outage_s=0.1,
    check_every_s=1.0,
    heartbeat_every_s=0.2,
    tend_every_s=0.2,
    backoff_s=0.01,
)


def at_visit(act: str) -> Callable[[], None]:
    """Return what signals this process at the visit that `act` names: "kill 3"."""
    verb, _, count = act.partition(" ")
    left = int(count or "1")

    def visit() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), SIGNALS[verb])

    return visit


def a_relay(url: str, bootstrap: str, failpoints: Failpoints) -> Relay:
    """Build a relay as production does, but quicker to notice things."""
    return build_relay(
        PostgresRelayQueue(url, owner=str(os.getpid()), topics=NAMES, ids=lambda: str(uuid4())),
        bootstrap=bootstrap,
        partitions=4,
        clock=lambda: datetime.now(UTC),
        metrics=Metrics(),
        pace=QUICK,
        failpoints=failpoints,
    )


def main() -> None:
    """Run until SIGTERM."""
    given = json.loads(sys.argv[1])
    armed = {name: at_visit(act) for name, act in given["armed"].items()}
    relay = a_relay(given["url"], given["bootstrap"], Failpoints(armed))
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    relay.run(stop)


if __name__ == "__main__":
    main()
