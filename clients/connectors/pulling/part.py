"""Where a puller is in one part of a run: which window, which page, and how others go on from it.

The token is `until;page` or `until,start,end;page`: the moment up to which the part is complete
once all of it was read, and, where it is read in pieces, the piece that is being read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self

from clients.connectors.pulling.register import Tally
from clients.connectors.pulling.windows import SECOND, Window
from concord.channels.v1.feed_pb2 import Feed
from concord.channels.v1.run_pb2 import Run


@dataclass(slots=True)
class Part:
    """What is under way: one part of a run, and how far it got."""

    run: Run
    feed: Feed
    window: Window
    """What is being asked for: all of the part, or a piece of it."""
    until: datetime
    """Where the part ends."""
    token: str = ""
    """The platform's: which page is next."""
    is_begun: bool = False
    """Whether anything was learnt of it: its end does not move any more."""
    tally: Tally = field(default_factory=Tally)

    @classmethod
    def of(cls, run: Run, feed: Feed) -> Self:
        """Return where to go on with the run."""
        start, end = (
            each.ToDatetime(tzinfo=UTC) for each in (run.ask_start_time, run.ask_end_time)
        )
        place, _, token = run.page_token.partition(";")
        if not place:
            window = Window(start, end)
            return cls(run, feed, window, window.end)
        until, *piece = (datetime.fromtimestamp(int(each), tz=UTC) for each in place.split(","))
        until = min(until, end)
        window = Window(*piece) if piece else Window(start, until)
        return cls(run, feed, window, until, token, is_begun=True)

    def place(self) -> str:
        """Return how others go on from here; empty where it is from the beginning."""
        if not self.is_begun:
            return ""
        moments = [self.until]
        if self.window.end != self.until or self.window.start != self._start():
            moments += [self.window.start, self.window.end]
        return f"{','.join(str(int(each.timestamp())) for each in moments)};{self.token}"

    def clip(self, complete: datetime) -> None:
        """Let it end where the platform's answer is complete, if that is earlier."""
        self.window = Window(self.window.start, min(self.window.end, complete))
        self.until = self.window.end

    def narrow(self, longest: timedelta) -> None:
        """Ask for no more at once than is allowed, also where whole seconds made it a bit more."""
        if self.window.end - self.window.start > longest:
            self.window = Window(self.window.start, self.window.start + longest)

    def go_on(self, next_token: str) -> bool:
        """Go on with the next page, or the next piece; return whether there is one."""
        self.is_begun = True
        self.token = next_token
        if next_token:
            return True
        if self.window.end >= self.until:
            return False
        width = self.window.end - self.window.start
        self.window = Window(self.window.end, min(self.window.end + width, self.until))
        return True

    def halve(self) -> bool:
        """Ask for half of the window from its first page on; return whether that is possible."""
        width = (self.window.end - self.window.start) // (2 * SECOND) * SECOND
        if not width:
            return False
        self.is_begun, self.token = True, ""
        self.window = Window(self.window.start, self.window.start + width)
        return True

    def _start(self) -> datetime:
        return self.run.ask_start_time.ToDatetime(tzinfo=UTC).replace(microsecond=0)
