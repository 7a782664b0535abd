"""How large a run of the chaos is: how long, how many blows of each kind, what must be reached.

One code, three sizes. The numbers that a run must reach are promises, so the run itself asserts
them, not its caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Kind(StrEnum):
    """What can be done to the stack; the value is what reports call it."""

    RELAY_KILL = "relay: kill -9"
    RELAY_PAUSE = "relay: pause"
    RELAY_ZOMBIE = "relay: zombie"
    SERVICE_KILL = "service: kill -9"
    SERVICE_PAUSE = "service: pause"
    SERVICE_DRAIN = "service: drain by SIGTERM"
    WORKER_KILL = "worker: kill -9"
    WORKER_PAUSE = "worker: pause"
    WORKER_STORM = "worker: rebalance storm"
    BACKEND_KILL = "PostgreSQL: backend kill -9"
    BACKEND_END = "PostgreSQL: backend terminated"
    BACKEND_PAUSE = "PostgreSQL: backend pause"
    POSTMASTER_KILL = "PostgreSQL: postmaster kill -9"
    BROKER_LOSS = "broker: kill -9, all topics lost"
    BROKER_PAUSE = "broker: pause"
    VALKEY_FLUSH = "Valkey: FLUSHALL"
    VALKEY_KILL = "Valkey: kill -9"
    VALKEY_PAUSE = "Valkey: pause"
    CONNECTION_CUT = "connection: cut"
    CALLER_GONE = "caller: hangs up in mid-call"


# Each thread of blows has its own kinds: no two of them work on the same victim.
LANES: Final[Mapping[str, frozenset[Kind]]] = MappingProxyType(
    {
        "relay": frozenset({Kind.RELAY_KILL, Kind.RELAY_PAUSE, Kind.RELAY_ZOMBIE}),
        "service": frozenset({Kind.SERVICE_KILL, Kind.SERVICE_PAUSE, Kind.SERVICE_DRAIN}),
        "worker": frozenset({Kind.WORKER_KILL, Kind.WORKER_PAUSE, Kind.WORKER_STORM}),
        "postgres": frozenset(
            {Kind.BACKEND_KILL, Kind.BACKEND_END, Kind.BACKEND_PAUSE, Kind.POSTMASTER_KILL}
        ),
        "broker": frozenset({Kind.BROKER_LOSS, Kind.BROKER_PAUSE}),
        "valkey": frozenset({Kind.VALKEY_FLUSH, Kind.VALKEY_KILL, Kind.VALKEY_PAUSE}),
        "wire": frozenset({Kind.CONNECTION_CUT, Kind.CALLER_GONE}),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """One size of run."""

    name: str
    faults_s: float
    """How long blows fall."""
    blows: Mapping[Kind, int]
    least_faults: int
    least_events: int
    alive_within_s: float = 5.0
    """How long after the last blow everything answers."""
    load_on_within_s: float = 30.0
    """How long the load may go on after the blows, for events that are still to come."""
    pause_s: tuple[float, float] = (0.5, 1.5)
    workers: int = 1
    batch: int = 150
    """Receipts in a call."""
    lanes: int = 3
    """Calls with receipts under way at once."""
    clerks: int = 3
    ahead_max: int = 6_000
    """Receipts without an outcome, beyond which senders wait: what is left must be drained."""
    losses_within: float = 0.45
    """The broker is emptied within this part of the run: history that comes again costs time."""
    rest_within_s: float = 90.0
    """How long everything may take to be published and read once blows have ended."""
    samples_memory: bool = field(default=False)

    @property
    def planned(self) -> int:
        """How many blows there are."""
        return sum(self.blows.values())


TINY: Final = Size(
    name="tiny",
    faults_s=7.0,
    blows=MappingProxyType(
        {
            Kind.RELAY_KILL: 2,
            Kind.RELAY_PAUSE: 1,
            Kind.RELAY_ZOMBIE: 2,
            Kind.SERVICE_KILL: 1,
            Kind.SERVICE_PAUSE: 1,
            Kind.WORKER_PAUSE: 1,
            Kind.BACKEND_KILL: 2,
            Kind.BACKEND_END: 4,
            Kind.BACKEND_PAUSE: 2,
            Kind.BROKER_LOSS: 1,
            Kind.BROKER_PAUSE: 1,
            Kind.VALKEY_FLUSH: 2,
            Kind.VALKEY_KILL: 1,
            Kind.CONNECTION_CUT: 2,
            Kind.CALLER_GONE: 1,
        }
    ),
    least_faults=15,
    least_events=1_500,
    # It runs beside other tests, which have the processors as well.
    alive_within_s=30.0,
    pause_s=(0.3, 0.6),
    batch=40,
    lanes=2,
    clerks=2,
    ahead_max=300,
)

# A process of ours takes a second of a processor to start, and PostgreSQL ends everybody's work
# when one session is killed: such blows are rarer than those on single sessions and connections.
CI: Final = Size(
    name="ci",
    faults_s=110.0,
    blows=MappingProxyType(
        {
            Kind.RELAY_KILL: 31,
            Kind.RELAY_PAUSE: 34,
            Kind.RELAY_ZOMBIE: 34,
            Kind.SERVICE_KILL: 8,
            Kind.SERVICE_PAUSE: 26,
            Kind.SERVICE_DRAIN: 4,
            Kind.WORKER_KILL: 3,
            Kind.WORKER_PAUSE: 14,
            Kind.WORKER_STORM: 1,
            Kind.BACKEND_KILL: 17,
            Kind.BACKEND_END: 158,
            Kind.BACKEND_PAUSE: 80,
            Kind.POSTMASTER_KILL: 4,
            Kind.BROKER_LOSS: 5,
            Kind.BROKER_PAUSE: 10,
            Kind.VALKEY_FLUSH: 44,
            Kind.VALKEY_KILL: 26,
            Kind.VALKEY_PAUSE: 26,
            Kind.CONNECTION_CUT: 88,
            Kind.CALLER_GONE: 18,
        }
    ),
    least_faults=600,
    least_events=150_000,
    ahead_max=5_000,
    # For a slow machine; chosen so that with start and rest, of some forty seconds, the whole is to
    # stay within four minutes. Nothing holds a run to these.
    load_on_within_s=75.0,
    losses_within=0.3,
)

# 52 minutes of blows, at the rates of CI.
SOAK: Final = Size(
    name="soak",
    faults_s=52 * 60.0,
    blows=MappingProxyType(
        {
            Kind.RELAY_KILL: 680,
            Kind.RELAY_PAUSE: 750,
            Kind.RELAY_ZOMBIE: 760,
            Kind.SERVICE_KILL: 170,
            Kind.SERVICE_PAUSE: 560,
            Kind.SERVICE_DRAIN: 75,
            Kind.WORKER_KILL: 56,
            Kind.WORKER_PAUSE: 300,
            Kind.WORKER_STORM: 19,
            Kind.BACKEND_KILL: 375,
            Kind.BACKEND_END: 3_400,
            Kind.BACKEND_PAUSE: 1_700,
            Kind.POSTMASTER_KILL: 75,
            Kind.BROKER_LOSS: 5,
            Kind.BROKER_PAUSE: 225,
            Kind.VALKEY_FLUSH: 940,
            Kind.VALKEY_KILL: 560,
            Kind.VALKEY_PAUSE: 560,
            Kind.CONNECTION_CUT: 1_880,
            Kind.CALLER_GONE: 375,
        }
    ),
    least_faults=12_000,
    least_events=3_000_000,
    # All within the first minutes: a new life is one transaction that writes the whole history, of
    # half a minute for a million messages, and no leader lives so long here. So far apart that the
    # workers, which begin anew with each life, get some work done between them.
    losses_within=0.06,
    # Of what comes, each waits behind these: half a minute.
    ahead_max=5_000,
    load_on_within_s=1_200.0,
    rest_within_s=400.0,
    samples_memory=True,
)
