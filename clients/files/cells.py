"""What a cell says, without what exports put around it; and whether it is what it should be."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final

# What files write where there is nothing.
NOTHING: Final = frozenset({"", "-", "--", "/", "\\N", "null", "NULL", "None", "无"})
CANONICAL: Final = "%Y-%m-%d %H:%M:%S"
# A tab before a number keeps Excel from rounding it; so does `="123"`, and so does an apostrophe.
_AROUND: Final = " \t\r\n\f\v\u00a0\u3000\ufeff\u200b"

_TIME: Final = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[ T]+(\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d+)?)?)?"
)
_AMOUNT: Final = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?")
_QUANTITY: Final = re.compile(r"\d{1,9}(\.0+)?")
_ROUNDED: Final = re.compile(r"[+-]?\d(\.\d+)?[eE]\+?\d+")
_WHOLE: Final = re.compile(r"[0-9]{1,40}\.0+")
# From here on a number loses digits where it is not a text: 2^53.
EXACT_BELOW: Final = 2**53
# Prices, fees and discounts of a file are a few thousand different ones: 5 MiB at most.
KNOWN: Final = 16_384
# Digits that a number in Excel keeps.
KEPT_DIGITS: Final = 15


def clean(cell: str) -> str:
    """Return what a cell says."""
    text = cell.strip(_AROUND)
    if text[:1] == "`":
        # Bills of WeChat Pay have one before every cell, for the same reason as others a tab.
        text = text[1:].strip(_AROUND)
    if text[:2] == '="' and text.endswith('"'):
        return text[2:-1].strip(_AROUND)
    if text[:1] == "=" and text[1:].isdigit():
        return text[1:]
    if text[:1] == "'" and text[1:2].isdigit():
        return text[1:]
    if len(text) > 1 and text[0] == '"' and text[-1] == '"':
        return text[1:-1].strip(_AROUND)
    return text


def is_nothing(text: str) -> bool:
    """Tell whether there is nothing."""
    return text in NOTHING


def is_rounded(text: str) -> bool:
    """Tell whether a number was written in powers of ten, and so has lost its digits."""
    return _ROUNDED.fullmatch(text) is not None


def has_fraction(text: str) -> bool:
    """Tell whether a number is told as programs tell those that were no texts: `1234567.0`."""
    return _WHOLE.fullmatch(text) is not None


def is_exact(text: str) -> bool:
    """Tell whether such a number still has all its digits."""
    return int(text.partition(".")[0]) < EXACT_BELOW


def has_lost_digits(text: str) -> bool:
    """Tell whether a number looks as Excel leaves it: all digits behind the fifteenth are zeros.

    Of true numbers of 19 digits one in ten thousand does.
    """
    is_long = text[-1:] == "0" and len(text) > KEPT_DIGITS and text.isdigit()
    return is_long and not text[KEPT_DIGITS:].strip("0")


@lru_cache(maxsize=KNOWN)
def plain_amount(text: str) -> str:
    """Return an amount as digits alone, `1097.00` for `￥1,097.00`; empty where it is none."""
    bare = text.removeprefix("¥").removeprefix("￥").removesuffix("元").strip()
    return bare.replace(",", "") if _AMOUNT.fullmatch(bare) else ""


@lru_cache(maxsize=KNOWN)
def amount(text: str) -> Decimal | None:
    """Return an amount, or None where it is none."""
    plain = plain_amount(text)
    return Decimal(plain) if plain else None


def is_quantity(text: str) -> bool:
    """Tell whether it counts pieces."""
    return _QUANTITY.fullmatch(text) is not None


def is_whole_time(text: str) -> bool:
    """Tell whether it is a time as nearly all files have it: `2025-12-28 23:20:30`."""
    # Weeks, zones and days of the year, which ISO 8601 has, too, have other places for their marks.
    if len(text) != len("2025-12-28 23:20:30") or text[4:17:3] != "-- ::":
        return False
    try:
        datetime.fromisoformat(text)  # a wall clock of the shop's zone
    except ValueError:
        return False
    return True


def moment(text: str) -> str | None:
    """Return a time as `2025-12-28 23:20:30`, or None where it is none.

    Excel writes `2025/12/28 9:05` when it saves a file again.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    parts = [int(each or 0) for each in found.groups()]
    try:
        return datetime(*parts).strftime(CANONICAL)  # type: ignore[arg-type]  # noqa: DTZ001
    except ValueError:
        return None
