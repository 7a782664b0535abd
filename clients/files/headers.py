"""Names of columns as a kind knows them, however an export or a person has written them.

Blanks, brackets of either width and the unit 元 or 件 are how a name is written; everything else
is what it says: `订单 应付金额（元）` is `订单应付金额`, `订单应付金额(分)` is unknown.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from clients.files.kinds import Kind

# One or two fields of a row may be such words by chance.
NAMES_LEAST: Final = 3
_UNIT: Final = re.compile(r"[(\[](元|rmb|cny|¥|件|个)[)\]]$")


def canonical(names: Sequence[str], kind: Kind) -> tuple[str, ...]:
    """Return names in the way in which the kind has them; those that it does not know stay."""
    known = kind.names
    present = set(names)
    written: dict[str, str] = {}
    for name in sorted(known):
        written.setdefault(_bare(name), name)
    found: list[str] = []
    for name in names:
        meant = name if name in known else written.get(_bare(name), name)
        # Where the very name is there, too, the other is a column of its own.
        found.append(name if meant in present else meant)
    return tuple(found)


def is_header(fields: Sequence[str], kind: Kind) -> bool:
    """Tell whether most of a row's fields are names of columns."""
    filled = [each for each in fields if each]
    named = kind.names.intersection(canonical(filled, kind))
    return len(named) >= NAMES_LEAST and 2 * len(named) > len(filled)


def _bare(name: str) -> str:
    plain = "".join(unicodedata.normalize("NFKC", name).split()).casefold()
    return _UNIT.sub("", plain.rstrip(":*"))
