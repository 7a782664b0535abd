"""PostgreSQL, Valkey and the broker for a test or a script, started together and gone afterwards.

    with EmbeddedServers() as servers:
        url = servers.create_database()

Each instance has ports, passwords and a folder of its own, so any number runs side by side.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from deploy.kafka.emptying import delete_topics
from deploy.local import environment, placement, servers
from deploy.local.background import Background
from deploy.local.folder import DataFolder
from deploy.local.ports import Ports
from deploy.local.process import UnusableError

# Someone else may take a port between our look and the server's: then again with other ports.
ATTEMPTS: Final = 3

# Folders of test runs, in the system's place for temporary files.
TEMPORARY: Final = "concord-servers-"

# From the making of a folder to its lock it takes milliseconds.
ABANDONED_AFTER_S: Final = 60.0


class EmbeddedServers:
    """The three servers, running from `with` to its end; crashed and revived at will between.

    They do not start again by themselves: a test that kills one decides when it comes back. The
    broker, whichever it is, then begins with nothing.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        names: Iterable[str] = servers.NAMES,
        is_durable: bool = False,
        broker: str | None = None,
    ) -> None:
        """Plan the servers named; the broker is the one that the environment says, by default."""
        self._given_folder = folder
        self._names = tuple(names)
        self._is_durable = is_durable
        self._broker = broker or environment.embedded_broker()
        self._databases = 0

    @property
    def database_url(self) -> str:
        """The database `concord`, as its owner."""
        return self._servers.postgres.url

    @property
    def admin_url(self) -> str:
        """The maintenance database, as the superuser."""
        return self._servers.postgres.admin_url

    @property
    def redis_url(self) -> str:
        """Valkey, with its password."""
        return self._servers.valkey.url

    @property
    def kafka_bootstrap(self) -> str:
        """The broker."""
        return self._servers.broker.bootstrap

    def create_database(self, template: str = "template1") -> str:
        """Return the address of a fresh database, a copy of the template."""
        self._databases += 1
        return self._servers.postgres.create_database(f"database_{self._databases}", template)

    def drop_database(self, url: str) -> None:
        """Drop what `create_database` made, ending the sessions on it."""
        self._servers.postgres.drop_database(database_name(url))

    def pid(self, name: str) -> int | None:
        """The process id of a server while it runs."""
        return self._background.pid(name)

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Signal a server; after one that ends it, `start` brings it back."""
        self._background.send(name, number)

    def stop(self, name: str) -> None:
        """End a server properly."""
        self._background.stop_one(name)

    def start(self, name: str) -> None:
        """Bring a server back on its address, and return when it is ready."""
        self._background.start_one(name)

    def empty_broker(self) -> None:
        """Take all topics from the broker, in the way that is quickest for it."""
        if self._broker == environment.APACHE:
            delete_topics(self.kafka_bootstrap)
        else:
            self.kill("broker")
            self.start("broker")

    def __enter__(self) -> Self:
        _remove_abandoned()
        path = self._given_folder or Path(tempfile.mkdtemp(prefix=TEMPORARY))
        self._folder = DataFolder(path)
        self._folder.open()
        if not self._folder.acquire():
            raise RuntimeError(f"another stack runs on {path}")
        try:
            self._start_somewhere()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._background.close()
        self._ports.release()
        self._close()

    def _start_somewhere(self) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            self._ports = Ports(servers.port_names(servers.NAMES, self._broker), wanted={})
            self._servers = servers.make(
                self._folder, self._ports.numbers, is_durable=self._is_durable, broker=self._broker
            )
            try:
                specs = self._servers.specs(self._names)
            except UnusableError:
                self._ports.release()
                raise
            self._background = Background(specs, self._folder.logs)
            try:
                self._background.start()
            except RuntimeError:
                self._background.close()
                self._ports.release()
                if attempt == ATTEMPTS:
                    raise
            else:
                return

    def _close(self) -> None:
        if self._given_folder is None:
            placement.remove_elsewhere(self._folder.path)
            self._folder.delete()
        self._folder.release()


def database_name(url: str) -> str:
    """Return the name of the database an address leads to."""
    return url.rpartition("/")[2]


def _remove_abandoned() -> None:
    """Delete what a killed test run left: its servers died with it, its folder could not."""
    for path in Path(tempfile.gettempdir()).glob(f"{TEMPORARY}*"):
        # Somebody else's, just deleted by a run beside us, or too young to have its lock yet.
        with contextlib.suppress(OSError, UnusableError):
            is_old = time.time() - path.stat().st_mtime > ABANDONED_AFTER_S
            if path.stat().st_uid == os.geteuid() and is_old and not DataFolder(path).is_in_use():
                shutil.rmtree(path)
