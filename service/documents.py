"""Keeps the files of cases: in a folder of the embedded stack, or in any S3-compatible store.

A file lies under its own SHA-256, so that keeping it again does nothing, and what is read back is
what was kept. Credentials of a store come from its own environment, as its clients read them.
"""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from service.domain.errors import OutageError

if TYPE_CHECKING:
    from obstore.store import ClientConfig

# The first letters part a million files into folders of four thousand.
FOLDED: Final = 2
# A call waits for it, and its own deadline is ten seconds.
TIMEOUT: "Final[ClientConfig]" = {"timeout": "5s", "connect_timeout": "2s"}


class KeptDocuments:
    """Implements `service.application.documents.Documents`."""

    def __init__(self, url: str) -> None:
        """Take `file:///folder` or `s3://bucket/prefix`; empty, nothing can be kept."""
        self._store = _store(url) if url else None

    @property
    def keeps_files(self) -> bool:
        """Tell whether this installation has a place for files."""
        return self._store is not None

    def put(self, digest: str, content: bytes) -> str:
        """Keep a file; return where it lies. Again, it does nothing."""
        location = f"{digest[:FOLDED]}/{digest}"
        try:
            self._there.put(location, content)
        except (BaseError, OSError) as error:
            raise OutageError from error
        return location

    def get(self, location: str) -> bytes:
        """Return a file as it was kept, or raise `OutageError`."""
        try:
            content = bytes(self._there.get(location).bytes())
        except (BaseError, OSError) as error:
            raise OutageError from error
        if not location.endswith(hashlib.sha256(content).hexdigest()):
            raise OutageError
        return content

    @property
    def _there(self) -> ObjectStore:
        if self._store is None:
            raise OutageError
        return self._store


def _store(url: str) -> ObjectStore:
    parts = urlsplit(url)
    if parts.scheme == "file":
        return LocalStore(Path(parts.path), mkdir=True)
    return from_url(url, client_options=TIMEOUT)
