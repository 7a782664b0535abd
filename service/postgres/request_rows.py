"""Claims request ids and keeps what each request got."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from service.application.ports import Answer, Refusal
from service.application.shared_ports import Kept
from service.domain.errors import ContentionError, RequestIdReusedError
from service.postgres import bulk, driver, tables

_KNOWN: Final = "SELECT request_id FROM requests WHERE request_id = ANY(%(requests)s)"


class RequestRows:
    """The part of a transaction that makes requests idempotent."""

    _connection: sa.Connection

    def claim_request(self, request_id: str, fingerprint: bytes) -> Answer | None:
        """Return the kept answer; None when the request is new and claimed."""
        table = tables.requests
        # Waits for another transaction that holds the same id, and then sees its answer.
        claimed = self._connection.execute(
            insert(table)
            .values(request_id=request_id, fingerprint=fingerprint)
            .on_conflict_do_nothing()
            .returning(table.c.request_id)
        ).first()
        if claimed:
            return None
        kept = self._connection.execute(
            sa.select(table).where(table.c.request_id == request_id)
        ).one()
        if bytes(kept.fingerprint) != fingerprint:
            raise RequestIdReusedError(request_id=request_id)
        if kept.answer is not None:
            return Answer(bytes(kept.answer))
        told = kept.refusal
        violations = tuple((path, text) for path, text in told["violations"])
        return Answer(None, Refusal(told["reason"], told["values"], violations))

    def forget_requests(self, before: datetime, *, most: int) -> int:
        """Delete answers that nobody will ask for again; return how many."""
        table = tables.requests
        old = sa.select(table.c.request_id).where(table.c.recorded_at < before).limit(most)
        gone = self._connection.execute(
            sa.delete(table).where(table.c.request_id.in_(old.scalar_subquery()))
        )
        return gone.rowcount

    def known_requests(self, request_ids: Sequence[str]) -> frozenset[str]:
        """Return those of the requests that have an answer."""
        rows = driver.rows(self._connection, _KNOWN, {"requests": list(request_ids)})
        return frozenset(request_id for (request_id,) in rows)

    def keep_answers(self, answers: Sequence[Kept]) -> None:
        """Remember what requests got; or raise `ContentionError` where one is answered already."""
        # Sorted, so that two transactions with the same requests never deadlock.
        rows = [_row(each) for each in sorted(answers, key=lambda each: each.request_id)]
        kept = bulk.insert(self._connection, tables.requests, rows, then="ON CONFLICT DO NOTHING")
        if kept != len(rows):
            raise ContentionError

    def keep_answer(self, request_id: str, answer: Answer) -> None:
        """Remember what this request got."""
        table = tables.requests
        self._connection.execute(
            sa.update(table)
            .where(table.c.request_id == request_id)
            .values(answer=answer.body, refusal=_refusal(answer.refusal))
        )


def _row(kept: Kept) -> dict[str, Any]:
    return {
        "request_id": kept.request_id,
        "fingerprint": kept.fingerprint,
        "answer": kept.answer.body,
        "refusal": _refusal(kept.answer.refusal),
    }


def _refusal(refusal: Refusal | None) -> dict[str, Any] | None:
    if refusal is None:
        return None
    return {
        "reason": refusal.reason,
        "values": dict(refusal.values),
        "violations": [list(each) for each in refusal.violations],
    }
