"""Claims request ids and keeps what each request got."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from service.application.ports import Answer, Refusal
from service.domain.errors import RequestIdReusedError
from service.postgres import tables


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

    def keep_answer(self, request_id: str, answer: Answer) -> None:
        """Remember what this request got."""
        refusal = answer.refusal
        table = tables.requests
        self._connection.execute(
            sa.update(table)
            .where(table.c.request_id == request_id)
            .values(
                answer=answer.body,
                refusal=None
                if refusal is None
                else {
                    "reason": refusal.reason,
                    "values": dict(refusal.values),
                    "violations": [list(each) for each in refusal.violations],
                },
            )
        )
