"""Reads cases with all that belongs to them, and purchase requests, without locks."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from service.application.handlings import CaseView, handling_of
from service.application.reading import Page
from service.domain.cases import Case, CaseAct
from service.domain.deciding import Dossier
from service.domain.desk.purchases import PurchaseRequest
from service.domain.errors import CaseNotFoundError
from service.domain.terms import Terms
from service.postgres import case_tables, tables
from service.postgres.case_values import act_from, case_from
from service.postgres.desk_rows import DeskRows, purchase_from
from service.postgres.moments import to_text
from service.postgres.tokens import make_token, open_token
from service.postgres.translating import translated


class CaseReading:
    """The part of the reader that knows how cases are handled."""

    _engine: sa.Engine

    def dossier(self, order_id: str) -> Dossier:
        """Return an order with its facts and open cases, or raise `OrderNotFoundError`."""
        raise NotImplementedError

    def case(self, case_id: str) -> tuple[Case, Sequence[CaseAct]]:
        """Return a case and its log, or raise `CaseNotFoundError`."""
        with translated(), self._engine.connect() as connection:
            return _case_and_log(connection, case_id)

    def case_view(self, case_id: str, terms: Terms) -> CaseView:
        """Return a case with its log and all that belongs to it, or raise `CaseNotFoundError`."""
        with translated(), self._engine.connect() as connection:
            case, acts = _case_and_log(connection, case_id)
            rows = _Rows(connection)
            papers = rows.papers([case_id])[case_id]
            links, purchases = rows.links_of(case_id), rows.purchases_of(case_id)
        dossier = self.dossier(case.order_id) if case.order_id else None
        return CaseView(handling_of(terms, case, dossier, papers), links, purchases, acts)

    def purchases(
        self, *, case_id: str, include_closed: bool, page_size: int, page_token: str
    ) -> Page[PurchaseRequest]:
        """List purchase requests, oldest first; or raise `CursorInvalidError`."""
        table = case_tables.purchase_requests
        where: list[sa.ColumnElement[bool]] = []
        if case_id:
            where.append(table.c.case_id == case_id)
        if not include_closed:
            where.append(table.c.closed_at.is_(None))
        if page_token:
            at, purchase_id = open_token("purchases", page_token, datetime, str)
            after = sa.tuple_(sa.literal(at), sa.literal(purchase_id))
            where.append(sa.tuple_(table.c.requested_at, table.c.purchase_id) > after)
        with translated(), self._engine.connect() as connection:
            rows = (
                connection.execute(
                    sa.select(table)
                    .where(*where)
                    .order_by(table.c.requested_at, table.c.purchase_id)
                    .limit(page_size + 1)
                )
                .mappings()
                .all()
            )
        page = [purchase_from(row) for row in rows[:page_size]]
        more = len(rows) > page_size
        last = page[-1] if more else None
        token = (
            make_token("purchases", to_text(last.requested_at), last.purchase_id) if last else ""
        )
        return Page(tuple(page), token)


def _case_and_log(connection: sa.Connection, case_id: str) -> tuple[Case, list[CaseAct]]:
    cases, log = tables.cases, tables.case_log
    row = connection.execute(sa.select(cases).where(cases.c.case_id == case_id)).mappings().first()
    if row is None:
        raise CaseNotFoundError(case=case_id)
    case = case_from(row)
    told = connection.execute(
        sa.select(log).where(log.c.case_id == case_id).order_by(log.c.number)
    ).mappings()
    return case, [act_from(case, each) for each in told]


class _Rows(DeskRows):
    """What transactions read, read without one."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
