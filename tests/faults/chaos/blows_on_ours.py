"""Blows on our own processes: service, relay, worker, and their connections.

A process that just starts is no victim: half a blow does not count.
"""

from __future__ import annotations

import errno
import random
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from types import MappingProxyType
from typing import Any, Final

import psutil
import psycopg2

from service.postgres.outbox_history import LOCKS
from tests.faults.chaos.children import Child, until
from tests.faults.chaos.cutting import cut_one
from tests.faults.chaos.injecting import MissedError, Strike
from tests.faults.chaos.sizes import Kind, Size
from tests.faults.chaos.world import World

DRAINED_WITHIN_S: Final = 15.0
# A standby looks at the locks twice a second; on a busy machine, and beside a PostgreSQL that
# is killed, too, it takes longer.
TAKEN_OVER_WITHIN_S: Final = 3.0
STORM_S: Final = (4.0, 7.0)

# Who leads: the session that holds the first shard.
LEADER: Final = (
    "SELECT a.pid, a.client_port FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)"
    " WHERE l.locktype = 'advisory' AND l.classid = %s AND l.objid = 0 AND l.granted"
)


class BlowsOnOurs:
    """Kills, pauses, drains, zombies, cuts."""

    def __init__(
        self, world: World, size: Size, callers_gone: Callable[[random.Random], None]
    ) -> None:
        self._world = world
        self._size = size
        self._storms = 0
        self.by_kind: Mapping[Kind, Strike] = MappingProxyType(
            {
                Kind.RELAY_KILL: lambda dice: _kill(dice, world.relays),
                Kind.RELAY_PAUSE: lambda dice: self._pause(dice, world.relays),
                Kind.RELAY_ZOMBIE: self._make_zombie,
                Kind.SERVICE_KILL: lambda dice: _kill(dice, world.services),
                Kind.SERVICE_PAUSE: lambda dice: self._pause(dice, world.services),
                Kind.SERVICE_DRAIN: self._drain,
                Kind.WORKER_KILL: lambda dice: _kill(dice, world.workers),
                Kind.WORKER_PAUSE: lambda dice: self._pause(dice, world.workers),
                Kind.WORKER_STORM: self._storm,
                Kind.CONNECTION_CUT: self._cut,
                Kind.CALLER_GONE: callers_gone,
            }
        )

    def _pause(self, dice: random.Random, among: Sequence[Child]) -> None:
        child = _victim(dice, among)
        _stop(child)
        try:
            self._world.over.wait(dice.uniform(*self._size.pause_s))
        finally:
            child.send(signal.SIGCONT)

    def _drain(self, dice: random.Random) -> None:
        """Ask a service to end under load; it must do so by itself, and well."""
        child = _victim(dice, self._world.services)
        code = child.end_with(signal.SIGTERM)
        if code is None:
            raise MissedError(GONE)
        assert code == 0, f"{child.name} was asked to end, and did with {code}"

    def _storm(self, dice: random.Random) -> None:
        """Let a worker join the group, and kill it when it has partitions or is about to."""
        self._storms += 1
        guest = self._world.new_worker(f"guest-{self._storms}")
        guest.start()
        try:
            self._world.over.wait(dice.uniform(*STORM_S))
        finally:
            guest.leave()

    def _make_zombie(self, dice: random.Random) -> None:
        """Stop the leading relay, end its session, let the standby take over, wake it again."""
        try:
            with closing(self._world.admin()) as asking:
                session, port = _leading(asking)
                leader = _owner_of(port, self._world.relays)
                if not any(each.listens() for each in self._world.relays if each is not leader):
                    raise MissedError("nobody stands by")
                _stop(leader)
                try:
                    _rows(asking, "SELECT pg_terminate_backend(%s)", session)
                    until(
                        lambda: _is_led_by_another(asking, session),
                        "a takeover",
                        TAKEN_OVER_WITHIN_S,
                    )
                    self._world.over.wait(dice.uniform(0, 0.3))
                finally:
                    leader.send(signal.SIGCONT)
        except psycopg2.Error as error:
            raise MissedError("PostgreSQL is away") from error
        except TimeoutError as error:
            raise MissedError("nobody took over") from error

    def _cut(self, dice: random.Random) -> None:
        child = _victim(dice, self._world.children)
        if child.pid is None:
            raise MissedError(GONE)
        try:
            if not cut_one(child.pid, dice):
                raise MissedError("no connection")
        except ProcessLookupError as error:
            raise MissedError(GONE) from error
        except OSError as error:
            # That socket was closed while we looked, and its number may be another file's by
            # now; all else is a defect here.
            if error.errno not in {errno.EBADF, errno.ENOTCONN, errno.ENOTSOCK}:
                raise
            raise MissedError("no connection") from error


GONE: Final = "it is gone"


def _victim(dice: random.Random, among: Sequence[Child]) -> Child:
    """Return one that is past its start."""
    for child in dice.sample(list(among), len(among)):
        if child.listens():
            return child
    raise MissedError("all are starting")


def _stop(child: Child) -> None:
    if not child.send(signal.SIGSTOP):
        raise MissedError(GONE)


def _kill(dice: random.Random, among: Sequence[Child]) -> None:
    if _victim(dice, among).end_with(signal.SIGKILL) is None:
        raise MissedError(GONE)


def _rows(connection: Any, query: str, *parameters: object) -> list[tuple[Any, ...]]:  # noqa: ANN401
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _leading(connection: Any) -> tuple[int, int]:  # noqa: ANN401  # psycopg2 has no types.
    """Return the session that leads, and its port."""
    for session, port in _rows(connection, LEADER, LOCKS):
        return session, port
    raise MissedError("nobody leads")


def _is_led_by_another(connection: Any, session: int) -> bool:  # noqa: ANN401
    return any(found != session for found, _ in _rows(connection, LEADER, LOCKS))


def _owner_of(port: int, among: Sequence[Child]) -> Child:
    """Return whose connection to PostgreSQL has this port of ours."""
    for child in among:
        with suppress(psutil.Error):
            if child.pid is not None and any(
                each.laddr.port == port for each in psutil.Process(child.pid).net_connections("tcp")
            ):
                return child
    raise MissedError("the leader has just died")
