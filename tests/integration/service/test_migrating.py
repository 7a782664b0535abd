"""A migration beside services at work: it gives way to them, and comes again."""

from __future__ import annotations

import threading
from collections.abc import Callable

import sqlalchemy as sa
from alembic import command

from service.postgres.engine import make_engine
from service.postgres.migrating import configuration, migrate
from tests.integration.relay.world import wait_until

WAITING = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'outbox'::regclass"


def test_a_migration_gives_way_to_work_and_is_done_when_there_is_room(
    new_database: Callable[..., str],
) -> None:
    url = new_database()
    engine = make_engine(url, connections=3, as_owner=True)
    with engine.connect() as connection:
        command.upgrade(configuration(connection), "0004")
        connection.commit()
    migrating = threading.Thread(target=migrate, args=(url,))
    with engine.connect() as witness, engine.connect() as worker:
        worker.execute(sa.text("LOCK TABLE outbox IN ROW EXCLUSIVE MODE"))
        migrating.start()
        look = witness.execution_options(isolation_level="AUTOCOMMIT")
        wait_until(lambda: bool(look.execute(sa.text(WAITING)).all()), what="a waiting migration")
        wait_until(lambda: not look.execute(sa.text(WAITING)).all(), what="it to give way")
        assert migrating.is_alive()
        worker.rollback()

    migrating.join(30)
    assert not migrating.is_alive()
    with engine.connect() as connection:
        held = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one()
    engine.dispose()
    assert held > "0004"
