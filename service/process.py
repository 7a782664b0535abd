"""What every process of the service begins with: the real clock, real ids, signals, telemetry.

The only place that owns them.
"""

import signal
import threading
import uuid
from datetime import UTC, datetime
from types import FrameType

from service.config import Settings
from service.telemetry import Telemetry, configure


def now() -> datetime:
    """Return the present moment, UTC."""
    return datetime.now(UTC)


def fresh_id() -> str:
    """Return an id that nobody else has."""
    return str(uuid.uuid4())


def until_told() -> threading.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stop = threading.Event()

    def tell(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, tell)
    return stop


def telemetry_of(settings: Settings) -> Telemetry:
    """Set up the telemetry that the settings ask for."""
    return configure(
        settings.service_name,
        instance_id=fresh_id(),
        otlp_endpoint=settings.otlp_endpoint,
        sample_ratio=settings.trace_sample_ratio,
        log_level=settings.log_level,
    )
