"""A row's fields as one text: what waits in a spool, and what a receipt's body is made of.

Fields are escaped as JSON has them when they are packed. So a body is made of a packed row without
reading it: a million rows are escaped once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from json.encoder import encode_basestring
from operator import itemgetter
from typing import Final

# The character for "deleted" parts fields: JSON does not escape it, we do where a field has one.
PARTED: Final = "\x7f"
_ESCAPED: Final = "\\u007f"


def pack(fields: Sequence[str]) -> str:
    """Return fields as one text."""
    packed = encode_basestring(PARTED.join(fields))[1:-1]
    if packed.count(PARTED) == len(fields) - 1:
        return packed
    return PARTED.join(encode_basestring(each)[1:-1].replace(PARTED, _ESCAPED) for each in fields)


def unpack(packed: str) -> list[str]:
    """Return the fields of a packed row."""
    if "\\" not in packed:
        return packed.split(PARTED)
    return [str(json.loads(f'"{each}"')) for each in packed.split(PARTED)]


def naming(names: Sequence[str]) -> Callable[[str], str]:
    """Return what makes a JSON object of a packed row, with these names.

    Of columns of one name the first counts; columns without a name are left out.
    """
    places: dict[str, int] = {}
    for at, name in enumerate(names):
        if name:
            places.setdefault(name, at)
    keys = (encode_basestring(name).replace("%", "%%") for name in places)
    shape = "{" + ",".join(key + ':"%s"' for key in keys) + "}"
    if list(places.values()) == list(range(len(names))):
        return lambda packed: shape % tuple(packed.split(PARTED))
    if len(places) == 1:
        (only,) = places.values()
        return lambda packed: shape % packed.split(PARTED)[only]
    chosen = itemgetter(*places.values())
    return lambda packed: shape % chosen(packed.split(PARTED))
