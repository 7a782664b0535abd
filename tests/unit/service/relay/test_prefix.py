"""Of each stream only what precedes its first failure counts as published."""

from hypothesis import given
from hypothesis import strategies as st

from service.application.outbox import OutboxRow
from service.kafka.prefix import sendable, settle
from service.kafka.producer import Failure
from tests.unit.service.relay.fakes import a_row

REFUSED = Failure("MSG_SIZE_TOO_LARGE", is_outage=False)


def test_nothing_behind_a_failure_is_marked_even_when_it_was_acknowledged() -> None:
    rows = [a_row(1, n=1), a_row(2, n=2), a_row(3, n=3)]

    settled = settle(rows, [None, REFUSED, None])

    assert [row.n for row in settled.published] == [1]
    assert {stream.key: row.n for stream, (row, _) in settled.failed.items()} == {"order-1": 2}


def test_a_failure_stops_no_other_stream() -> None:
    rows = [a_row(1, "order-1"), a_row(2, "order-2"), a_row(3, "order-1", n=2)]

    settled = settle(rows, [REFUSED, None, None])

    assert [row.row_id for row in settled.published] == [2]


def test_nothing_behind_a_hole_is_sent() -> None:
    rows = [a_row(1, n=4), a_row(2, n=5), a_row(3, n=7), a_row(4, n=8), a_row(5, "order-2")]

    order = sendable(rows)

    assert [row.row_id for row in order.rows] == [1, 2, 5]
    assert [row.n for row in order.holes.values()] == [7]


def test_rows_without_numbers_have_no_holes() -> None:
    rows = [a_row(1, n=None), a_row(2, n=None)]

    assert sendable(rows).rows == rows


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=40),
)
def test_what_is_marked_is_a_prefix_of_each_stream(plan: list[tuple[str, bool]]) -> None:
    last: dict[str, int] = {}
    rows: list[OutboxRow] = []
    for key, _ in plan:
        last[key] = last.get(key, 0) + 1
        rows.append(a_row(len(rows), key, last[key]))
    outcomes = [None if is_acknowledged else REFUSED for _, is_acknowledged in plan]

    settled = settle(sendable(rows).rows, outcomes)

    for key, count in last.items():
        marked = [row.n for row in settled.published if row.stream.key == key]
        assert marked == list(range(1, len(marked) + 1))
        failed = [stream for stream in settled.failed if stream.key == key]
        assert len(marked) < count or not failed
