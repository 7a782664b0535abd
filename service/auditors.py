"""Builds what looks at invariants: for calls, for the background, and for `service check`."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import sqlalchemy as sa

from service import checking
from service.application.invariants import Audit
from service.audit_watch import AuditWatch
from service.config import Settings
from service.domain.errors import OutageError
from service.kafka.topics import NAMES
from service.postgres.audit_turn import turn
from service.postgres.engine import make_engine
from service.postgres.invariants import (
    LATE,
    Lateness,
    PostgresAudit,
    Snapshots,
    snapshots,
    snapshots_on,
)
from service.telemetry import Metrics

# As of the command line: nobody could be asked.
EXIT_UNREACHABLE: Final = 3


def audit_over(engine: sa.Engine, settings: Settings) -> Audit:
    """Return what looks, on connections of the engine."""
    return _audit(snapshots(engine), settings)


def auditor(
    settings: Settings, engine: sa.Engine, metrics: Metrics, stop: threading.Event
) -> threading.Thread:
    """Return the thread of the background auditor, not yet started."""
    if not settings.audit_share:
        return threading.Thread(target=stop.wait, name="no-auditor")

    @contextmanager
    def audit() -> Iterator[Audit | None]:
        with turn(engine) as connection:
            yield _audit(snapshots_on(connection), settings) if connection is not None else None

    watch = AuditWatch(audit, metrics, share=settings.audit_share)
    return threading.Thread(target=watch.run, args=(stop,), name="auditor")


def check(settings: Settings) -> int:
    """Look at everything once and say what was found; return 1 where something does not hold."""
    engine = make_engine(settings.database_url, connections=1)
    try:
        found = checking.check(audit_over(engine, settings))
    except OutageError as error:
        sys.stderr.write(f"PostgreSQL cannot be asked: {error.text}\n")
        return EXIT_UNREACHABLE
    finally:
        engine.dispose()
    sys.stdout.writelines(f"{each}\n" for each in checking.lines(found))
    return int(any(each.count for each in found))


def _audit(opened: Snapshots, settings: Settings) -> Audit:
    lateness = Lateness(orphans=settings.orphaned_after + LATE)
    return PostgresAudit(opened, topics=NAMES, lateness=lateness)
