"""The migrated schema is the one that the code declares, and guards what is append-only."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import ProgrammingError

from service.postgres.migrating import migrate
from service.postgres.tables import metadata

APPEND_ONLY = ("journal", "case_log", "receipt_outcomes", "customer_events", "profile_events")
FORBIDDEN = ("UPDATE {} SET {} = NULL", "DELETE FROM {}", "TRUNCATE {}")
A_COLUMN = {
    "journal": "hash",
    "case_log": "text",
    "receipt_outcomes": "event",
    "customer_events": "event",
    "profile_events": "event",
}


def test_the_migrated_schema_is_the_declared_one(owner: sa.Engine) -> None:
    with owner.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})

        assert compare_metadata(context, metadata) == []


def test_every_check_is_there_too(owner: sa.Engine) -> None:
    with owner.connect() as connection:
        found = {
            each["name"]
            for table in metadata.tables
            for each in sa.inspect(connection).get_check_constraints(table)
        }

    assert {"ck_orders_state", "ck_orders_closed", "ck_orders_money"} <= found


def test_migrating_again_does_nothing(module_database_url: str, owner: sa.Engine) -> None:
    with owner.connect() as connection:
        version = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
        connection.rollback()
        migrate(module_database_url)
        again = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()

    assert version == again


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("statement", FORBIDDEN)
@pytest.mark.parametrize("who", ["engine", "owner"])
def test_nobody_changes_or_deletes_what_is_append_only(
    table: str, statement: str, who: str, request: pytest.FixtureRequest
) -> None:
    engine: sa.Engine = request.getfixturevalue(who)

    with engine.connect() as connection, pytest.raises(ProgrammingError) as refused:
        connection.execute(sa.text(statement.format(table, A_COLUMN[table])))

    assert refused.value.orig.pgcode == "42501"  # type: ignore[union-attr]  # no privilege


REFUSED: dict[str, str] = {
    "the body of a receipt": "UPDATE receipts SET event = ''",
    "the account of a receipt": "UPDATE receipts SET account = ''",
    "a receipt": "DELETE FROM receipts",
    "all receipts": "TRUNCATE receipts",
    "all orders": "TRUNCATE orders",
    "a trigger": "ALTER TABLE journal DISABLE TRIGGER ALL",
    "a table": "DROP TABLE journal",
    "the schema's version": "UPDATE alembic_version SET version_num = '0'",
    "a new table": "CREATE TABLE mine ()",
    "its own role": "ALTER ROLE concord_app SUPERUSER",
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_application_may_not_touch(name: str, engine: sa.Engine) -> None:
    with engine.connect() as connection, pytest.raises(ProgrammingError) as refused:
        connection.execute(sa.text(REFUSED[name]))

    assert refused.value.orig.pgcode == "42501"  # type: ignore[union-attr]  # no privilege


@pytest.mark.parametrize(
    "change",
    [
        "state = 'LOST'",
        "state = 'COMPLETED', closed_at = NULL",
        "state = 'PAID', closed_at = now()",
        "paid_minor = -1",
        "refunded_minor = -1",
    ],
)
def test_the_database_refuses_an_order_that_cannot_be(change: str, owner: sa.Engine) -> None:
    columns = (
        "order_id, state, state_since, refund_state, currency, total_minor, list_total_minor,"
        " paid_minor, refunded_minor, placed_at, updated_at, outbound_approved, discrepancies,"
        " refs, lines, holds, hold_reasons, sequence, chain_head"
    )
    values = (
        "'ord-1', 'PAID', now(), 'NONE', 'CNY', 1, 1, 1, 0, now(), now(), false, '{}',"
        " '[]', '[]', '[]', '{}', 1, ''"
    )
    with owner.connect() as connection:
        connection.execute(sa.text(f"INSERT INTO orders ({columns}) VALUES ({values})"))  # noqa: S608
        with pytest.raises(sa.exc.IntegrityError):
            connection.execute(sa.text(f"UPDATE orders SET {change}"))  # noqa: S608


def test_two_databases_of_one_server_share_the_application_role(
    new_database: Callable[..., str],
) -> None:
    for _ in range(2):
        migrate(new_database())
