"""What the driver's errors mean to whoever asked: a lost race, or a database that is away."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg2.errors as pg
import sqlalchemy.exc

from service.domain.errors import ContentionError, OutageError

_LOST_RACE: Final = (
    pg.SerializationFailure,
    pg.DeadlockDetected,
    pg.LockNotAvailable,
    pg.UniqueViolation,
)
_LOST_LINK: Final = (
    pg.AdminShutdown,
    pg.CrashShutdown,
    pg.CannotConnectNow,
    pg.TooManyConnections,
    pg.DiskFull,
    pg.QueryCanceled,
    pg.IdleInTransactionSessionTimeout,
)


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's errors into ours, once; anything else passes."""
    try:
        yield
    except sqlalchemy.exc.TimeoutError as error:
        raise ContentionError from error
    except sqlalchemy.exc.DBAPIError as error:
        if isinstance(error.orig, _LOST_RACE):
            raise ContentionError from error
        if error.connection_invalidated or isinstance(error.orig, _LOST_LINK):
            raise OutageError from error
        if isinstance(error, sqlalchemy.exc.OperationalError | sqlalchemy.exc.InterfaceError):
            raise OutageError from error
        raise
