"""The hash chain: any change of any field of any row shows, and no two rows hash alike."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.changes import ChangeKind
from service.domain.journal import GENESIS, Row, chain_row, encode_record, link, micros
from tests.builders import EVENING, NOON, a_change, an_origin

FIELDS = st.lists(st.text(max_size=6) | st.binary(max_size=6), max_size=5)


def raw(fields: list[str | bytes]) -> list[bytes]:
    return [each.encode() if isinstance(each, str) else each for each in fields]


def a_row(**given: object) -> Row:
    values: dict[str, object] = {
        "order_id": "ord-1",
        "sequence": 1,
        "change": a_change(),
        "origin": an_origin(),
        "recorded_at": EVENING,
        "event": b"event",
        "previous": b"",
    }
    values |= given
    order_id, sequence, change = (values.pop(each) for each in ("order_id", "sequence", "change"))
    return chain_row(order_id, sequence, change, **values)  # type: ignore[arg-type]


@given(FIELDS, FIELDS)
def test_two_records_are_equal_only_when_every_field_is(
    one: list[str | bytes], other: list[str | bytes]
) -> None:
    assert (encode_record(one) == encode_record(other)) == (raw(one) == raw(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ab", "c"), ("a", "bc")),
        (("", "ab"), ("ab", "")),
        (("a",), ("a", "")),
        (("\x00\x00\x00\x01", "a"), ("\x00\x00\x00\x01a", "")),
        (("12", "3"), ("1", "23")),
    ],
)
def test_a_boundary_that_moves_between_two_fields_changes_the_record(
    one: tuple[str, ...], other: tuple[str, ...]
) -> None:
    assert encode_record(one) != encode_record(other)


CHANGES: dict[str, dict[str, object]] = {
    "order": {"order_id": "ord-2"},
    "sequence": {"sequence": 2},
    "kind": {"change": a_change(kind=ChangeKind.MOVED)},
    "source": {"change": a_change(source="erp")},
    "voucher": {"change": a_change(voucher="v")},
    "reason": {"change": a_change(reason="r")},
    "old": {"change": a_change(old="o")},
    "new": {"change": a_change(new="n")},
    "occurred": {"change": a_change(occurred_at=NOON + timedelta(microseconds=1))},
    "recorded": {"recorded_at": EVENING + timedelta(microseconds=1)},
    "actor": {"origin": an_origin(actor="somebody else")},
    "role": {"origin": an_origin(role="admin")},
    "address": {"origin": an_origin(address="10.0.0.1")},
    "trace": {"origin": an_origin(traceparent="00-" + "1" * 32 + "-" + "2" * 16 + "-01")},
    "event": {"event": b"another"},
    "previous": {"previous": bytes(31) + b"\1"},
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_one_field_changes_the_hash(name: str) -> None:
    assert a_row(**CHANGES[name]).hash != a_row().hash


def test_the_first_row_follows_the_genesis_and_each_other_the_one_before() -> None:
    first = a_row()
    second = a_row(sequence=2, previous=first.hash)

    assert first.previous == GENESIS
    assert first.hash == link(GENESIS, first.record)
    assert second.hash == link(first.hash, second.record)


def test_the_hash_is_the_same_in_every_release() -> None:
    assert a_row().hash.hex() == (
        "d8543f51ed7e3a5e7f68c4b62c2880dc7dbdb562e2783e3a7042705491731b20"
    )


def test_a_moment_is_hashed_as_utc_microseconds() -> None:
    east = timezone(timedelta(hours=8))

    assert micros(datetime(1970, 1, 1, 8, 0, 0, 1, tzinfo=east)) == "1"
    assert micros(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == "-1"


@pytest.mark.parametrize(
    ("traceparent", "trace_id"),
    [
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
         "0af7651916cd43dd8448eb211c80319c"),
        ("", ""),
        ("not a context", ""),
    ],
)  # fmt: skip
def test_the_trace_id_is_read_out_of_the_context(traceparent: str, trace_id: str) -> None:
    assert an_origin(traceparent=traceparent).trace_id == trace_id
