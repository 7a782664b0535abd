"""`python -m streams worker`: one worker, until SIGTERM or until something is wrong."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import faust
import structlog
from redis.exceptions import RedisError

from streams import guard, telemetry, views
from streams.app import Streams, build
from streams.broker import await_life, await_topics, read_life
from streams.config import ConfigError, Settings
from streams.life_watch import LifeWatch
from streams.watchdog import FaustObserved, Watchdog

USAGE: Final = "usage: python -m streams worker"
EXIT_USAGE: Final = 2
SERVICE_NAME: Final = "concord-streams"
# A chunk of 2,000 records makes some 40,000 objects that go with it, cycles none. To look for
# cycles after every 700, as Python does, takes a seventh of all processor time.
COLLECTED_AFTER: Final = 50_000

log = structlog.get_logger(__name__)


class Readiness:
    """Says what a worker still waits for."""

    def __init__(self) -> None:
        self.waits_for = "broker"
        self.observed: FaustObserved | None = None

    def missing(self) -> Mapping[str, str]:
        """Return what is missing, part by part."""
        if self.observed is None:
            return {self.waits_for: "awaited"}
        return {} if self.observed.is_ready() else {"partitions": "awaited"}


def main(arguments: list[str]) -> int:
    """Run a worker, and return its exit code."""
    if arguments != ["worker"]:
        print(USAGE, file=sys.stderr)  # noqa: T201  # Nothing is set up yet.
        return EXIT_USAGE
    try:
        settings = Settings.from_env()
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return EXIT_USAGE
    return run(settings)


def run(settings: Settings) -> int:
    """Run a worker with these settings."""
    gc.set_threshold(COLLECTED_AFTER)
    # Faust makes the folder, but not the ones above it.
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    measured = telemetry.configure(
        SERVICE_NAME,
        instance_id=settings.worker_id,
        otlp_endpoint=settings.otlp_endpoint,
        sample_ratio=settings.trace_sample_ratio,
        log_level=settings.log_level,
    )
    readiness = Readiness()
    probes = telemetry.Probes(
        settings.metrics_address, registry=measured.metrics.registry, ready=readiness.missing
    )
    try:
        with suppress(KeyboardInterrupt):
            epoch = asyncio.run(_await_servers(settings, readiness))
            return _work(build_in_loop(settings, epoch, measured.metrics), readiness)
        return 0
    finally:
        probes.close()
        measured.shutdown()


def build_in_loop(settings: Settings, epoch: int, metrics: telemetry.Metrics) -> Streams:
    """Build the app with the event loop that it will run in as the current one."""
    asyncio.set_event_loop(asyncio.new_event_loop())
    return build(settings, epoch, metrics)


async def _await_servers(settings: Settings, readiness: Readiness) -> int:
    """Wait for the broker's life, its topics and Redis; return the number of the life."""
    epoch = await await_life(settings.kafka_bootstrap)
    readiness.waits_for = "topics"
    await await_topics(settings.kafka_bootstrap, settings.partitions)
    readiness.waits_for = "redis"
    redis = views.connect(settings.redis_url)
    while True:
        try:
            await views.clear_older(redis, epoch, settings.worker_id)
        except (RedisError, OSError) as error:
            log.warning("view_unreachable", error=error)
            await asyncio.sleep(views.LOOK_EVERY_S)
            continue
        await redis.aclose()
        return epoch


def _work(streams: Streams, readiness: Readiness) -> int:
    """Run the app until a signal ends it; it commits what is done and leaves its group."""
    worker = streams.worker
    observed = FaustObserved(worker.app, worker.waiting, worker.steps)
    readiness.observed = observed
    watchdog = Watchdog(observed, worker.metrics, guard.die)
    watchdog.start()
    bootstrap = worker.settings.kafka_bootstrap
    lives = LifeWatch(worker.epoch, lambda: read_life(bootstrap), guard.die)
    lives.start()
    # Nothing that is there by now goes: there is no need to look at it again and again.
    gc.freeze()
    log.info("worker_started", epoch=worker.epoch, partitions=worker.settings.partitions)
    loop = asyncio.get_event_loop_policy().get_event_loop()
    runner = faust.Worker(
        worker.app, loop=loop, quiet=True, override_logging=False, redirect_stdouts=False
    )
    try:
        # Ends with SystemExit, also after a crash of the app.
        runner.execute_from_commandline()
    finally:
        watchdog.stop()
        lives.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
