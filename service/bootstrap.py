"""The composition root of a server: builds adapters, wires use cases, runs until told to end."""

import contextlib
import gc
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import sqlalchemy as sa
import structlog

from service import auditors
from service.application.ports import Clock
from service.config import ConfigurationError, Settings
from service.counting import Counting
from service.domain.errors import OutageError
from service.kafka.encoding import ProtobufEncoder, ProtobufEnvelopes
from service.postgres.clock import DatabaseClock
from service.postgres.durability import unsafe_settings
from service.postgres.engine import make_engine
from service.postgres.reader import PostgresReader
from service.postgres.storage import Observer, PostgresStorage
from service.postgres.translating import translated
from service.process import fresh_id, now, telemetry_of, until_told
from service.rpc.calling import Mutations
from service.rpc.errors import ErrorsInterceptor
from service.rpc.metrics import MetricsInterceptor
from service.rpc.request_log import RequestLogInterceptor
from service.rpc.server import Adder, Server, pool_threads
from service.rpc.tracing import TracingInterceptor
from service.telemetry import Probes, Telemetry
from service.wiring.ground import Ground, parts_of
from service.wiring.parts import PARTS
from service.wiring.workflows import with_versions

log = structlog.get_logger(__name__)

# A supervisor waits ten seconds before it kills.
GRACE_S: Final = 8.0
# Deadlines are minutes and hours: a second late is on time.
WAITING_POLL_S: Final = 1.0
# Objects made before Python looks for cycles among them. Its usual 700 took a tenth of all work.
COLLECTED_AFTER: Final = 50_000


def serve(settings: Settings) -> None:
    """Serve gRPC and work off what waits, until told to end."""
    stop = until_told()
    telemetry = telemetry_of(settings)
    # Every thread of the server may hold one, and so may the clockwork, the health check and the
    # auditor.
    engine = make_engine(
        settings.database_url,
        connections=pool_threads(settings.threads, settings.watchers_max) + 3,
    )
    _refuse_unsafe(engine)
    clock = DatabaseClock(engine, now)
    _look_at(clock)
    services, works = parts_of(_ground(settings, engine, telemetry, clock), PARTS)
    server = _listening(settings, telemetry, services)
    clockwork = threading.Thread(target=_tick, args=(works, stop), name="clockwork")
    auditor = auditors.auditor(settings, engine, telemetry.metrics, stop)
    probes = Probes(
        settings.metrics_address,
        registry=telemetry.metrics.registry,
        ready=lambda: _missing(engine),
    )
    # What is here now stays, and is not looked at again.
    gc.freeze()
    gc.set_threshold(COLLECTED_AFTER)
    server.start()
    clockwork.start()
    auditor.start()
    try:
        _follow_health(server, engine, clock, stop)
    finally:
        stop.set()
        server.stop(GRACE_S)
        clockwork.join(GRACE_S)
        auditor.join(GRACE_S)
        probes.close()
        engine.dispose()
        telemetry.shutdown()


def _server(
    settings: Settings, engine: sa.Engine, telemetry: Telemetry, clock: Clock = now
) -> Server:
    services, _ = parts_of(_ground(settings, engine, telemetry, clock), PARTS)
    return _listening(settings, telemetry, services)


def _listening(
    settings: Settings, telemetry: Telemetry, services: Mapping[str, tuple[Adder, object]]
) -> Server:
    return Server(
        settings.service_address,
        services,
        interceptors=(
            TracingInterceptor(),
            MetricsInterceptor(telemetry.metrics),
            RequestLogInterceptor(),
            ErrorsInterceptor(telemetry.metrics, settings.failpoints),
        ),
        threads=settings.threads,
        watchers_max=settings.watchers_max,
        shares_port=settings.shares_port,
    )


def _ground(settings: Settings, engine: sa.Engine, telemetry: Telemetry, clock: Clock) -> Ground:
    settings = with_versions(settings, engine)
    counting = Counting(telemetry.metrics)
    observer = Observer(counting.committed, counting.retried)
    storage = PostgresStorage(engine, ProtobufEnvelopes(), observer, settings.failpoints)
    encoder = ProtobufEncoder()
    return Ground(
        settings=settings,
        engine=engine,
        telemetry=telemetry,
        clock=clock,
        ids=fresh_id,
        storage=storage,
        encoder=encoder,
        reader=PostgresReader(engine, settings.terms.limits),
        mutations=Mutations(storage, encoder, clock, fresh_id, settings.terms),
        watchers=threading.BoundedSemaphore(settings.watchers_max),
    )


def _missing(engine: sa.Engine) -> Mapping[str, str]:
    try:
        with translated(), engine.connect() as connection:
            connection.execute(sa.text("SELECT 1 FROM alembic_version"))
            unsafe = unsafe_settings(connection)
    except OutageError as error:
        return {"postgres": error.text}
    return {"durability": ", ".join(unsafe)} if unsafe else {}


def _refuse_unsafe(engine: sa.Engine) -> None:
    """Raise `ConfigurationError` where PostgreSQL does not wait for the disk.

    Where it cannot be reached yet, readiness asks again each second.
    """
    unsafe = _missing(engine).get("durability")
    if unsafe:
        engine.dispose()
        raise ConfigurationError(
            (
                f"PostgreSQL has {unsafe}: what is acknowledged may be lost in a crash",
                "switch it on, or name it in PostgreSQL's setting concord.unsafe_settings",
            )
        )


def _look_at(clock: DatabaseClock) -> None:
    """Look at PostgreSQL's clock; where it cannot be reached, time goes on until the next look."""
    with contextlib.suppress(OutageError):
        clock.look()


def _follow_health(
    server: Server, engine: sa.Engine, clock: DatabaseClock, stop: threading.Event
) -> None:
    is_serving = None
    while not stop.is_set():
        reachable = not _missing(engine)
        _look_at(clock)
        if reachable is not is_serving:
            server.set_serving(is_serving=reachable)
            log.info("serving_changed", serving=reachable)
            is_serving = reachable
        stop.wait(WAITING_POLL_S)


def _tick(works: Sequence[Callable[[], int]], stop: threading.Event) -> None:
    while not stop.is_set():
        done = 0
        for work in works:
            try:
                done += work()
            except OutageError as error:
                log.warning("clockwork_waits", reason=error.reason)
            except Exception:
                # A process whose deadlines stand still must not look well: it ends, and a
                # supervisor starts another.
                log.exception("clockwork_failed")
                stop.set()
                raise
        if not done:
            stop.wait(WAITING_POLL_S)
