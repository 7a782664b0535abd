"""Brings the database to the newest schema, one migrator at a time, beside services at work.

A step that would have to wait for a table gives way, for whoever came after it would have to wait
as well; so does one that PostgreSQL chose to end a deadlock with. It comes again: each step is a
transaction.
"""

import random
import time
from pathlib import Path
from typing import Final

import psycopg2.errors as pg
import sqlalchemy as sa
import sqlalchemy.exc
from alembic import command
from alembic.config import Config

from service.postgres.engine import make_engine

MIGRATIONS: Final = Path(__file__).parent / "migrations"
# Any fixed number: it names the lock on which migrators wait for each other.
MIGRATION_LOCK: Final = 0x636F6E63
# Calls wait four seconds for a lock: none is refused because of a migration.
GIVES_WAY_AFTER: Final = "2s"
# Two seconds each, and half a second between them, are more than a minute.
TRIES: Final = 30
PAUSE_S: Final = 1.0


def configuration(connection: sa.Connection | None = None) -> Config:
    """Return Alembic's settings, without a file."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def migrate(database_url: str) -> None:
    """Run what is missing. Needs a login that may create tables and roles."""
    engine = make_engine(database_url, connections=1, as_owner=True)
    try:
        with engine.connect() as connection:
            connection.execute(sa.select(sa.func.pg_advisory_lock(MIGRATION_LOCK)))
            connection.commit()
            # Only now: the other migrator may take its time.
            connection.execute(sa.text(f"SET lock_timeout = '{GIVES_WAY_AFTER}'"))
            connection.commit()
            _upgrade(connection)
            connection.execute(sa.select(sa.func.pg_advisory_unlock(MIGRATION_LOCK)))
            connection.commit()
    finally:
        engine.dispose()


def _upgrade(connection: sa.Connection) -> None:
    for attempt in range(TRIES):
        try:
            command.upgrade(configuration(connection), "head")
            connection.commit()
        except sqlalchemy.exc.OperationalError as error:
            connection.rollback()
            gave_way = isinstance(error.orig, pg.DeadlockDetected | pg.LockNotAvailable)
            if not gave_way or attempt == TRIES - 1:
                raise
            time.sleep(random.uniform(0, PAUSE_S))  # noqa: S311  # jitter
        else:
            return
