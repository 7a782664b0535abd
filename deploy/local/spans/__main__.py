"""`python -m deploy.local.spans`: keeps spans until it is told to stop."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from typing import Final

from deploy.local.spans.config import Settings, SettingsError, read_settings
from deploy.local.spans.forwarding import Forwarder
from deploy.local.spans.keeping import Keeper
from deploy.local.spans.metrics import Metrics
from deploy.local.spans.probes import Probes
from deploy.local.spans.receiving import serve
from deploy.local.spans.store import Store

USAGE_ERROR: Final = 2
# Of the ten seconds that a supervisor gives.
DRAIN_S: Final = 5.0
GRACE_S: Final = 1.0


def main() -> int:
    """Run until SIGTERM or Ctrl-C; return the exit code."""
    try:
        settings = read_settings(os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return USAGE_ERROR
    told_to_stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told_to_stop.set())
    return 0 if run(settings, told_to_stop) else 1


def run(settings: Settings, told_to_stop: threading.Event) -> bool:
    """Take spans until told to stop, then write what was taken; False where it could not go on."""
    metrics = Metrics()
    store = Store(settings.folder)
    keeper = Keeper(
        store, metrics, keep_s=settings.keep_s, keep_bytes=settings.keep_bytes, wall=time.time
    )
    keeper.start()
    forwarder = None
    if settings.forward_endpoint is not None:
        forwarder = Forwarder(settings.forward_endpoint, metrics)
    server, _ = serve(settings.address, keeper, forwarder, store.path)

    def missing() -> Mapping[str, str]:
        return {} if keeper.is_working else {"store": "the writing thread has ended"}

    probes = Probes(settings.metrics_address, registry=metrics.registry, ready=missing)
    print(f"Keeping spans on {settings.address}.", flush=True)
    while not told_to_stop.wait(1.0) and keeper.is_working:
        pass
    is_whole = keeper.is_working
    server.stop(GRACE_S).wait()
    keeper.drain(DRAIN_S)
    if forwarder is not None:
        forwarder.close()
    probes.close()
    return is_whole


if __name__ == "__main__":
    sys.exit(main())
