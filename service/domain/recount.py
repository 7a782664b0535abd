"""Counts all windows anew from the journal's measures, and holds the streams' view to it.

The streams add and subtract; this takes of each order and stage what was said last. The two
ways share no code, so that one shows the other's mistakes.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from service.domain.boards import RESOLUTIONS_S, Numbers, Span, WindowKey
from service.domain.stages import Stage

# A sketch is within 1 % of the exact value, and its zero bucket within 1 ms.
TOLERANCE: Final = 0.01
TOLERANCE_US: Final = 1000
_SECOND_US: Final = 1_000_000


class Value(NamedTuple):
    """What was measured, in microseconds; `cause` is empty where it was normal."""

    duration_us: int
    ended_us: int
    cause: str


class Measured(NamedTuple):
    """What one journal row says of one stage of its order; no value withdraws it."""

    order_id: str
    sequence: int
    channel: str
    stage: Stage
    value: Value | None


@dataclass(frozen=True, slots=True)
class Difference:
    """A window that differs; None where one side lacks it."""

    key: WindowKey
    view: Numbers | None
    journal: Numbers | None


def totals(told: Iterable[Measured], *, span: Span | None, channel: str) -> dict[Stage, Numbers]:
    """Return exact numbers of each stage over the span, or over all there is."""
    last: dict[tuple[str, Stage], Measured] = {}
    for each in told:
        known = last.get((each.order_id, each.stage))
        if known is None or known.sequence < each.sequence:
            last[each.order_id, each.stage] = each
    found: dict[Stage, Numbers] = {}
    for each in last.values():
        value = each.value
        if value is None or (channel and each.channel != channel):
            continue
        if span is None or span.holds(value.ended_us):
            found.setdefault(each.stage, Numbers()).measure(value.duration_us, value.cause)
    return found


@dataclass(slots=True)
class Recount:
    """All windows as the journal has them.

    The journal grows while it is compared. What `take` gets after `mark` is remembered as
    movement: a view that has all from before, and any part of what came since, agrees.
    """

    windows: dict[WindowKey, Numbers] = field(default_factory=dict)
    _last: dict[tuple[str, Stage], Measured] = field(default_factory=dict)
    _added: dict[WindowKey, Numbers] = field(default_factory=dict)
    _removed: dict[WindowKey, Numbers] = field(default_factory=dict)
    _is_marked: bool = False

    def take(self, told: Iterable[Measured]) -> None:
        """Count what the journal tells; telling it again changes nothing."""
        for each in told:
            known = self._last.get((each.order_id, each.stage))
            if known is not None and known.sequence >= each.sequence:
                continue
            self._last[each.order_id, each.stage] = each
            if known is not None and known.value is not None:
                self._count(known, known.value, -1)
            if each.value is not None:
                self._count(each, each.value, 1)

    def mark(self) -> None:
        """From here on, what is taken is movement."""
        self._is_marked = True

    @property
    def measures(self) -> int:
        """How many measures stand."""
        return sum(each.value is not None for each in self._last.values())

    def differences(
        self, view: Mapping[WindowKey, Numbers], among: Collection[WindowKey] | None = None
    ) -> list[Difference]:
        """Return the windows, of all or of some, in which the view is wrong or too old."""
        keys = self.windows.keys() | view.keys() if among is None else among
        found = []
        for key in sorted(keys, key=_place):
            theirs, ours = view.get(key) or Numbers(), self.windows.get(key) or Numbers()
            if not self._agrees(key, theirs, ours):
                found.append(Difference(key, _or_none(theirs), _or_none(ours)))
        return found

    def _count(self, told: Measured, value: Value, times: int) -> None:
        for resolution_s in RESOLUTIONS_S:
            length_us = resolution_s * _SECOND_US
            start_s = value.ended_us // length_us * resolution_s
            key = WindowKey(resolution_s, start_s, told.stage, told.channel)
            numbers = self.windows.get(key)
            if numbers is None:
                numbers = self.windows[key] = Numbers()
            numbers.measure(value.duration_us, value.cause, times)
            if self._is_marked:
                moved = self._added if times > 0 else self._removed
                moved.setdefault(key, Numbers()).measure(value.duration_us, value.cause)

    def _agrees(self, key: WindowKey, view: Numbers, journal: Numbers) -> bool:
        if sum(view.spread.values()) != view.count:
            return False
        added, removed = self._added.get(key), self._removed.get(key)
        if added is None and removed is None:
            return _is_same(view, journal)
        return _is_between(view, journal, added or Numbers(), removed or Numbers())


def _is_same(view: Numbers, journal: Numbers) -> bool:
    return (
        (view.count, view.sum_us, view.abnormal)
        == (journal.count, journal.sum_us, journal.abnormal)
        and view.causes == journal.causes
        and all(map(_is_near, view.percentiles_us(), journal.percentiles_us()))
    )


def _is_near(view_us: int, journal_us: int) -> bool:
    return abs(view_us - journal_us) <= journal_us * TOLERANCE + TOLERANCE_US


def _is_between(view: Numbers, journal: Numbers, added: Numbers, removed: Numbers) -> bool:
    """Tell whether the view lies between all that was removed and all that was added since."""
    pairs = [
        (view.count, journal.count, added.count, removed.count),
        (view.sum_us, journal.sum_us, added.sum_us, removed.sum_us),
        (view.abnormal, journal.abnormal, added.abnormal, removed.abnormal),
    ]
    for cause in view.causes.keys() | journal.causes.keys() | added.causes.keys():
        sides = (view, journal, added, removed)
        seen, known, more, less = (each.causes.get(cause, 0) for each in sides)
        pairs.append((seen, known, more, less))
    return all(known - more <= seen <= known + less for seen, known, more, less in pairs)


def _or_none(numbers: Numbers) -> Numbers | None:
    return None if numbers.is_nothing else numbers


def _place(key: WindowKey) -> tuple[int, int, str, str]:
    begin, _ = key.stage
    return key.resolution_s, key.start_s, begin.value, key.channel
