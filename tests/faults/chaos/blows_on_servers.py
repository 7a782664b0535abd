"""Blows on PostgreSQL, the broker and Valkey."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import psutil
from redis import Redis
from redis.exceptions import RedisError

from tests.faults.chaos.children import until
from tests.faults.chaos.injecting import MissedError, Strike
from tests.faults.chaos.reader import Reader
from tests.faults.chaos.sizes import Kind, Size
from tests.faults.chaos.world import World

DOWN: Final = "it is down"
BACK_WITHIN_S: Final = 30.0
GONE_WITHIN_S: Final = 5.0
# A session that stands still keeps its locks; a crash of PostgreSQL waits for it.
HELD_S: Final = (0.2, 0.8)


class BlowsOnServers:
    """Kills, pauses, losses."""

    def __init__(self, world: World, size: Size, reader: Reader) -> None:
        self._world = world
        self._servers = world.servers
        self._size = size
        self._reader = reader
        self.by_kind: Mapping[Kind, Strike] = MappingProxyType(
            {
                Kind.BACKEND_KILL: lambda dice: self._signal_backend(dice, signal.SIGKILL),
                Kind.BACKEND_END: lambda dice: self._signal_backend(dice, signal.SIGTERM),
                Kind.BACKEND_PAUSE: self._pause_backend,
                Kind.POSTMASTER_KILL: self._kill_postmaster,
                Kind.BROKER_LOSS: self._lose_broker,
                Kind.BROKER_PAUSE: lambda dice: self._pause("broker", dice),
                Kind.VALKEY_FLUSH: self._flush,
                Kind.VALKEY_KILL: lambda dice: self._restart("valkey", dice),
                Kind.VALKEY_PAUSE: lambda dice: self._pause("valkey", dice),
            }
        )

    def _pid(self, name: str) -> int:
        pid = self._servers.pid(name)
        if pid is None:
            raise MissedError(DOWN)
        return pid

    def _backend(self, dice: random.Random) -> psutil.Process:
        """Return a session of one of our processes."""
        postmaster = self._pid("postgres")
        try:
            found = [
                each
                for each in psutil.Process(postmaster).children()
                # Its title ends with: user, database, address and port, what it does.
                if " concord 127.0.0.1(" in " ".join(each.cmdline())
            ]
        except psutil.Error as error:
            raise MissedError(DOWN) from error
        if not found:
            raise MissedError("no session")
        return dice.choice(found)

    def _signal_backend(self, dice: random.Random, number: signal.Signals) -> None:
        backend = self._backend(dice)
        try:
            backend.send_signal(number)
            until(lambda: not _is_there(backend), "the end of a session", GONE_WITHIN_S)
        except (psutil.NoSuchProcess, TimeoutError) as error:
            # It had ended, or it waits for something that no signal ends.
            raise MissedError(type(error).__name__) from error

    def _pause_backend(self, dice: random.Random) -> None:
        backend = self._backend(dice)
        try:
            backend.send_signal(signal.SIGSTOP)
            self._world.over.wait(dice.uniform(*HELD_S))
            backend.send_signal(signal.SIGCONT)
        except psutil.NoSuchProcess as error:
            raise MissedError("it is gone") from error

    def _kill_postmaster(self, _dice: random.Random) -> None:
        family = psutil.Process(self._pid("postgres")).children()
        self._servers.kill("postgres")
        # Its sessions end when they notice; until then nobody may start on the same data.
        until(lambda: not any(map(_is_there, family)), "the end of all sessions", BACK_WITHIN_S)
        self._servers.start("postgres")

    def _lose_broker(self, dice: random.Random) -> None:
        with self._reader.looking_away():
            self._restart("broker", dice)

    def _restart(self, name: str, dice: random.Random) -> None:
        self._pid(name)
        self._servers.kill(name)
        self._world.over.wait(dice.uniform(0, 0.3))
        self._servers.start(name)

    def _pause(self, name: str, dice: random.Random) -> None:
        pid = self._pid(name)
        os.kill(pid, signal.SIGSTOP)
        try:
            self._world.over.wait(dice.uniform(*self._size.pause_s))
        finally:
            os.kill(pid, signal.SIGCONT)

    def _flush(self, _dice: random.Random) -> None:
        try:
            with Redis.from_url(self._servers.redis_url, socket_timeout=2) as redis:
                redis.flushall()
        except RedisError as error:
            raise MissedError(DOWN) from error


def _is_there(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
