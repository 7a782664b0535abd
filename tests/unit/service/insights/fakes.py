"""Stand-ins for the ports of insights; `tests/contract/test_insight_ports.py` holds them to it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from service.application.insights import ViewedStages, ViewIncompleteError
from service.domain.boards import Numbers, Range, Span, WindowKey
from service.domain.channel_health import ArrivedReceipt, ChannelNumbers
from service.domain.lifecycle import State
from service.domain.recount import Measured, Recount, Value

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PICKING = State.AWAITING_OUTBOUND, State.SHIPPING
PAYING = State.PENDING_PAYMENT, State.PAYING


def micros(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def a_measure(  # A builder with defaults.
    order_id: str = "ord-1",
    sequence: int = 1,
    *,
    seconds: float | None = 10.0,
    ended_at: datetime = NOON,
    cause: str = "",
    channel: str = "douyin",
    stage: tuple[State, State] = PICKING,
) -> Measured:
    """Return what one row says; without seconds it withdraws."""
    value = None if seconds is None else Value(round(seconds * 1e6), micros(ended_at), cause)
    return Measured(order_id, sequence, channel, stage, value)


def windows_of(*told: Measured) -> dict[WindowKey, Numbers]:
    """Return the windows that a view has that got these measures and nothing else."""
    recount = Recount()
    recount.take(told)
    return recount.windows


class FakeMeasures:
    """A journal in memory; each measure has the number of the transaction that told it."""

    def __init__(self, *told: Measured) -> None:
        self.told = [(1, NOON, each) for each in told]

    def add(self, *told: Measured, recorded_at: datetime = NOON) -> None:
        xid = self.horizon()
        self.told += [(xid, recorded_at, each) for each in told]

    def horizon(self) -> int:
        return max((xid for xid, _, _ in self.told), default=0) + 1

    def since(self, horizon: int) -> Iterator[Measured]:
        return (each for xid, _, each in self.told if xid >= horizon)

    def recorded_since(self, moment: datetime | None) -> Iterator[Measured]:
        return (each for _, at, each in self.told if moment is None or at >= moment)


class FakeStageView:
    """A view in memory; incomplete while `windows` is None."""

    def __init__(self, windows: Mapping[WindowKey, Numbers] | None) -> None:
        self.windows = windows
        self.asked: list[Range] = []
        self.reads = 0

    def read(self, ranges: Sequence[Range]) -> ViewedStages:
        self.asked += ranges
        self.reads += 1
        if self.windows is None:
            raise ViewIncompleteError
        found = {
            key: numbers
            for key, numbers in self.windows.items()
            for wanted in ranges
            if key.resolution_s == wanted.resolution_s
            and wanted.from_s <= key.start_s < wanted.until_s
        }
        return ViewedStages(found, NOON)


class FakeChannelView:
    """A view in memory; incomplete while `channels` is None."""

    def __init__(self, channels: dict[str, ChannelNumbers] | None) -> None:
        self.channels = channels

    def read(self, span: Span) -> dict[str, ChannelNumbers]:
        if self.channels is None:
            raise ViewIncompleteError
        return self.channels


class FakeArrivals:
    """Receipts in memory."""

    def __init__(self, *arrived: ArrivedReceipt) -> None:
        self.arrived = arrived

    def within(self, start: datetime, end: datetime) -> Iterable[ArrivedReceipt]:
        return self.arrived


class FakeTime:
    """A clock that only sleeping moves; what is due while one sleeps happens then."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now
        self.events: dict[int, object] = {}
        self.slept = 0

    def clock(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept += 1
        self.now += timedelta(seconds=seconds)
        event = self.events.pop(self.slept, None)
        if callable(event):
            event()
