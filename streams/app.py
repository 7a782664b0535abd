"""Builds the Faust application of a worker: settings, agents, what they share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NoReturn

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from streams import guard, views
from streams.agents import channels, intake, profiles, risk, stage_windows, stages
from streams.broker import declared_life
from streams.config import Settings
from streams.logic.normalising import keyed
from streams.rule_files import load_person_rules, load_rules
from streams.service import ConcordService
from streams.tables import ChunkedTable
from streams.telemetry import Metrics
from streams.template_files import load_templates
from streams.transport import ChunkedApp
from streams.views import LOOK_EVERY_S, STAGE_WATERMARK, View
from streams.worker import FaustSender, Service, Worker

# Chunks an agent may have before it; the transport leaves more at the broker long before.
STREAM_BUFFER: Final = 1024
# Twice as long as the slowest answer of the service to a batch, so that waiting loses no group.
MAX_POLL_S: Final = 86_400.0
COMMIT_EVERY_S: Final = 1.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Streams:
    """A worker and what keeps its views."""

    worker: Worker
    redis: Redis


def build(
    settings: Settings,
    epoch: int,
    metrics: Metrics,
    *,
    service: Service | None = None,
    die: Callable[[int], NoReturn] = guard.die,
) -> Streams:
    """Return a worker with all agents, ready to start."""
    app = faust_app(settings, epoch)
    pseudonym = keyed(settings.pseudonym_key) if settings.pseudonym_key else None
    worker = Worker(
        settings=settings,
        epoch=epoch,
        app=app,
        metrics=metrics,
        service=service or ConcordService.at(settings.service_address),
        sender=FaustSender(app),
        rules=load_rules(),
        person_rules=load_person_rules(),
        templates=load_templates(pseudonym),
        die=die,
        declared_life=partial(declared_life, settings.kafka_bootstrap),
    )
    redis = views.connect(settings.redis_url)
    intake.attach(worker)
    stages.attach(worker)
    stage_view = _view(worker, redis, views.STAGES)
    windows = stage_windows.attach(worker, stage_view)
    channel_view = _view(worker, redis, views.CHANNELS)
    minutes = channels.attach(worker, channel_view)
    risk.attach(worker)
    profile_view = _view(worker, redis, views.PROFILES)
    people = profiles.attach(worker, profile_view)

    @app.timer(interval=LOOK_EVERY_S)  # type: ignore[untyped-decorator]  # As Faust has it.
    async def keep_views() -> None:
        try:
            await stage_view.keep(windows.engines())
            await channel_view.keep(minutes.engines())
            await profile_view.keep(people.engines())
            await stage_windows.tell_watermark(windows, redis, STAGE_WATERMARK)
        except (RedisError, OSError) as error:
            log.warning("view_unreachable", error=error)

    return Streams(worker, redis)


def faust_app(settings: Settings, epoch: int) -> ChunkedApp:
    """Return the app of one life of the broker; a new life is a new group without rows."""
    session_s = float(settings.session_timeout_s)
    return ChunkedApp(
        f"concord-streams-{epoch}",
        broker=f"kafka://{settings.kafka_bootstrap}",
        # Rows are small, and come back from the changelog.
        store="memory://",
        Table=ChunkedTable,
        datadir=str(settings.data_dir),
        autodiscover=False,
        web_enabled=False,
        topic_partitions=settings.partitions,
        topic_disable_leader=True,
        # At least once; rows that know what they hold make it once.
        processing_guarantee="at_least_once",
        consumer_auto_offset_reset="earliest",
        broker_commit_interval=COMMIT_EVERY_S,
        broker_session_timeout=session_s,
        broker_heartbeat_interval=session_s / 3,
        broker_rebalance_timeout=max(20.0, 2 * session_s),
        broker_max_poll_interval=MAX_POLL_S,
        stream_wait_empty=False,
        stream_buffer_maxsize=STREAM_BUFFER,
        stream_recovery_delay=0.0,
        producer_linger=0.005,
        producer_max_batch_size=262_144,
        producer_acks=-1,
        # aiokafka takes lz4 at its highest level: eight times the time, for two thirds of the gain.
        producer_compression_type="zstd",
        # A page of rows may have some hundred kilobytes.
        producer_max_request_size=4 * 1024 * 1024,
        table_standby_replicas=0,
        worker_redirect_stdouts=False,
    )


def _view(
    worker: Worker,
    redis: Redis,
    kind: tuple[str, Callable[[Any], views.Place], Callable[[Any], Any]],
) -> View:
    name, place, encode = kind
    return View(
        redis=redis,
        name=name,
        place=place,
        encode=encode,
        worker_id=f"{worker.epoch}:{worker.settings.worker_id}",
        rewritten=worker.metrics.view_rewrites.labels(name).inc,
    )
