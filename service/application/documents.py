"""Where the files of cases lie, as a Protocol of plain values."""

from typing import Protocol


class Documents(Protocol):
    """Keeps files under their digest: the same file twice is one."""

    @property
    def keeps_files(self) -> bool:
        """Tell whether this installation has a place for files."""

    def put(self, digest: str, content: bytes) -> str:
        """Keep a file; return where it lies. Again, it does nothing.

        Raises:
            OutageError: the place cannot be reached.
        """

    def get(self, location: str) -> bytes:
        """Return a file, or raise `OutageError`."""
