"""What every part of the service is built upon, and what a part gives."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from service.application.ports import Clock, Encoder, Ids, Storage
from service.config import Settings
from service.postgres.reader import PostgresReader
from service.rpc.calling import Mutations
from service.rpc.server import Adder
from service.telemetry import Telemetry

# Does a bounded claim of what is due; returns how much it did.
ClockworkTask = Callable[[], int]


@dataclass(frozen=True, slots=True)
class Ground:
    """What every part may build upon."""

    settings: Settings
    engine: sa.Engine
    telemetry: Telemetry
    clock: Clock
    ids: Ids
    storage: Storage
    encoder: Encoder
    reader: PostgresReader
    mutations: Mutations
    # One place for each call that waits for what is to come.
    watchers: threading.BoundedSemaphore


@dataclass(frozen=True, slots=True)
class Part:
    """What one part gives: proto services by full name, and what the clockwork does for it."""

    services: Mapping[str, tuple[Adder, object]] = field(default_factory=dict)
    works: tuple[ClockworkTask, ...] = ()


def parts_of(
    ground: Ground, makers: Sequence[Callable[[Ground], Part]]
) -> tuple[dict[str, tuple[Adder, object]], tuple[ClockworkTask, ...]]:
    """Return every service by name, and every work in the order of the parts."""
    parts = [make(ground) for make in makers]
    services = {name: each for part in parts for name, each in part.services.items()}
    return services, tuple(work for part in parts for work in part.works)
