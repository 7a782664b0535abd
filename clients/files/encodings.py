"""In which encoding a file is, and its digest, without holding it in memory.

What a byte-order mark says is true. Without one, UTF-8 is tried first, since no other text of more
than a few Chinese characters is valid UTF-8 by chance; then GB18030, of which GBK is a part.
"""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CHUNK: Final = 1024 * 1024
# In UTF-16, most of what parts columns and rows of a file of orders is every other byte a zero.
ZEROS_LEAST: Final = 0.2
LOOKED_AT: Final = 64 * 1024

BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
ZIP: Final = b"PK\x03\x04"
OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
XLSX: Final = "xlsx"
XLS: Final = "xls"

Told = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Looked:
    """What a file's bytes are."""

    digest: str
    size: int
    encoding: str
    # Every byte is text in this encoding.
    is_sound: bool
    # It ends within a character.
    is_cut: bool = False

    @property
    def is_sheet(self) -> bool:
        """An Excel workbook."""
        return self.encoding in {XLSX, XLS}


def look_at(path: Path, told: Told = lambda _: None) -> Looked:
    """Read a file once, or twice where it is not UTF-8, and tell what it is."""
    head = next(_chunks(path), b"")
    digest = hashlib.sha256()
    size = 0
    guess = _guess(head)
    trial = _Trial(guess) if guess not in {XLSX, XLS} else None
    for chunk in _chunks(path):
        digest.update(chunk)
        size += len(chunk)
        if trial is not None:
            trial.read(chunk)
        told(len(chunk))
    if trial is None:
        return Looked(digest.hexdigest(), size, guess, is_sound=True)
    if not trial.is_sound and guess == "utf-8":
        other = _Trial("gb18030")
        for chunk in _chunks(path):
            other.read(chunk)
        # Where it is neither, it is that which fails later: most of it can be read.
        trial = other if other.is_sound or other.failed_at > trial.failed_at else trial
    return Looked(
        digest.hexdigest(), size, trial.encoding, is_sound=trial.is_sound, is_cut=trial.is_cut()
    )


class _Trial:
    """Decodes a file bit by bit, until it cannot be in this encoding."""

    def __init__(self, encoding: str) -> None:
        self.encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")
        self._read = 0
        self.failed_at = 0
        self.is_sound = True

    def read(self, chunk: bytes) -> None:
        if not self.is_sound:
            return
        try:
            self._decoder.decode(chunk)
        except UnicodeDecodeError as error:
            self.is_sound = False
            self.failed_at = self._read + error.start
        self._read += len(chunk)

    def is_cut(self) -> bool:
        """Tell whether something is left over at the end."""
        return self.is_sound and bool(self._decoder.getstate()[0])


def _guess(head: bytes) -> str:
    if head.startswith(ZIP):
        return XLSX
    if head.startswith(OLE):
        return XLS
    for mark, encoding in BOMS:
        if head.startswith(mark):
            return encoding
    start = head[: LOOKED_AT // 2 * 2]
    even, odd = start[::2].count(0), start[1::2].count(0)
    if max(even, odd) > ZEROS_LEAST * (len(start) // 2 or 1):
        return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8"


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as opened:
        while chunk := opened.read(CHUNK):
            yield chunk
