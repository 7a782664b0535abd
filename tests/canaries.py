"""Looks for personal data where none may be: spans, logs, metrics.

Seed the canaries into what a test submits (buyers, notes, addresses, texts that break), let the
system work and fail, then `check_absent`. They are made up, and found nowhere else.
"""

from __future__ import annotations

import base64
import json
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PHONE: Final = "13987650421"
NAME: Final = "欧阳金丝雀"
ADDRESS: Final = "金丝雀市测试区不存在路 4711 号"
LATIN_NAME: Final = "Canaria Q. Testfinch"
LATIN_ADDRESS: Final = "4711 Nonexistent Canary Lane"
CANARIES: Final = (PHONE, NAME, ADDRESS, LATIN_NAME, LATIN_ADDRESS)

# Read in pieces, so that a store of gigabytes fits; a canary across two pieces is seen in the next.
PIECE: Final = 8 * 1024 * 1024
OVERLAP: Final = 4096


@dataclass(frozen=True)
class Found:
    """A canary where none may be."""

    canary: str
    where: str
    around: str


def spellings(canary: str) -> set[bytes]:
    """Return how a canary may look: plain, escaped in JSON or an address, base64, hex, GBK."""
    plain = canary.encode()
    found = {plain, canary.encode("gbk"), plain.hex().encode(), plain.hex().upper().encode()}
    found.add(json.dumps(canary)[1:-1].encode())
    found.add(repr(canary.encode())[2:-1].encode())
    found.add(urllib.parse.quote(canary).encode())
    found.add(urllib.parse.quote_plus(canary).encode())
    # Base64 depends on what stands before: these characters are the canary's alone.
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + plain)
        found.add(coded[(shift * 8 + 5) // 6 : (shift + len(plain)) * 8 // 6])
    return found


def in_bytes(content: bytes, where: str, canaries: Sequence[str] = CANARIES) -> Iterator[Found]:
    """Yield what is found in a text or a file's content."""
    for canary in canaries:
        for spelling in spellings(canary):
            at = content.find(spelling)
            if at >= 0:
                around = content[max(at - 80, 0) : at + 80].decode(errors="replace")
                yield Found(canary, where, around)


def in_file(path: Path, canaries: Sequence[str] = CANARIES) -> Iterator[Found]:
    """Yield what is found in a file."""
    with path.open("rb") as file:
        tail = b""
        while piece := file.read(PIECE):
            yield from in_bytes(tail + piece, str(path), canaries)
            tail = piece[-OVERLAP:]


def in_page(address: str, canaries: Sequence[str] = CANARIES) -> Iterator[Found]:
    """Yield what is found on a process's metrics page, exemplars included."""
    request = urllib.request.Request(
        f"http://{address}/metrics", headers={"Accept": "application/openmetrics-text"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  # Our own page.
        yield from in_bytes(answer.read(), f"{address}/metrics", canaries)


def check_absent(
    *,
    span_store: Path,
    logs: Iterable[Path],
    metrics: Iterable[str],
    canaries: Sequence[str] = CANARIES,
) -> None:
    """Assert that no canary is in the span keeper's folder, the logs or the metrics pages.

    Each must hold something: an empty place proves nothing.
    """
    stored = sorted(path for path in span_store.rglob("*") if path.is_file())
    written = list(logs)
    assert sum(path.stat().st_size for path in stored), f"no spans in {span_store}"
    assert sum(path.stat().st_size for path in written), "no logs"
    found = [one for path in (*stored, *written) for one in in_file(path, canaries)]
    pages = list(metrics)
    assert pages, "no metrics pages"
    for address in pages:
        found += in_page(address, canaries)
    assert not found, "\n".join(f"{one.canary} in {one.where}: …{one.around}…" for one in found)
