"""Makes a message of an export, so that a template of files can be tried on the file itself.

Only for looking: the rows of the file's first order, in an encoding that is found by trying.
Whoever imports files does that with far more care.
"""

import csv
import io
import json
from collections.abc import Sequence
from itertools import islice
from typing import Final

# A file of a platform is in one of these; GB18030 holds GBK and takes nearly any bytes, so it is
# the last one.
_ENCODINGS: Final = ("utf-8-sig", "gb18030")
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_DELIMITERS: Final = (",", "\t", ";")
# An order of more articles than these exists; its first rows show how they are read.
_ROWS_MAX: Final = 1000


def first_order(body: bytes, names: Sequence[str]) -> bytes | None:
    """Return the rows of the first order as a receipt's body; None where it is no such file.

    `names` are the columns that may name the order.
    """
    text = _text(body)
    if text is None:
        return None
    head = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=head.count)
    found = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    columns = {name: name.strip().strip('"') for name in found.fieldnames or ()}
    named = next((name for name, plain in columns.items() if plain in names), None)
    if named is None:
        return None
    rows = [
        {plain: (row[name] or "").strip() for name, plain in columns.items()}
        for row in islice(found, _ROWS_MAX)
    ]
    if not rows:
        return None
    order = columns[named]
    same = [row for row in rows if row[order] == rows[0][order]]
    return json.dumps({"day": "", "rows": same}, ensure_ascii=False).encode()


def _text(body: bytes) -> str | None:
    if body.startswith(_UTF_16):
        return body.decode("utf-16", "replace")
    for encoding in _ENCODINGS:
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None
