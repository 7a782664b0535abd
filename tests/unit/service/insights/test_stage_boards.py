"""Where boards are read, and when a watched one is sent."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from service.application.insights import (
    ChannelBoards,
    OverdueOrders,
    Source,
    StageBoard,
    StageBoards,
    StageQuery,
)
from service.application.reading import Page
from service.domain.boards import ALL_DAYS
from service.domain.channel_health import ArrivedReceipt, ChannelNumbers
from service.domain.lifecycle import FINAL, STAGES, State
from service.domain.overdue import Stuck
from tests.unit.service.insights.fakes import (
    NOON,
    PICKING,
    FakeArrivals,
    FakeChannelView,
    FakeMeasures,
    FakeStageView,
    FakeTime,
    a_measure,
    windows_of,
)

SOON = NOON - timedelta(seconds=30)


def boards(view: FakeStageView, *told: object, time: FakeTime | None = None) -> StageBoards:
    time = time or FakeTime()
    return StageBoards(view, FakeMeasures(*told), time.clock, time.sleep)


def counted(board: StageBoard) -> int:
    return board.rows[STAGES.index(PICKING)].count


def test_a_complete_view_answers_with_its_watermark() -> None:
    view = FakeStageView(windows_of(a_measure(ended_at=SOON)))

    board = boards(view).board(StageQuery())

    assert (board.source, board.watermark, counted(board)) == (Source.VIEW, NOON, 1)


def test_without_a_complete_view_the_journal_answers_and_says_so() -> None:
    board = boards(FakeStageView(None), a_measure(ended_at=SOON)).board(StageQuery())

    assert (board.source, board.watermark, counted(board)) == (Source.JOURNAL, None, 1)


def test_who_asks_for_the_journal_gets_it_and_the_view_is_left_alone() -> None:
    view = FakeStageView({})

    board = boards(view, a_measure(ended_at=SOON)).board(StageQuery(from_journal=True))

    assert (board.source, counted(board), view.asked) == (Source.JOURNAL, 1, [])


def test_the_last_hour_is_shown_when_no_times_are_given() -> None:
    hours = [NOON - timedelta(minutes=each) for each in (1, 59, 61)]
    told = [a_measure(f"ord-{at}", ended_at=at) for at in hours]

    view, journal = FakeStageView(windows_of(*told)), FakeStageView(None)
    found = [boards(each, *told).board(StageQuery()) for each in (view, journal)]

    assert [counted(each) for each in found] == [2, 2]
    assert found[0].span == found[1].span
    assert found[0].rows == found[1].rows


def test_a_board_of_all_time_sums_days_and_has_no_span() -> None:
    told = [a_measure("a"), a_measure("b", ended_at=NOON - timedelta(days=900))]
    view = FakeStageView(windows_of(*told))

    board = boards(view).board(StageQuery(all_time=True))

    assert (counted(board), board.span, view.asked) == (2, None, [ALL_DAYS])
    assert counted(boards(FakeStageView(None), *told).board(StageQuery(all_time=True))) == 2


def test_a_watched_board_is_sent_at_first_and_then_when_it_changed() -> None:
    time, view = FakeTime(), FakeStageView(windows_of(a_measure(ended_at=SOON)))
    more = windows_of(a_measure(ended_at=SOON), a_measure("ord-2", ended_at=SOON))
    time.events = {3: lambda: setattr(view, "windows", more)}

    sent = [
        (time.slept, counted(board))
        for board in boards(view, time=time).watch(
            timedelta(hours=1), "", is_wanted=lambda: time.slept < 6
        )
    ]

    assert sent == [(0, 1), (3, 2)]


def test_a_watcher_of_the_journal_is_told_less_often() -> None:
    time, view = FakeTime(), FakeStageView(None)

    for _ in boards(view, time=time).watch(
        timedelta(hours=1), "", is_wanted=lambda: time.slept < 25
    ):
        pass

    # At 0, 10 and 20 seconds.
    assert (time.slept, view.reads) == (25, 3)


def test_watching_ends_when_the_client_goes() -> None:
    time = FakeTime()

    sent = list(boards(FakeStageView({}), time=time).watch(timedelta(hours=1), "", lambda: False))

    assert (sent, time.slept) == ([], 0)


def test_channels_come_from_the_view_or_from_the_receipts() -> None:
    seen, known = ChannelNumbers(receipts=7), ArrivedReceipt("jd", 0, None)

    found = [
        ChannelBoards(FakeChannelView(view), FakeArrivals(known), FakeTime().clock).board(
            None, None
        )
        for view in ({"jd": seen}, None)
    ]

    assert [each.source for each in found] == [Source.VIEW, Source.JOURNAL]
    assert [each.channels["jd"].receipts for each in found] == [7, 1]
    assert found[0].span.start == NOON - timedelta(hours=1)


class FakeOverdue:
    """Remembers what was asked."""

    def page(
        self, entered_before: Mapping[State, datetime], *, page_size: int, page_token: str
    ) -> Page[Stuck]:
        self.asked = entered_before
        return Page(())


def test_each_state_has_its_own_limit_and_final_states_none() -> None:
    orders = FakeOverdue()

    OverdueOrders(orders, FakeTime().clock).page(None, page_size=10, page_token="")

    assert orders.asked.keys() == set(State) - FINAL
    assert orders.asked[State.PAID] == NOON - timedelta(hours=2)
    assert orders.asked[State.SHIPPING] == NOON - timedelta(days=7)


def test_one_state_can_be_asked_for_alone() -> None:
    orders = FakeOverdue()

    OverdueOrders(orders, FakeTime().clock).page(State.PAID, page_size=10, page_token="")

    assert orders.asked.keys() == {State.PAID}
