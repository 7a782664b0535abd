"""What is wrong with a field, said all at once and as advice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money as MoneyProto
from hypothesis import given
from hypothesis import strategies as st

from service.domain.errors import InvalidRequestError
from service.domain.money import Money
from service.rpc.violations import TEXT_MAX, Violations
from tests.builders import NOON

Read = Callable[[Violations], object]
BAD: dict[str, tuple[Read, str]] = {
    "text that is missing": (lambda read: read.text("x", "", needed=True), "x"),
    "text that is too long": (lambda read: read.text("x", "a" * (TEXT_MAX + 1)), "x"),
    "text with a NUL": (lambda read: read.text("x", "a\0b"), "x"),
    "text with an escape": (lambda read: read.text("x", "\x1b[31m"), "x"),
    "text with a C1 control": (lambda read: read.text("x", "\x9b31m"), "x"),
    "a word in capitals": (lambda read: read.word("x", "Douyin"), "x"),
    "a word with a space": (lambda read: read.word("x", "dou yin"), "x"),
    "a word that is missing": (lambda read: read.word("x", ""), "x"),
    "a word that is too long": (lambda read: read.word("x", "a" * 41), "x"),
    "a word with a line end": (lambda read: read.word("x", "douyin\n"), "x"),
    "a name of another collection": (lambda read: read.resource("x", "cases/1", "orders"), "x"),
    "a name without an id": (lambda read: read.resource("x", "orders/", "orders"), "x"),
    "a name with more parts": (lambda read: read.resource("x", "orders/1/2", "orders"), "x"),
    "a name that is empty": (lambda read: read.resource("x", "", "orders"), "x"),
    "a name with a NUL": (lambda read: read.resource("x", "orders/\0", "orders"), "x"),
    "an id that is no UUID": (lambda read: read.uuid("x", "12345"), "x"),
    "a UUID in braces": (
        lambda read: read.uuid("x", "{2f1f52b4-6a3e-4a3c-9b53-0b9d9a1c3a4e}"), "x"),
    "a UUID and a line end": (
        lambda read: read.uuid("x", "2f1f52b4-6a3e-4a3c-9b53-0b9d9a1c3a4e\n"), "x"),
    "a size below zero": (lambda read: read.number("x", -1, most=10, default=5), "x"),
    "a time before 1970": (lambda read: moment(read, -1), "x"),
    "a time in milliseconds": (lambda read: moment(read, 1_795_000_000_000), "x"),
    "a time that no calendar has": (lambda read: moment(read, 2**62), "x"),
    "a time with negative nanos": (lambda read: moment(read, 1, nanos=-1), "x"),
    "a time with too many nanos": (lambda read: moment(read, 1, nanos=10**9), "x"),
    "the year 2200": (lambda read: moment(read, 7_258_118_400), "x"),
    "money below zero": (lambda read: money(read, units=-1), "x"),
    "money with negative nanos": (lambda read: money(read, nanos=-10_000_000), "x"),
    "money of two signs": (lambda read: money(read, units=1, nanos=-10_000_000), "x"),
    "money with half a cent": (lambda read: money(read, nanos=5_000_000), "x.nanos"),
    "money with nanos beyond one": (lambda read: money(read, nanos=10**9), "x.nanos"),
    "money with a fraction of a yen": (
        lambda read: money(read, "JPY", nanos=10_000_000), "x.nanos"),
    "money without a currency": (lambda read: money(read, ""), "x.currency_code"),
    "money of a currency in small letters": (lambda read: money(read, "cny"), "x.currency_code"),
    "money of a symbol": (lambda read: money(read, "¥"), "x.currency_code"),
    "money beyond what is stored": (lambda read: money(read, units=2**62), "x"),
    "money that must be above zero": (
        lambda read: read.positive_money("x", MoneyProto(currency_code="CNY")), "x"),
}  # fmt: skip


def moment(read: Violations, seconds: int, *, nanos: int = 0) -> object:
    return read.moment("x", Timestamp(seconds=seconds, nanos=nanos), default=NOON)


def money(read: Violations, currency: str = "CNY", *, units: int = 0, nanos: int = 0) -> Money:
    return read.money("x", MoneyProto(currency_code=currency, units=units, nanos=nanos))


@pytest.mark.parametrize("name", BAD)
def test_it_is_refused_with_its_path_and_advice(name: str) -> None:
    act, path = BAD[name]
    read = Violations()

    act(read)

    with pytest.raises(InvalidRequestError) as refused:
        read.refuse()
    ((found, advice),) = refused.value.violations
    assert found == path
    assert advice.startswith("send")


def test_everything_that_is_wrong_is_said_at_once() -> None:
    read = Violations()
    read.text("a", "", needed=True)
    read.word("b", "B")
    money(read, units=-1)

    with pytest.raises(InvalidRequestError) as refused:
        read.refuse()

    assert [path for path, _ in refused.value.violations] == ["a", "b", "x"]
    assert refused.value.metadata() == {"fields": "a,b,x"}


def test_what_is_right_passes() -> None:
    read = Violations()

    assert read.text("x", "汉字\twith\nlines") == "汉字\twith\nlines"
    assert read.word("x", "amazon_jp2") == "amazon_jp2"
    assert read.word("x", "", needed=False) == ""
    assert read.resource("x", "orders/ord-1", "orders") == "ord-1"
    assert read.uuid("x", "") == ""
    assert read.number("x", 0, most=10, default=5) == 5
    assert read.number("x", 99, most=10, default=5) == 10
    assert moment(read, 0) == NOON
    assert money(read, units=12, nanos=340_000_000) == Money(1234, "CNY")
    read.refuse()


def test_a_uuid_is_one_in_any_case() -> None:
    read = Violations()

    assert read.uuid("x", "2F1F52B4-6A3E-4A3C-9B53-0B9D9A1C3A4E") == (
        "2f1f52b4-6a3e-4a3c-9b53-0b9d9a1c3a4e"
    )


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**31), 2**31 - 1))
def test_any_time_is_read_or_refused(seconds: int, nanos: int) -> None:
    moment(Violations(), seconds, nanos=nanos)


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**31), 2**31 - 1), st.text(max_size=4))
def test_any_money_is_read_or_refused(units: int, nanos: int, currency: str) -> None:
    assert money(Violations(), currency, units=units, nanos=nanos).minor >= 0
