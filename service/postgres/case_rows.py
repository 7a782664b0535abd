"""Locks cases and keeps flags."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from service.application.ports import StoredFlag
from service.domain.cases import Case
from service.domain.errors import CaseNotFoundError, FlagNotFoundError
from service.postgres import tables
from service.postgres.case_values import case_from


class CaseRows:
    """The part of a transaction that knows cases and flags."""

    _connection: sa.Connection

    def lock_case(self, case_id: str) -> Case:
        """Return a case, its order's row locked; or raise `CaseNotFoundError`."""
        table = tables.cases
        order_id = self._connection.execute(
            sa.select(table.c.order_id).where(table.c.case_id == case_id)
        ).scalar_one_or_none()
        if order_id is None:
            raise CaseNotFoundError(case=case_id)
        self._connection.execute(
            sa.select(tables.orders.c.order_id)
            .where(tables.orders.c.order_id == order_id)
            .with_for_update()
        )
        row = self._connection.execute(
            sa.select(table).where(table.c.case_id == case_id).with_for_update()
        ).mappings()
        return case_from(row.one())

    def case_exists(self, case_id: str) -> bool:
        """Tell whether a case of this id was ever opened."""
        table = tables.cases
        found = self._connection.execute(
            sa.select(table.c.case_id).where(table.c.case_id == case_id)
        )
        return found.first() is not None

    def store_flag(self, flag: StoredFlag, *, at: datetime) -> StoredFlag | None:
        """Store a flag; return the stored one when it was there before, else None."""
        table = tables.flags
        fresh = self._connection.execute(
            insert(table)
            .values(**_flag_row(flag), recorded_at=at)
            .on_conflict_do_nothing()
            .returning(table.c.flag_id)
        ).first()
        return None if fresh else self.find_flag(flag.flag_id)

    def find_flag(self, flag_id: str) -> StoredFlag:
        """Return a flag, or raise `FlagNotFoundError`."""
        table = tables.flags
        row = self._connection.execute(
            sa.select(table).where(table.c.flag_id == flag_id).with_for_update()
        ).first()
        if row is None:
            raise FlagNotFoundError(flag=flag_id)
        return StoredFlag(
            flag_id=row.flag_id,
            order_id=row.order_id,
            customer=row.customer,
            rule=row.rule,
            rule_version=row.rule_version,
            action=row.action,
            inputs=tuple((name, value) for name, value in row.inputs),
            occurred_at=row.occurred_at,
            act=row.act,
        )

    def mark_flag(self, flag_id: str, act: str) -> None:
        """Write down what was done about a flag."""
        table = tables.flags
        self._connection.execute(sa.update(table).where(table.c.flag_id == flag_id).values(act=act))


def _flag_row(flag: StoredFlag) -> dict[str, Any]:
    return {
        "flag_id": flag.flag_id,
        "order_id": flag.order_id,
        "customer": flag.customer,
        "rule": flag.rule,
        "rule_version": flag.rule_version,
        "action": flag.action,
        "inputs": [list(each) for each in flag.inputs],
        "occurred_at": flag.occurred_at,
        "act": flag.act,
    }
