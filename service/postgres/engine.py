"""Connections: bounded in time, never shared across a fork, always as the application's role."""

import os
from typing import Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url

from service.postgres.patience import Watchdog

APPLICATION_ROLE: Final = "concord_app"

# A transaction must end before the caller's 10 s deadline; a lock wait well before that, so
# that there is time to try again.
STATEMENT_TIMEOUT_S: Final = 8
_SERVER_SETTINGS: Final = {
    "role": APPLICATION_ROLE,
    "statement_timeout": f"{STATEMENT_TIMEOUT_S}s",
    "lock_timeout": "4000",
    "idle_in_transaction_session_timeout": "10000",
    # PostgreSQL gives up a session whose other end is gone as soon as we do: within 9 s.
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "2",
    "tcp_user_timeout": "5000",
    "timezone": "UTC",
}


# A transaction's own affair: a level that is set on the connection costs two more round trips with
# every transaction that it ever has, whoever has it by then.
_SNAPSHOT: Final = sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def begin_snapshot(connection: sa.Connection) -> None:
    """Let the transaction that begins here see one moment, and write nothing."""
    connection.execute(_SNAPSHOT)


def database_url(text: str) -> URL:
    """Return the URL with the driver that we use; `postgresql://` alone names another one."""
    url = make_url(text)
    return url.set(drivername="postgresql+psycopg2")


def make_engine(text: str, *, connections: int, as_owner: bool = False) -> sa.Engine:
    """Return an engine. `as_owner` keeps the login's own role: for migrations only."""
    settings = {} if as_owner else _SERVER_SETTINGS
    # A migration takes as long as it takes.
    watchdog = Watchdog(None if as_owner else STATEMENT_TIMEOUT_S)
    engine = sa.create_engine(
        database_url(text),
        pool_size=connections,
        max_overflow=0,
        # A caller waits for a connection no longer than for a lock.
        pool_timeout=4,
        pool_pre_ping=True,
        pool_recycle=1800,
        pool_use_lifo=True,
        # One round trip for many rows, also where they are updated.
        executemany_mode="values_plus_batch",
        executemany_batch_page_size=500,
        connect_args={
            **watchdog.connect_args,
            "connect_timeout": 3,
            # Unacknowledged data on a dead link: fail after 5 s (TCP keepalives do not notice).
            "tcp_user_timeout": 5000,
            # Nothing to acknowledge, as while an answer is awaited: 5 + 2 × 2 s, not 5 + 9 × 75 s.
            "keepalives": 1,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 2,
            "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
            "application_name": "concord",
        },
    )
    owner = os.getpid()

    @event.listens_for(engine, "checkout")
    def _refuse_fork(*_: object) -> None:
        if os.getpid() != owner:
            message = "an engine is not for use across a fork: build one in each process"
            raise RuntimeError(message)

    return engine
