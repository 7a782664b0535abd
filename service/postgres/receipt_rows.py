"""Stores receipts once, and what became of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from service.application.ports import (
    ReceiptResult,
    StoredReceipt,
    WaitingReceipt,
    receipt_key,
)
from service.domain.facts import GRAVITY, Outcome
from service.postgres import bulk, driver, tables

Republished = tuple[str, str, bytes, str, datetime]

_REPUBLISHED = (
    tables.receipts.c.receipt_id,
    tables.receipts.c.source,
    tables.receipts.c.order_hint,
    tables.receipts.c.event,
    tables.receipts.c.traceparent,
    tables.receipts.c.received_at,
)


_GRAVITY = ", ".join(f"'{each.value}'" for each in GRAVITY)
# The outcome of the fact that most needs attention, as for a receipt that is weighed at once.
_REFRESH: Final = (
    "UPDATE receipts SET outcome = told.outcome FROM ("  # noqa: S608  # our own enum's values
    " SELECT DISTINCT ON (receipt_id) receipt_id, outcome FROM facts"
    " WHERE receipt_id = ANY(%(receipts)s) ORDER BY receipt_id,"
    f" array_position(ARRAY[{_GRAVITY}], outcome)"
    ") AS told WHERE receipts.receipt_id = told.receipt_id AND receipts.outcome = 'EARLY'"
)

_NEW: Final = (
    *("receipt_id", "source", "dedupe_key", "template", "channel", "order_hint"),
    *("address", "received_at", "event", "traceparent", "account"),
)
_STORE: Final = bulk.insertion(
    tables.receipts, _NEW, "ON CONFLICT (receipt_id) DO NOTHING RETURNING receipt_id"
)
_LOCK: Final = (
    "SELECT receipt_id, source, channel, order_hint, received_at, outcome, revision, address"
    " FROM receipts WHERE receipt_id = ANY(%(receipts)s) ORDER BY receipt_id FOR UPDATE"
)
# Locked in order first, so that two batches with the same repeats never deadlock.
_REPEAT: Final = (
    "UPDATE receipts SET repeats = receipts.repeats + again.times FROM ("  # noqa: S608  # names of our own tables
    " SELECT receipt_id, told.repeats AS times FROM receipts"
    f" JOIN {bulk.told(tables.receipts, ('receipt_id', 'repeats'))} USING (receipt_id)"
    " ORDER BY receipt_id FOR UPDATE OF receipts"
    ") AS again WHERE receipts.receipt_id = again.receipt_id"
)
_TOLD: Final = ("outcome", "outcome_at", "rejected_for", "rejected_field", "advice")
_CLOSE: Final = (
    "UPDATE receipts SET revision = revision + 1, "  # noqa: S608  # names of our own tables
    + ", ".join(f"{name} = told.{name}" for name in _TOLD)
    + f" FROM {bulk.told(tables.receipts, ('receipt_id', *_TOLD))}"
    " WHERE receipts.receipt_id = told.receipt_id"
)


class ReceiptRows:
    """The part of a transaction that keeps receipts."""

    _connection: sa.Connection

    def store_receipts(
        self, receipts: Sequence[StoredReceipt], arrivals: Mapping[str, int]
    ) -> frozenset[str]:
        """Store receipts, each once; return the ids of the new ones. Others are counted."""
        if not receipts:
            return frozenset()
        ordered = sorted(receipts, key=lambda each: each.receipt_id)
        rows = {"rows": bulk.document([_row(each) for each in ordered])}
        new = frozenset(name for (name,) in driver.rows(self._connection, _STORE, rows))
        repeated = [
            {"receipt_id": each.receipt_id, "repeats": times}
            for each in ordered
            if (times := arrivals[each.receipt_id] - (each.receipt_id in new))
        ]
        if repeated:
            driver.change(self._connection, _REPEAT, {"rows": bulk.document(repeated)})
        return new

    def lock_receipts(self, receipt_ids: Sequence[str]) -> dict[str, WaitingReceipt]:
        """Lock receipts and return what a decision needs of them."""
        found = driver.rows(self._connection, _LOCK, {"receipts": sorted(receipt_ids)})
        return {row[0]: _waiting(row) for row in found}

    def close_receipts(self, results: Sequence[ReceiptResult]) -> None:
        """Write down what became of receipts, and keep the events that tell of it."""
        if not results:
            return
        closing = [_closing(each) for each in results]
        driver.change(self._connection, _CLOSE, {"rows": bulk.document(closing)})
        bulk.insert(
            self._connection,
            tables.receipt_outcomes,
            [
                {
                    "receipt_id": each.receipt.receipt_id,
                    "revision": each.receipt.revision + 1,
                    "key": each.receipt.key,
                    "event": each.event,
                    "traceparent": each.traceparent,
                }
                for each in results
            ],
        )

    def refresh_receipts(self, receipt_ids: Sequence[str]) -> None:
        """Give receipts that were early the outcome that their facts have by now."""
        if receipt_ids:
            driver.change(self._connection, _REFRESH, {"receipts": list(receipt_ids)})

    def reopen_receipts(
        self, receipt_ids: Sequence[str], rejected_for: str, *, waiting: bool, limit: int
    ) -> list[Republished]:
        """Take rejections back, or pick those that wait; return what to publish again."""
        table = tables.receipts
        chosen = sa.select(table.c.receipt_id).with_for_update(skip_locked=True)
        if receipt_ids:
            chosen = chosen.where(
                table.c.receipt_id.in_(receipt_ids),
                table.c.outcome.is_(None) | (table.c.outcome == Outcome.REJECTED.value),
            )
        elif waiting:
            chosen = chosen.where(table.c.outcome.is_(None))
        else:
            chosen = chosen.where(table.c.outcome == Outcome.REJECTED.value)
            if rejected_for:
                chosen = chosen.where(table.c.rejected_for == rejected_for)
        return self._republish(chosen.order_by(table.c.receipt_id).limit(limit))

    def stale_receipts(
        self, now: datetime, slack: timedelta, *, most: int, times: int
    ) -> list[Republished]:
        """Claim receipts that intake has passed by; see the port."""
        table = tables.receipts
        # Intake that is merely behind loses nothing: while it works, only what it has passed by
        # is sent again. When it rests, everything that still waits has been passed by.
        last = self._connection.execute(
            sa.select(table.c.recorded_at, table.c.outcome_at)
            .where(table.c.outcome.is_not(None))
            .order_by(table.c.position.desc())
            .limit(1)
        ).first()
        is_at_work = last is not None and last.outcome_at > now - slack
        reached = last.recorded_at if last is not None and is_at_work else now
        # Published p times: again 2^p - 1 minutes after it came, so 1, 3, 7, 15 … minutes.
        again_at = table.c.recorded_at + sa.func.make_interval(
            0, 0, 0, 0, 0, 0, 60.0 * (sa.func.power(2, table.c.published) - 2)
        )
        chosen = (
            sa.select(table.c.receipt_id)
            .where(
                table.c.outcome.is_(None),
                again_at < min(now, reached) - slack,
                table.c.published < times,
            )
            .order_by(table.c.recorded_at)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        return self._republish(chosen)

    def _republish(self, chosen: sa.Select[Any]) -> list[Republished]:
        table = tables.receipts
        rows = self._connection.execute(
            sa.update(table)
            .where(table.c.receipt_id.in_(chosen.scalar_subquery()))
            .values(
                outcome=None,
                outcome_at=None,
                rejected_for="",
                rejected_field="",
                advice="",
                published=table.c.published + 1,
            )
            .returning(*_REPUBLISHED)
        )
        return [
            (
                row.receipt_id,
                receipt_key(row.source, row.order_hint, row.receipt_id),
                bytes(row.event),
                row.traceparent,
                row.received_at,
            )
            for row in rows
        ]


def _row(stored: StoredReceipt) -> dict[str, Any]:
    receipt = stored.receipt
    return {
        "receipt_id": stored.receipt_id,
        "source": receipt.source,
        "dedupe_key": stored.dedupe_key,
        "template": receipt.template,
        "channel": receipt.channel,
        "order_hint": receipt.order_hint,
        "address": receipt.address,
        "received_at": receipt.received_at,
        "event": stored.event,
        "traceparent": receipt.traceparent,
        "account": receipt.account,
    }


def _waiting(row: Sequence[Any]) -> WaitingReceipt:
    """Return what `_LOCK` selects, in its order, as the receipt that it tells of."""
    receipt_id, source, channel, hint, received_at, outcome, *rest = row
    known = Outcome(outcome) if outcome else None
    return WaitingReceipt(receipt_id, source, channel, hint, received_at, known, *rest)


def _closing(result: ReceiptResult) -> dict[str, Any]:
    rejection = result.rejection
    return {
        "receipt_id": result.receipt.receipt_id,
        "outcome": result.outcome.value,
        "outcome_at": result.at,
        "rejected_for": rejection.reason if rejection else "",
        "rejected_field": rejection.field if rejection else "",
        "advice": rejection.advice if rejection else "",
    }
