"""Reads receipts, without locks."""

from collections import defaultdict
from typing import Any, Final

import sqlalchemy as sa

from service.application.ports import Rejection
from service.application.reading import Page, ReceiptQuery, ReceiptView
from service.domain.errors import ReceiptNotFoundError
from service.domain.facts import Outcome
from service.postgres import tables
from service.postgres.rows import fact_from
from service.postgres.tokens import make_token, open_token
from service.postgres.translating import translated

# With the event that told the outcome that stands.
_RECEIPTS: Final = sa.select(
    tables.receipts, tables.receipt_outcomes.c.event.label("weighed")
).join(
    tables.receipt_outcomes,
    (tables.receipt_outcomes.c.receipt_id == tables.receipts.c.receipt_id)
    & (tables.receipt_outcomes.c.revision == tables.receipts.c.revision)
    & tables.receipts.c.outcome.is_not(None),
    isouter=True,
)


class DeskReading:
    """The part of the reader that knows receipts."""

    _engine: sa.Engine

    def receipt(self, receipt_id: str) -> ReceiptView:
        """Return a receipt with its facts, or raise `ReceiptNotFoundError`."""
        receipts, facts = tables.receipts, tables.facts
        with translated(), self._engine.connect() as connection:
            row = connection.execute(_RECEIPTS.where(receipts.c.receipt_id == receipt_id)).first()
            if row is None:
                raise ReceiptNotFoundError(receipt=receipt_id)
            told = connection.execute(
                sa.select(facts)
                .where(facts.c.receipt_id == receipt_id)
                .order_by(facts.c.occurred_at, facts.c.fact_id)
            ).mappings()
            return _receipt_view(row, list(told))

    def receipts(self, query: ReceiptQuery) -> Page[ReceiptView]:
        """List receipts, newest first."""
        table = tables.receipts
        where: list[sa.ColumnElement[bool]] = []
        if query.outcome:
            where.append(table.c.outcome == query.outcome.value)
        if query.waiting:
            where.append(table.c.outcome.is_(None))
        if query.source:
            where.append(table.c.source == query.source)
        if query.page_token:
            (position,) = open_token("receipts", query.page_token, int)
            where.append(table.c.position < position)
        with translated(), self._engine.connect() as connection:
            rows = connection.execute(
                _RECEIPTS.where(*where).order_by(table.c.position.desc()).limit(query.page_size + 1)
            ).all()
            page = rows[: query.page_size]
            facts = tables.facts
            found = connection.execute(
                sa.select(facts)
                .where(facts.c.receipt_id.in_([row.receipt_id for row in page]))
                .order_by(facts.c.occurred_at, facts.c.fact_id)
            ).mappings()
            told: dict[str, list[Any]] = defaultdict(list)
            for fact in found:
                told[fact["receipt_id"]].append(fact)
        more = len(rows) > query.page_size
        token = make_token("receipts", page[-1].position) if more else ""
        return Page(tuple(_receipt_view(row, told[row.receipt_id]) for row in page), token)


def _receipt_view(row: Any, told: list[Any]) -> ReceiptView:  # noqa: ANN401  # database rows
    rejected = row.outcome == Outcome.REJECTED.value
    return ReceiptView(
        receipt_id=row.receipt_id,
        event=bytes(row.event),
        outcome=Outcome(row.outcome) if row.outcome else None,
        rejection=(
            Rejection(row.rejected_for, row.rejected_field, row.advice) if rejected else None
        ),
        repeats=row.repeats,
        facts=tuple((fact_from(each), Outcome(each["outcome"])) for each in told),
        orders=tuple(dict.fromkeys(each["order_id"] for each in told if each["order_id"])),
        weighed=bytes(row.weighed or b""),
    )
