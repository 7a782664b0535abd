"""Keeps trades and refunds over a restart, so that what is asked for later is still known.

What was about to be sent, or to be paid, is not kept: a notice that is lost so is one more that is
lost.
"""

from __future__ import annotations

import dataclasses
import os
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson

from deploy.local.platforms.clock import Moment
from deploy.local.platforms.trades import Book, Refund, RefundState, Trade, TradeState

MOMENTS: Final = ("created", "paid", "closed", "asked", "settled")


def save(book: Book, path: Path) -> None:
    """Replace the file as a whole."""
    draft = path.with_suffix(".draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(orjson.dumps([_written(trade) for trade in book]))
    draft.replace(path)


def load(book: Book, path: Path) -> None:
    """Take in what was saved, if anything was."""
    if path.exists():
        for kept in orjson.loads(path.read_bytes()):
            refunds = kept.pop("refunds")
            trade = Trade(**_read(kept), state=TradeState(kept["state"]))
            book.add(trade)
            for each in refunds:
                state = RefundState(each["state"])
                book.add_refund(Refund(trade, **_read(each), state=state))


def _written(record: Trade | Refund) -> dict[str, Any]:
    told = {}
    for each in dataclasses.fields(record):
        value = getattr(record, each.name)
        if isinstance(value, Moment):
            value = [value.at.isoformat(), value.stamp.isoformat()]
        if each.name == "refunds":
            value = [_written(refund) for refund in value.values()]
        if each.name != "trade":
            told[each.name] = value
    return told


def _read(kept: dict[str, Any]) -> dict[str, Any]:
    """Return the fields but for the state, with moments as such."""
    return {
        name: Moment(*map(datetime.fromisoformat, value)) if name in MOMENTS and value else value
        for name, value in kept.items()
        if name != "state"
    }
