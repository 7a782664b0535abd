"""Numbered pages, read so that none of the rows can slip between two of them.

An order that changes while pages are read leaves the window, and every row behind it moves one
place forward: who reads from the first page on misses the one that moved over the edge. So:

1. the first page tells how many there are, and its rows are taken;
2. pages are read from the last to the first, which can only meet a row twice;
3. where rows came to the end meanwhile, it begins again at the new last page.

The token is `number/pages/restarts`: the next page to read.
"""

from __future__ import annotations

from dataclasses import dataclass
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
    rows_max: int = 0
    """How far it pages; 0: without an end."""

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
        _, known, restarts = self._place(token)
        if pages > known:
            if restarts == RESTARTS_MAX:
                raise unreachable(PAGES_GROW)
            return self._token(self.first + pages - 1, pages, restarts + 1)
        return self._token(number - 1, known, restarts) if number > self.first else ""

    @staticmethod
    def _token(number: int, pages: int, restarts: int) -> str:
        return f"{number}/{pages}/{restarts}"

    def _place(self, token: str) -> tuple[int, int, int]:
        try:
            number, pages, restarts = (int(part) for part in token.split("/"))
        except ValueError as error:
            raise unreachable("TOKEN_UNREADABLE") from error
        return number, pages, restarts


__all__ = ["EMPTY_PAGE", "PAGES_GROW", "TOO_MANY_ROWS", "NothingLearntError", "Pages"]
