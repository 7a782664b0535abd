"""Numbered pages, read so that none of the rows can slip between two of them.

An order that changes while pages are read leaves the window, and every row behind it moves one
place forward: who reads from the first page on misses the one that moved over the edge. So:

1. the first page tells how many there are, and its rows are taken;
2. pages are read from the last to the first, which can only meet a row twice;
3. where rows came to the end meanwhile, it begins again at the new last page.

The token is `number/pages/restarts/size`: the next page to read, and by which size it is counted:
whoever makes a feed's pages smaller while a run is under way changes the next run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from clients.connectors.inquiry import NothingLearntError, refused, unreachable

# Our word: there are rows, says the answer, and none of them is in it.
EMPTY_PAGE: Final = "EMPTY_PAGE"
# Our word: the pages grew longer each time that they were read.
PAGES_GROW: Final = "PAGES_GROW"
# Our word: the platform does not page so far; the window must be narrower.
TOO_MANY_ROWS: Final = "TOO_MANY_ROWS"
# A window lies in the past, so rows come late into it, if at all.
RESTARTS_MAX: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """How a platform numbers its pages."""

    first: int
    size: int
    """At most."""
    rows_max: int = 0
    """How far it pages; 0: without an end."""

    def sized(self, page_size: int, token: str) -> Pages:
        """Return the pages of a run: those it began with, or as small as the feed wants them."""
        size = self._place(token)[3] if token else min(page_size or self.size, self.size)
        return replace(self, size=size)

    def number(self, token: str) -> int:
        """Return which page to ask for."""
        return self._place(token)[0] if token else self.first

    def next_token(self, token: str, rows: int, total: int) -> str:
        """Return what to ask for after a page of so many rows, of so many in all; empty: no more.

        Raises:
            NothingLearntError: that cannot be all of it.
        """
        number = self.number(token)
        if not rows and total > (number - self.first) * self.size:
            raise unreachable(EMPTY_PAGE)
        if self.rows_max and total > self.rows_max:
            raise refused(TOO_MANY_ROWS)
        pages = -(-total // self.size)
        if not token:
            return self._token(self.first + pages - 1, pages, 0) if pages > 1 else ""
        _, known, restarts, _ = self._place(token)
        if pages > known:
            if restarts == RESTARTS_MAX:
                raise unreachable(PAGES_GROW)
            return self._token(self.first + pages - 1, pages, restarts + 1)
        return self._token(number - 1, known, restarts) if number > self.first else ""

    def _token(self, number: int, pages: int, restarts: int) -> str:
        return f"{number}/{pages}/{restarts}/{self.size}"

    @staticmethod
    def _place(token: str) -> tuple[int, int, int, int]:
        try:
            number, pages, restarts, size = (int(part) for part in token.split("/"))
        except ValueError as error:
            raise unreachable("TOKEN_UNREADABLE") from error
        if size < 1:
            raise unreachable("TOKEN_UNREADABLE")
        return number, pages, restarts, size


__all__ = ["EMPTY_PAGE", "PAGES_GROW", "TOO_MANY_ROWS", "NothingLearntError", "Pages"]
