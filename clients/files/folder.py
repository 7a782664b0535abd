"""A folder that is watched: each feed has a folder of its name, and what is put there is imported.

A file is taken when it has not changed from one look to the next: whoever copies it is done. It
stays where it is; the register of files knows what came.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from clients.files.importing import FileImporter, Imported, Told
from clients.files.reading import Source
from clients.files.tables import FileBusyError, FileRefusedError
from clients.sdk import RefusalError
from concord.channels.v1 import feed_pb2

# `orders-2025-12-28.csv`, `订单20251228.csv`.
_DAY: Final = re.compile(r"(20\d\d)[-_]?(0[1-9]|1[0-2])[-_]?(0[1-9]|[12]\d|3[01])(?!\d)")
SUFFIXES: Final = frozenset({".csv", ".txt", ".tsv", ".xlsx", ".xls"})

# Size and time of the last change.
Mark = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Taken:
    """A file that was taken, and what became of it; a refusal where it could not be read."""

    path: Path
    feed: str
    imported: Imported | None
    refusal: FileRefusedError | None = None


@dataclass(slots=True)
class WatchedFolder:
    """Imports what is put into the folders of feeds."""

    root: Path
    importer: FileImporter
    clock: Callable[[], datetime]
    # Hears how far a file is; what it raises ends the import, which goes on at the next start.
    told: Told = field(default_factory=Told)
    _seen: dict[Path, Mark] = field(default_factory=dict)
    _done: dict[Path, Mark] = field(default_factory=dict)

    def look(self, feeds: Iterator[feed_pb2.Feed]) -> Iterator[Taken]:
        """Import every file that has come to rest since the last look.

        One that cannot be read, or that the service refuses, holds up no other.

        Raises:
            ConcordError: the service is away; the file is taken at a later look.
        """
        for feed in feeds:
            folder = self.root / feed.name.removeprefix("feeds/")
            try:
                files = sorted(folder.iterdir()) if folder.is_dir() else []
            except OSError as error:
                yield Taken(folder, feed.name, None, _stopped_by(error))
                continue
            for path in files:
                if path.suffix.lower() in SUFFIXES and (taken := self._taken(path, feed)):
                    yield taken

    def _rests(self, path: Path) -> bool:
        found = path.stat()
        mark = (found.st_size, found.st_mtime_ns)
        before, self._seen[path] = self._seen.get(path), mark
        return mark == before and self._done.get(path) != mark

    def _taken(self, path: Path, feed: feed_pb2.Feed) -> Taken | None:
        day = day_of(path.name) or self._yesterday(feed)
        try:
            if not self._rests(path):
                return None
            source = Source.of(path, template=feed.template, shop=feed.shop, day=day)
            taken = Taken(path, feed.name, self.importer.run(source, self.told))
        except FileBusyError:
            # At the next look it is known, or whoever had it is gone.
            return None
        except FileNotFoundError:
            # Somebody took it away meanwhile.
            return None
        except (OSError, sqlite3.Error, RefusalError) as error:
            # A full disk, a file that is not ours to read, a word of the register: people can mend
            # each without touching the file, so it is tried at every look.
            return Taken(path, feed.name, None, _stopped_by(error))
        except FileRefusedError as error:
            taken = Taken(path, feed.name, None, error)
        self._done[path] = self._seen[path]
        return taken

    def _yesterday(self, feed: feed_pb2.Feed) -> str:
        today = self.clock().astimezone(ZoneInfo(feed.zone)).date()
        return (today - timedelta(days=1)).isoformat()


def day_of(name: str) -> str:
    """Return the day that a file is named for; empty where it is named for none."""
    found = _DAY.search(name)
    if found is None:
        return ""
    try:
        return date(*map(int, found.groups())).isoformat()
    except ValueError:
        # 31 February: a number that looks like a day.
        return ""


def _stopped_by(error: OSError | sqlite3.Error | RefusalError) -> FileRefusedError:
    if isinstance(error, RefusalError):
        return FileRefusedError(f"The service refuses it: {error.reason}.", "See the feed.")
    told = error.strerror if isinstance(error, OSError) else str(error)
    return FileRefusedError(f"It cannot be read: {told}.", "See the folder, and the disk.")
