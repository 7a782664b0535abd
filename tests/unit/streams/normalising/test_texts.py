"""Ids and words: as sent, or not at all."""

import pytest

from streams.logic.normalising import Circumstance, texts
from streams.logic.normalising.json_text import Fraction
from streams.logic.normalising.refusals import UnfitError


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (4705288465508532862, "4705288465508532862"),
        # The vendor's own rounded twin: nobody can tell, so it stays what was sent.
        (4705288465508533000, "4705288465508533000"),
        ("4705288465508532862", "4705288465508532862"),
        ("0012", "0012"),
        (0, "0"),
        ("xxxxxxx", "xxxxxxx"),
    ],
)
def test_an_id_is_text_as_sent(value: object, read: str) -> None:
    assert texts.identifier(value) == read


@pytest.mark.parametrize(
    "value",
    [
        Fraction("4.705288465508533e18"),
        Fraction("4705288465508533000.0"),
        -5,
        True,
        None,
        [],
        "a\nb",
        "a\x00b",
        "\ud800",
        "\t6917",
        "6917 ",
        "x" * 129,
        10**130,
    ],
)
def test_an_id_that_was_damaged_on_its_way_is_refused(value: object) -> None:
    with pytest.raises(UnfitError):
        texts.identifier(value)


@pytest.mark.parametrize("value", ["out_of_stock", "buyer.cancelled", "a:b/c-1"])
def test_a_note_is_one_machine_word(value: str) -> None:
    assert texts.word(value) == value


@pytest.mark.parametrize("value", ["", "two words", "周一", "x" * 65, 5])
def test_a_note_that_could_be_a_sentence_or_a_name_is_refused(value: object) -> None:
    with pytest.raises(UnfitError):
        texts.word(value)


def test_a_circumstance_is_known_by_its_name() -> None:
    assert texts.circumstance("network_retry") is Circumstance.NETWORK_RETRY
    with pytest.raises(UnfitError):
        texts.circumstance("bad_luck")


@pytest.mark.parametrize(("value", "pieces"), [(1, 1), ("2", 2), (1_000_000, 1_000_000)])
def test_a_quantity_is_a_whole_number_above_zero(value: object, pieces: int) -> None:
    assert texts.quantity(value) == pieces


@pytest.mark.parametrize("value", [0, -1, 1_000_001, "1.5", True, None, "9" * 5000])
def test_any_other_quantity_is_refused(value: object) -> None:
    with pytest.raises(UnfitError):
        texts.quantity(value)
