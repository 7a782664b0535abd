"""Times: the offset must be there, the unit must be as declared, what comes out is UTC."""

from datetime import UTC, datetime

import pytest

from streams.logic.normalising import times
from streams.logic.normalising.json_text import Fraction
from streams.logic.normalising.refusals import TemplateError, UnfitError

PATTERN = "%Y-%m-%d %H:%M:%S"


def test_a_time_with_an_offset_becomes_utc() -> None:
    assert times.rfc3339("2018-06-08T10:34:56+08:00") == datetime(2018, 6, 8, 2, 34, 56, tzinfo=UTC)
    assert times.rfc3339("2022-11-29T19:42:04.284Z") == datetime(
        2022, 11, 29, 19, 42, 4, 284_000, tzinfo=UTC
    )
    assert times.rfc3339("2019-05-06t17:15:34.121-02:30").isoformat() == (
        "2019-05-06T19:45:34.121000+00:00"
    )


def test_microseconds_are_exact_and_what_is_finer_is_cut_off() -> None:
    assert times.rfc3339("2026-11-22T08:00:00.123456Z").microsecond == 123_456
    assert times.rfc3339("2026-11-22T08:00:00.123456999Z").microsecond == 123_456
    assert times.rfc3339("2026-11-22T08:00:00.1Z").microsecond == 100_000


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-22T08:00:00",
        "2026-11-22 08:00:00.5",
        "2026-11-22",
        "2026-02-30T08:00:00Z",
        "2026-11-22T24:00:01Z",
        "2026-11-22T08:00:00+99:00",
        "2026-11-22T08:00:00+0800",
        "٢٠٢٦-11-22T08:00:00Z",
        "0001-01-01T00:00:00+08:00",
        "9999-12-31T23:59:59Z",
        "1970-01-01T00:00:00Z",
        "",
        1_732_262_400,
        None,
        True,
    ],
)
def test_a_time_that_is_naive_or_no_time_is_refused(written: object) -> None:
    with pytest.raises(UnfitError):
        times.rfc3339(written)


def test_epochs_are_read_in_the_declared_unit() -> None:
    paid = datetime(2021, 4, 21, 7, 36, 27, tzinfo=UTC)

    assert times.epoch_seconds(1_618_990_587) == paid
    assert times.epoch_seconds("1618990587") == paid
    assert times.epoch_milliseconds(1_618_990_587_123) == paid.replace(microsecond=123_000)


@pytest.mark.parametrize(
    "value",
    [
        1_618_990_587_000,
        161_899_058,
        0,
        -1_618_990_587,
        "1618990587.5",
        "１６１８９９０５８７",
        True,
    ],
)
def test_an_epoch_of_another_unit_is_refused_and_not_guessed(value: object) -> None:
    with pytest.raises(UnfitError):
        times.epoch_seconds(value)


def test_an_epoch_that_went_through_a_float_is_refused() -> None:
    with pytest.raises(UnfitError):
        times.epoch_seconds(Fraction("1.569521782042E9"))


def test_seconds_where_milliseconds_are_declared_are_refused() -> None:
    with pytest.raises(UnfitError):
        times.epoch_milliseconds(1_618_990_587)


def test_a_local_time_is_read_in_the_zone_of_its_template() -> None:
    read = times.local("2018-07-31 18:34:54", (PATTERN,), times.zone("+08:00"))

    # The same order carries 1533033294 beside this text.
    assert read == datetime.fromtimestamp(1_533_033_294, tz=UTC)


@pytest.mark.parametrize("written", ["2018-07-31T18:34:54", "0001-01-01 00:00:00", 5, ""])
def test_a_local_time_in_another_format_is_refused(written: object) -> None:
    with pytest.raises(UnfitError):
        times.local(written, (PATTERN,), times.zone("+08:00"))


@pytest.mark.parametrize(
    "written", ["20240105145046", "20240105145046.5", "2024-01-05 14:50:46.500"]
)
def test_the_first_pattern_that_fits_is_the_one(written: str) -> None:
    patterns = ("%Y%m%d%H%M%S", "%Y%m%d%H%M%S.%f", "%Y-%m-%d %H:%M:%S.%f")

    read = times.local(written, patterns, times.zone("+08:00"))

    assert read.replace(microsecond=0) == datetime(2024, 1, 5, 6, 50, 46, tzinfo=UTC)


@pytest.mark.parametrize(
    "written", ["2024010514504", "202401051450", "20240105145061", "２０２４0105145046"]
)
def test_a_time_without_signs_that_was_cut_is_not_another_time(written: str) -> None:
    with pytest.raises(UnfitError):
        times.local(written, ("%Y%m%d%H%M%S",), times.zone("+08:00"))


@pytest.mark.parametrize("written", ["%y%m%d", "%Y-%m-%d %I:%M %p", "%s", "today", "%%Y"])
def test_a_pattern_is_made_of_digits_with_fixed_places(written: str) -> None:
    with pytest.raises(TemplateError):
        times.pattern(written)


def test_a_zone_of_a_template_is_a_fixed_offset() -> None:
    with pytest.raises(TemplateError):
        times.zone("Asia/Shanghai")
