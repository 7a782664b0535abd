"""`python -m clients.gateway`: takes callbacks until it is told to stop."""

from __future__ import annotations

import asyncio
import sys
from typing import Final

import uvloop

from clients import telemetry
from clients.gateway import config, serving
from clients.gateway.config import Settings
from clients.providers.accounts import AccountBook, AccountsError
from clients.sdk import ConfigError

USAGE: Final = "usage: python -m clients.gateway; settings: docs/gateway.md"
SERVICE_NAME: Final = "concord-gateway"
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2


def main(arguments: list[str]) -> int:
    """Run a gateway, and return its exit code."""
    if arguments:
        print(USAGE, file=sys.stderr)  # noqa: T201  # Nothing is set up yet.
        return EXIT_USAGE
    try:
        settings = Settings.from_env()
        book = AccountBook(settings.accounts, settings.environ, config.monotonic)
    except (ConfigError, AccountsError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return EXIT_USAGE
    try:
        opened = serving.listen(settings.address)
    except OSError as error:
        print(f"{settings.address}: {error.strerror}", file=sys.stderr)  # noqa: T201
        return EXIT_FAILED
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
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serving.serve(settings, book, opened, registry))
    finally:
        measured.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
