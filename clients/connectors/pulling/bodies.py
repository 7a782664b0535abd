"""Takes answers apart without touching a byte of what they say.

Ids pass 2^53, amounts are decimals written as numbers, and an answer is evidence: elements are cut
out of the text as they stand there, not read and written again. What is read beside is read
exactly: integers of any size, decimals as decimals, no name twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from decimal import Decimal
from json.decoder import JSONDecoder
from typing import Any, Final

from clients.connectors.inquiry import Code, NothingLearntError, unreachable

# A page of a hundred orders with all their lines is a megabyte; eight are somebody else's file.
PAGE_BYTES_MAX: Final = 8 * 1024 * 1024
SPACE: Final = re.compile(r"[ \t\r\n]*")
# Only ends are wanted; the values are thrown away.
_SKIPS: Final = JSONDecoder(parse_float=str, parse_int=str)


def parsed(body: bytes) -> dict[str, Any]:
    """Return the JSON object of an answer.

    Raises:
        NothingLearntError: there is none: a proxy's page, a cut answer, a name that stands twice.
    """
    try:
        found = json.loads(
            body.decode("utf-8"),
            parse_float=Decimal,
            parse_constant=_no_number,
            object_pairs_hook=_once,
        )
    except (ValueError, RecursionError) as error:
        raise unreachable(Code.MALFORMED) from error
    if not isinstance(found, dict):
        raise unreachable(Code.MALFORMED)
    return found


def at(found: object, *path: str) -> Any:  # noqa: ANN401  # Whatever stands there.
    """Return what stands at a path of names; None where something on the way is missing."""
    for name in path:
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    return found


def raw(text: str, *path: str) -> str | None:
    """Return the text of the value at a path of names, as it stands there; None without one."""
    begin = _skip_space(text, 0)
    for name in path:
        found = _member(text, begin, name)
        if found is None:
            return None
        begin = found
    return text[begin : _end_of(text, begin)]


def raw_elements(text: str | None) -> list[str]:
    """Return the text of each element of an array; none of `null` and of no array at all."""
    if text is None or not text.startswith("["):
        return []
    found = []
    begin = _skip_space(text, 1)
    while text[begin] != "]":
        end = _end_of(text, begin)
        found.append(text[begin:end])
        begin = _skip_space(text, end)
        if text[begin] == ",":
            begin = _skip_space(text, begin + 1)
    return found


def wrapped(raw_value: str, *path: str) -> bytes:
    """Return a JSON object that has just this value at a path; `[]` in the path is an array."""
    for name in reversed(path):
        raw_value = f"[{raw_value}]" if name == "[]" else f"{{{json.dumps(name)}:{raw_value}}}"
    return raw_value.encode()


def whole(found: object) -> int:
    """Return a count, which some platforms write as text.

    Raises:
        NothingLearntError: it is none.
    """
    text = str(found)
    if isinstance(found, bool) or not (text.isascii() and text.isdecimal()):
        raise unreachable(Code.MALFORMED)
    return int(text)


def name_of(found: object) -> str:
    """Return an id as text, whether it came as a number or as text.

    Raises:
        NothingLearntError: there is none, so nobody could say which order this is.
    """
    is_id = isinstance(found, str | int) and not isinstance(found, bool)
    text = str(found).strip().strip('"') if is_id else ""
    if not text or len(text) > 100:  # noqa: PLR2004  # The longest real ones have 40.
        raise unreachable(Code.MALFORMED)
    return text


def compact(content: object) -> str:
    """Return JSON as it is signed: names sorted at every level, no spaces, Chinese as it is."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _member(text: str, begin: int, name: str) -> int | None:
    """Return where the value of a name begins in the object that begins here."""
    if not text.startswith("{", begin):
        return None
    begin = _skip_space(text, begin + 1)
    while text[begin] != "}":
        found, begin = _SKIPS.raw_decode(text, begin)
        begin = _skip_space(text, _skip_space(text, begin) + 1)  # Behind the colon.
        if found == name:
            return begin
        begin = _skip_space(text, _end_of(text, begin))
        if text[begin] == ",":
            begin = _skip_space(text, begin + 1)
    return None


def _end_of(text: str, begin: int) -> int:
    return _SKIPS.raw_decode(text, begin)[1]


def _skip_space(text: str, begin: int) -> int:
    found = SPACE.match(text, begin)
    return begin if found is None else found.end()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number")


def distinct(names: Iterable[str]) -> tuple[str, ...]:
    """Return each name once, in the order of their first coming."""
    return tuple(dict.fromkeys(names))


__all__ = [
    "NothingLearntError",
    "at",
    "compact",
    "distinct",
    "name_of",
    "parsed",
    "raw",
    "raw_elements",
    "whole",
    "wrapped",
]
