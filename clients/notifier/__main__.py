"""`python -m clients.notifier`: sends notices until SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Final

import structlog

from clients import telemetry
from clients.notifier import channels, wiring, worker
from clients.notifier.channels import Channels, ChannelsError
from clients.notifier.config import Settings
from clients.notifier.metrics import Metrics
from clients.notifier.posting import new_client
from clients.notifier.worker import Loop
from clients.sdk import AsyncConcord, ConfigError, Identity

SERVICE_NAME: Final = "concord-notifier"
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
# Of the ten seconds that a supervisor gives; two are for the last spans.
DRAIN_S: Final = 7.0
CALL_TIMEOUT_S: Final = 10.0

log = structlog.get_logger(__name__)


def main() -> int:
    """Run until told to stop; return the exit code."""
    try:
        settings = Settings.from_env()
        known = channels.load(settings.channels, settings.environ)
    except (ConfigError, ChannelsError) as error:
        print(error, file=sys.stderr)  # noqa: T201  # Nothing is set up yet.
        return EXIT_USAGE
    registry = telemetry.new_registry()
    measured = telemetry.configure(
        SERVICE_NAME,
        instance_id=settings.instance_id,
        registry=registry,
        otlp_endpoint=settings.otlp_endpoint,
        sample_ratio=settings.trace_sample_ratio,
        log_level=settings.log_level,
    )
    try:
        asyncio.run(_run(settings, known, Metrics(registry)))
    except Exception:
        log.exception("notifier_failed")
        return EXIT_FAILED
    finally:
        measured.shutdown()
    return 0


async def _run(settings: Settings, known: Channels, metrics: Metrics) -> None:
    told_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told_to_stop.set)
    identity = Identity(actor=SERVICE_NAME, role="system")
    async with AsyncExitStack() as stack:
        concord = await stack.enter_async_context(
            AsyncConcord(settings.service_address, identity=identity, timeout_s=CALL_TIMEOUT_S)
        )
        client = await stack.enter_async_context(
            new_client(timeout_s=settings.timeout_s, connections=4 * settings.concurrency)
        )
        senders = wiring.senders(known, client, settings.timeout_s)
        loops = wiring.loops(settings, senders, concord, metrics)
        probes = telemetry.Probes(
            settings.metrics_address,
            registry=metrics.registry,
            ready=lambda: _missing(loops),
        )
        stack.callback(probes.close)
        log.info("notifier_started", count=len(loops))
        await worker.work(loops, told_to_stop, DRAIN_S)
        log.info("notifier_stopped")


def _missing(loops: list[Loop]) -> Mapping[str, str]:
    """Return what is missing."""
    return {} if all(each.has_claimed for each in loops) else {"service": "awaited"}


if __name__ == "__main__":
    sys.exit(main())
