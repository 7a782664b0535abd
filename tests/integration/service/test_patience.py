"""A database that takes what it is sent and never answers is hung up on, and found again."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
import sqlalchemy.exc
from sqlalchemy.pool import NullPool

from service.postgres.engine import database_url as with_driver
from service.postgres.patience import MARGIN_S, Watchdog, take_time
from tests.faults.proxy import Bend, FaultyProxy, Way
from tests.integration.relay.world import wait_until

# Far more than a look of the watchdog takes, on a machine that has other work.
WITHIN_S = 20.0
# Without the margin: whatever is not answered at once has waited for too long.
AT_ONCE = -MARGIN_S


@pytest.fixture
def proxy(database_url: str) -> Iterator[FaultyProxy]:
    url = sa.make_url(database_url)
    with FaultyProxy(url.host or "", url.port or 0) as made:
        yield made


def engine_behind(database_url: str, proxy: FaultyProxy, limit_s: float | None) -> sa.Engine:
    url = with_driver(database_url).set(host="127.0.0.1", port=proxy.port)
    args = {"connect_timeout": 3, **Watchdog(limit_s).connect_args}
    return sa.create_engine(url, poolclass=NullPool, connect_args=args)


def is_lost(failed: BaseException | None) -> bool:
    return isinstance(failed, sqlalchemy.exc.DBAPIError) and failed.connection_invalidated


def outcome(ask: object) -> BaseException | None:
    """Return with what error a call ends that must end."""
    found: list[BaseException | None] = []

    def run() -> None:
        try:
            ask()  # type: ignore[operator]  # a callable, whichever
        except sqlalchemy.exc.DBAPIError as error:
            found.append(error)
        else:
            found.append(None)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(WITHIN_S)
    assert found, "it hangs"
    return found[0]


@pytest.mark.parametrize("way", [Way.QUESTIONS, Way.ANSWERS], ids=str)
def test_a_statement_that_is_not_answered_ends(
    database_url: str, proxy: FaultyProxy, way: Way
) -> None:
    engine = engine_behind(database_url, proxy, AT_ONCE)
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
        proxy.bend(Bend(silent=way))

        assert is_lost(outcome(lambda: connection.execute(sa.text("SELECT 1"))))

    proxy.heal()
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT 1")).scalar_one() == 1


def test_a_commit_and_the_rows_of_a_cursor_that_are_not_answered_end(
    database_url: str, proxy: FaultyProxy
) -> None:
    engine = engine_behind(database_url, proxy, AT_ONCE)
    many = sa.text("SELECT generate_series(1, 1000)")
    with engine.connect() as connection, engine.connect() as other:
        connection.execute(sa.text("CREATE TABLE kept (n int)"))
        rows = other.execution_options(yield_per=10).execute(many)
        assert rows.fetchmany(10)
        proxy.bend(Bend(silent=Way.ANSWERS))

        assert is_lost(outcome(connection.commit))
        assert is_lost(outcome(rows.all))


def test_whoever_may_take_his_time_is_waited_for(database_url: str, proxy: FaultyProxy) -> None:
    engine = engine_behind(database_url, proxy, AT_ONCE)
    with engine.connect() as connection:
        take_time(connection, 60)
        connection.execute(sa.text("SELECT pg_sleep(1.5)"))
        connection.commit()

        # With the transaction it ends.
        assert is_lost(outcome(lambda: connection.execute(sa.text("SELECT pg_sleep(60)"))))


def test_nobody_watches_where_nobody_is_connected(database_url: str, proxy: FaultyProxy) -> None:
    # Those of the tests before this one may end meanwhile.
    others = watchdogs()
    engine = engine_behind(database_url, proxy, 8)
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
        ours = watchdogs() - others
        assert ours

    wait_until(lambda: not ours & watchdogs(), what="the watchdog's end")


def watchdogs() -> set[threading.Thread]:
    return {each for each in threading.enumerate() if each.name == "database-watchdog"}
