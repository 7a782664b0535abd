"""Brings the database to the newest schema, one migrator at a time."""

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from service.postgres.engine import make_engine

MIGRATIONS: Final = Path(__file__).parent / "migrations"
# Any fixed number: it names the lock on which migrators wait for each other.
MIGRATION_LOCK: Final = 0x636F6E63


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
            command.upgrade(configuration(connection), "head")
            connection.commit()
            connection.execute(sa.select(sa.func.pg_advisory_unlock(MIGRATION_LOCK)))
            connection.commit()
    finally:
        engine.dispose()
