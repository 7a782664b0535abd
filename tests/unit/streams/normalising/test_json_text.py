"""Strict JSON: digits survive, and what two parsers could read apart is refused."""

import pytest

from streams.logic.normalising.facts import RejectionReason
from streams.logic.normalising.json_text import DEPTH_MAX, Fraction, decode, parse
from streams.logic.normalising.refusals import UnreadableError


def _reason(text: str) -> RejectionReason:
    with pytest.raises(UnreadableError) as refused:
        parse(text)
    return refused.value.rejection.reason


def test_integers_beyond_the_precision_of_a_float_stay_exact() -> None:
    assert parse("[4705288465508532862, 9007199254740993]") == [
        4705288465508532862,
        9007199254740993,
    ]


def test_fractions_keep_the_text_that_was_sent() -> None:
    assert parse("[8.290, 1.5E+3, -0.10]") == [
        Fraction("8.290"),
        Fraction("1.5E+3"),
        Fraction("-0.10"),
    ]


def test_a_fraction_with_an_absurd_exponent_is_only_text() -> None:
    assert parse("1e999999999999999999") == Fraction("1e999999999999999999")


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_json_number_is_refused(constant: str) -> None:
    assert _reason(f'{{"amount": {constant}}}') is RejectionReason.SYNTAX_INVALID


def test_a_key_that_stands_twice_is_refused_by_name() -> None:
    with pytest.raises(UnreadableError) as refused:
        parse('{"data": {"p_id": 1, "tag": 2, "p_id": 3}}')

    assert refused.value.rejection.field == "p_id"


def test_a_key_that_is_no_field_name_is_not_repeated_in_the_rejection() -> None:
    with pytest.raises(UnreadableError) as refused:
        parse('{"周一 13678643212": 1, "周一 13678643212": 2}')

    assert refused.value.rejection.field == "body"


def test_nesting_is_allowed_up_to_the_limit_and_not_beyond() -> None:
    assert parse("[" * DEPTH_MAX + "]" * DEPTH_MAX)
    assert _reason("[" * (DEPTH_MAX + 1) + "]" * (DEPTH_MAX + 1)) is RejectionReason.SYNTAX_INVALID
    assert _reason('{"a":' * 100_000 + "1" + "}" * 100_000) is RejectionReason.SYNTAX_INVALID


def test_a_number_of_thousands_of_digits_is_refused() -> None:
    assert _reason("9" * 5000) is RejectionReason.SYNTAX_INVALID


def test_a_byte_order_mark_is_no_part_of_the_message() -> None:
    assert parse(decode(b"\xef\xbb\xbf{}")) == {}


@pytest.mark.parametrize("charset", ["gbk", "utf-16"])
def test_other_charsets_are_refused(charset: str) -> None:
    with pytest.raises(UnreadableError) as refused:
        decode('{"商品": "红"}'.encode(charset))

    assert refused.value.rejection.reason is RejectionReason.ENCODING_INVALID
