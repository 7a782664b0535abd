"""Rows come back as they were written, after crashes, takeovers and a former owner's late words."""

from __future__ import annotations

from itertools import islice

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.logic import rowlog
from streams.logic.effects import Effects
from streams.logic.rowlog import RowLog

ALL_KEYS = [b"w1", b"w2", b"oa", b"ob", b"oc", b"p"]
KEYS = st.sampled_from(ALL_KEYS)
# A row may say what is another row's key, too.
ROWS = st.one_of(st.none(), st.binary(max_size=40), KEYS)
CHUNKS = st.dictionaries(KEYS, ROWS, max_size=4)


def effects(chunk: dict[bytes, bytes | None]) -> Effects[object]:
    rows = {key: row for key, row in chunk.items() if row is not None}
    return Effects(rows=rows, deletions=[key for key, row in chunk.items() if row is None])


def write(topic: dict[bytes, bytes], name: bytes, value: bytes | None) -> None:
    if value is None:
        topic.pop(name, None)
    else:
        topic[name] = value


def expect(model: dict[bytes, bytes], chunk: dict[bytes, bytes | None]) -> None:
    for key, row in chunk.items():
        write(model, key, row)


STEPS = st.lists(
    st.tuples(CHUNKS, st.one_of(st.none(), st.none(), st.none(), st.integers(0, 12))), max_size=40
)


@settings(max_examples=300)
@given(STEPS, st.integers(1, 6), st.sampled_from([20, 10_000]))
def test_rows_are_those_of_every_chunk_that_was_written_as_a_whole(
    steps: list[tuple[dict[bytes, bytes | None], int | None]], deltas_max: int, part_bytes: int
) -> None:
    topic: dict[bytes, bytes] = {}
    model: dict[bytes, bytes] = {}
    limits = {"deltas_max": deltas_max, "part_bytes_max": part_bytes}
    log = RowLog([], 1, **limits)
    for number, (chunk, crash_after) in enumerate(steps):
        written = list(log.append(effects(chunk)))
        parts = [name for name, value in written if name[:1] == b"d" and value is not None]
        for name, value in written[:crash_after]:
            write(topic, name, value)
        if crash_after is None or crash_after >= len(parts):
            expect(model, chunk)
        if crash_after is not None:
            # The next owner reads what is there; generations may or may not have grown.
            log = RowLog(topic.items(), number % 3, **limits)
        assert dict(log.items()) == model
        assert {key: log.get(key) for key in ALL_KEYS} == {key: model.get(key) for key in ALL_KEYS}
    assert dict(RowLog(topic.items(), 9).items()) == model


@settings(max_examples=200)
@given(st.lists(CHUNKS, max_size=6), st.lists(CHUNKS, min_size=1, max_size=6), st.integers(0, 5))
def test_rows_are_those_of_the_moment_whatever_is_written_while_they_are_read(
    before: list[dict[bytes, bytes | None]], after: list[dict[bytes, bytes | None]], read: int
) -> None:
    log = RowLog([], 1, deltas_max=3)
    for chunk in before:
        list(log.append(effects(chunk)))
    moment = dict(log.items())

    reading = log.items()
    found = dict(islice(reading, read))
    for chunk in after:
        list(log.append(effects(chunk)))
    found |= reading

    assert found == moment


@settings(max_examples=200)
@given(st.lists(CHUNKS, max_size=6), st.lists(CHUNKS, min_size=1, max_size=3), st.integers(0, 8))
def test_what_a_former_owner_still_writes_changes_nothing_that_the_next_one_wrote(
    before: list[dict[bytes, bytes | None]], late: list[dict[bytes, bytes | None]], after: int
) -> None:
    topic: dict[bytes, bytes] = {}
    model: dict[bytes, bytes] = {}
    old = RowLog([], 1, deltas_max=3)
    for chunk in before:
        expect(model, chunk)
        for name, value in old.append(effects(chunk)):
            write(topic, name, value)
    new = RowLog(topic.items(), 2, deltas_max=3)
    # Both take the same records: the next owner comes to every row that the late one wrote.
    again: dict[bytes, bytes | None] = {key: b"new" for chunk in late for key in chunk}
    for _ in range(after + 1):
        expect(model, again)
        for name, value in new.append(effects(again)):
            write(topic, name, value)
    for chunk in late:
        delta = next(iter(old.append(effects(chunk))), None)
        if delta is not None:
            write(topic, *delta)

    assert dict(RowLog(topic.items(), 3).items()) == model


def test_a_large_chunk_is_written_in_parts_that_a_broker_takes() -> None:
    log = RowLog([], term=1)
    rows = {b"w%d" % number: b"x" * 1000 for number in range(2000)}
    written = list(log.append(Effects(rows=rows)))

    assert max(len(value or b"") for _, value in written) <= rowlog.PART_BYTES_MAX
    again = RowLog([(name, value or b"") for name, value in written], term=1)
    assert dict(again.items()) == rows


def test_the_changelog_stays_small_however_often_a_row_changes() -> None:
    log = RowLog([], term=1)
    topic: dict[bytes, bytes] = {}
    for number in range(5000):
        for name, value in log.append(Effects(rows={b"oa": b"%d" % number, b"p": b"%d" % number})):
            write(topic, name, value)

    assert len(topic) <= rowlog.DELTAS_MAX + 2
