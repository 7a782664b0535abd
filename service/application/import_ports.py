"""What the register of files needs of storage, as Protocols of plain values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from service.application.pages import Page
from service.domain.imports.expecting import ExpectedFile, ExpectedState, FileFeed
from service.domain.imports.files import Import, ImportState, Kept, Row, RowState


@dataclass(frozen=True, slots=True)
class ImportQuery:
    """Which imports to list."""

    page_size: int
    page_token: str = ""
    channel: str = ""
    shop: str = ""
    day: str = ""
    state: ImportState | None = None


@dataclass(frozen=True, slots=True)
class RowQuery:
    """Which rows of an import to list."""

    import_id: str
    page_size: int
    page_token: str = ""
    state: RowState | None = None


class ImportPart(Protocol):
    """The part of a transaction that knows files."""

    def find_import(self, import_id: str) -> Import | None:
        """Lock and return an import, or None; nobody else begins it until the transaction ends."""

    def lock_import(self, import_id: str) -> Import:
        """Lock and return an import, or raise `ImportNotFoundError`."""

    def save_import(self, kept: Import) -> None:
        """Store an import, or what became of it."""

    def keep_rows(self, import_id: str, rows: Sequence[Row]) -> int:
        """Store rows, each number once; return how many were not there."""

    def settle_rows(
        self, import_id: str, numbers: Sequence[int], state: RowState, *, settler: str, at: datetime
    ) -> None:
        """Settle open rows; one that is settled stays as it is.

        Raises:
            ImportRowNotFoundError: one of them is not kept.
        """

    def row_counts(self, import_id: str) -> Kept:
        """Return how many rows are kept in each state."""

    def file_feeds(self) -> list[FileFeed]:
        """Return the active feeds that bring a file for each day."""

    def expect_files(self, files: Sequence[ExpectedFile]) -> None:
        """Write down what is expected, each file once."""

    def expected_files(self, *, most: int) -> list[ExpectedFile]:
        """Lock and return files that did not come, newest first; passes over locked ones."""

    def imports_for(self, files: Sequence[ExpectedFile]) -> dict[str, str]:
        """Return the import that brought each of these files, by their keys."""

    def save_expected(self, files: Sequence[ExpectedFile]) -> None:
        """Store what became of (locked) files."""


class ImportReader(Protocol):
    """Reads the register of files, without locks."""

    def get(self, import_id: str) -> tuple[Import, Kept]:
        """Return an import and its kept rows, or raise `ImportNotFoundError`."""

    def list(self, query: ImportQuery) -> Page[tuple[Import, Kept]]:
        """List imports, newest first; or raise `CursorInvalidError`."""

    def rows(self, query: RowQuery) -> Page[Row]:
        """List kept rows in the order of the file; or raise `CursorInvalidError`."""

    def expected(
        self, *, feed_id: str, state: ExpectedState | None, most: int
    ) -> Sequence[ExpectedFile]:
        """List what was expected, newest day first."""
