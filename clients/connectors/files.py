"""Imports what is put into the folders of feeds of mode FILE, while everything else goes on.

A file is read in a thread of its own. Told to stop, it lets go of the file at the next batch; what
was sent is sent, and whoever starts next goes on behind it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from clients.connectors.worker import pause
from clients.files.folder import Taken, WatchedFolder
from clients.files.importing import FileImporter, Told
from clients.sdk import Concord, ConcordError
from concord.channels.v1 import feed_pb2

# Beside the folders of feeds, whose names have no dot.
WORK: Final = ".work"

log = structlog.get_logger(__name__)


class _StoppedError(Exception):
    """The process is told to stop."""


class FileDesk:
    """Watches the folders of feeds."""

    def __init__(
        self,
        root: Path,
        concord: Concord,
        clock: Callable[[], datetime],
        *,
        look_every_s: float,
    ) -> None:
        self._concord = concord
        self._look_every_s = look_every_s
        self._stopping = threading.Event()
        importer = FileImporter(concord, root / WORK, clock, pause=self._pause)
        told = Told(on_bytes=self._go_on, on_orders=self._go_on)
        self._folder = WatchedFolder(root, importer, clock, told)
        self._looking: asyncio.Task[None] | None = None

    async def run(self, told_to_stop: asyncio.Event) -> None:
        """Look until told to stop; a file under way then is the caller's to await."""
        stop = asyncio.create_task(told_to_stop.wait())
        stop.add_done_callback(lambda _: self._stopping.set())
        while not told_to_stop.is_set():
            self._looking = asyncio.create_task(asyncio.to_thread(self._look))
            await asyncio.wait({self._looking, stop}, return_when=asyncio.FIRST_COMPLETED)
            if self._looking.done():
                self._looking.result()
                await pause(told_to_stop, self._look_every_s)

    async def drain(self, within_s: float) -> None:
        """Let go of the file under way."""
        self._stopping.set()
        if self._looking is not None:
            await asyncio.wait({self._looking}, timeout=within_s)

    def _look(self) -> None:
        try:
            feeds = list(self._concord.channels.list(mode=feed_pb2.Feed.MODE_FILE))
            for taken in self._folder.look(iter(feeds)):
                _tell(taken)
        except _StoppedError:
            return
        except ConcordError as error:
            log.warning(
                "service_awaited",
                agent="files",
                wait_s=self._look_every_s,
                code=error.code.name,
                reason=error.reason,
            )

    def _pause(self, seconds: float) -> None:
        self._stopping.wait(seconds)
        self._go_on()

    def _go_on(self, _: int = 0) -> None:
        if self._stopping.is_set():
            raise _StoppedError


def _tell(taken: Taken) -> None:
    if taken.imported is None:
        # What is wrong with it is in the register of files, where its kind is known.
        log.warning("file_refused", feed=taken.feed, problem=str(taken.refusal))
        return
    if taken.imported.was_known:
        return
    counts = taken.imported.kept.counts
    log.info("file_imported", feed=taken.feed, rows=counts.rows, count=counts.open)
