"""Strict JSON: every number keeps its digits, and what two parsers could read apart is refused.

Integers are exact at any length, other numbers keep the text that was sent, a key may stand once
in an object, NaN and Infinity are no JSON.
"""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Final, NoReturn

from streams.logic.normalising.facts import RejectionReason
from streams.logic.normalising.refusals import UnreadableError, field_named

# Orders nest about eight deep at the most talkative channel; 32 leaves room and still stops a
# message that is made of brackets.
DEPTH_MAX: Final = 32


@dataclass(frozen=True, slots=True)
class Fraction:
    """A JSON number with a point or an exponent, as it was written."""

    text: str


def decode(body: bytes) -> str:
    """Return the text of a UTF-8 body, with or without a byte order mark."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableError(
            RejectionReason.ENCODING_INVALID,
            "body",
            "Send UTF-8; convert GBK or UTF-16 at the edge.",
        ) from None


def parse(text: str, field: str = "body") -> object:
    """Return the value of a JSON text, or refuse it; `field` says where the text stood."""
    try:
        value: object = json.loads(
            text,
            parse_float=Fraction,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique_keys,
        )
    except RecursionError:
        raise _too_deep(field) from None
    except json.JSONDecodeError as error:
        raise UnreadableError(
            RejectionReason.SYNTAX_INVALID,
            field,
            f"No whole JSON: it breaks at character {error.pos}. Send the message again, uncut.",
        ) from None
    except ValueError:
        # Python refuses integers of more than 4,300 digits: squaring time grows with length.
        raise UnreadableError(
            RejectionReason.SYNTAX_INVALID, field, "A number has thousands of digits."
        ) from None
    if _is_too_deep(value):
        raise _too_deep(field)
    return value


def _refuse_constant(_name: str) -> NoReturn:
    raise UnreadableError(
        RejectionReason.SYNTAX_INVALID, "body", "NaN and Infinity are no JSON; send numbers."
    )


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
    raise UnreadableError(
        RejectionReason.SYNTAX_INVALID,
        field_named(twice),
        "An object names a key twice, so nobody can say which value counts.",
    )


def _too_deep(field: str) -> UnreadableError:
    return UnreadableError(
        RejectionReason.SYNTAX_INVALID, field, f"Nested deeper than {DEPTH_MAX} levels."
    )


def _is_too_deep(value: object) -> bool:
    level = [value]
    for _ in range(DEPTH_MAX):
        level = [inner for outer in level for inner in _containers(outer)]
        if not level:
            return False
    return True


def _containers(value: object) -> list[object]:
    if isinstance(value, dict):
        inner: list[object] = list(value.values())
    elif isinstance(value, list):
        inner = value
    else:
        return []
    return [each for each in inner if isinstance(each, dict | list)]
