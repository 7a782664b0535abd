"""`python -m clients.connectors`: asks providers until SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Final

import structlog

from clients import telemetry
from clients.connectors import config, wiring, worker
from clients.connectors.config import ConfigError, Settings
from clients.connectors.metrics import Metrics
from clients.connectors.pulling.desk import PullDesk
from clients.connectors.worker import Desk, Loop
from clients.providers.accounts import AccountBook, AccountsError
from clients.sdk import AsyncConcord, Identity

SERVICE_NAME: Final = "concord-connectors"
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
# Of the ten seconds that a supervisor gives; two are for the last spans.
DRAIN_S: Final = 7.0
CHECK_EVERY_S: Final = 1.0
# Claims and receipts are answered within milliseconds; a lease must outlast a slow service.
CALL_TIMEOUT_S: Final = 10.0

log = structlog.get_logger(__name__)


def main() -> int:
    """Run until told to stop; return the exit code."""
    try:
        settings = Settings.from_env()
        book = AccountBook(settings.accounts, settings.environ, config.monotonic)
    except (ConfigError, AccountsError) as error:
        print(error, file=sys.stderr)  # noqa: T201  # Nothing is set up yet.
        return EXIT_USAGE
    registry = telemetry.new_registry()
    measured = telemetry.configure(
        SERVICE_NAME,
        instance_id=settings.worker_id,
        registry=registry,
        otlp_endpoint=settings.otlp_endpoint,
        sample_ratio=settings.trace_sample_ratio,
        log_level=settings.log_level,
    )
    try:
        asyncio.run(_run(settings, book, Metrics(registry)))
    except Exception:
        log.exception("connectors_failed")
        return EXIT_FAILED
    finally:
        measured.shutdown()
    return 0


async def _run(settings: Settings, book: AccountBook, metrics: Metrics) -> None:
    told_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told_to_stop.set)
    identity = Identity(actor=SERVICE_NAME, role="system")
    async with AsyncExitStack() as stack:
        concord = await stack.enter_async_context(
            AsyncConcord(settings.service_address, identity=identity, timeout_s=CALL_TIMEOUT_S)
        )
        desks: list[Desk | PullDesk] = [
            *await wiring.desks(settings, book, concord, metrics, stack),
            *await wiring.pull_desks(settings, book, concord, metrics, stack),
        ]
        loops: list[Loop] = [
            *desks,
            *await wiring.listen_desks(settings, book, concord, metrics, stack),
            *wiring.file_desks(settings, identity, stack),
        ]
        probes = telemetry.Probes(
            settings.metrics_address,
            registry=metrics.registry,
            ready=lambda: _missing(desks, book),
            notes=lambda: _notes(book),
        )
        stack.callback(probes.close)
        log.info("connectors_started", count=len(book.current().all))
        watch = asyncio.create_task(_tell_of_accounts(book))
        await worker.work(loops, told_to_stop, DRAIN_S)
        watch.cancel()
        log.info("connectors_stopped")


async def _tell_of_accounts(book: AccountBook) -> None:
    """Say when the accounts were read anew, or cannot be, until cancelled."""
    accounts, problems = book.current(), book.problems
    while True:
        await asyncio.sleep(CHECK_EVERY_S)
        if book.current() is not accounts:
            accounts = book.current()
            log.info("accounts_read", count=len(accounts.all))
        if book.problems != problems:
            problems = book.problems
            if problems:
                log.error("accounts_unusable", problems=list(problems))


def _notes(book: AccountBook) -> Mapping[str, str]:
    """Return what somebody should know although all works."""
    if not book.problems:
        return {}
    return {"accounts": "the last good ones are in use: " + "; ".join(book.problems)}


def _missing(desks: Sequence[Desk | PullDesk], book: AccountBook) -> Mapping[str, str]:
    """Return what is missing: a desk without accounts has nothing to claim."""
    busy = [desk for desk in desks if book.current().of(desk.provider)]
    return {} if all(desk.has_claimed for desk in busy) else {"service": "awaited"}


if __name__ == "__main__":
    sys.exit(main())
