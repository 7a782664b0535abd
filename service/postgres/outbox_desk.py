"""What people may ask of the outbox; the relay's side is in `outbox_queue`."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import Engine, Row, text

from service.application.outbox import Backlog, NewLife, ParkedStream, Stream, StreamKey
from service.domain.errors import StreamNotParkedError
from service.postgres import outbox_history
from service.postgres.outbox_queue import read_backlog
from service.postgres.translating import translated

PARKED: Final = """
    SELECT p.topic, p.key, p.attempts, coalesce(p.last_error, '') AS last_error, p.parked_at,
           (SELECT count(*) FROM outbox AS o
            WHERE o.topic = p.topic AND o.key = p.key AND o.published_at IS NULL) AS messages
    FROM {parked} AS p ORDER BY p.parked_at, p.topic, p.key
"""

LIST: Final = text(
    PARKED.format(parked="(SELECT * FROM parked_streams ORDER BY parked_at LIMIT :most)")
)

FREED: Final = "DELETE FROM parked_streams WHERE topic = :topic AND key = :key RETURNING *"
FREE: Final = text(f"WITH freed AS ({FREED}) {PARKED.format(parked='freed')}")

FORGIVE: Final = text(
    "UPDATE outbox SET attempts = 0, last_error = NULL"
    " WHERE topic = :topic AND key = :key AND published_at IS NULL"
)


class PostgresOutboxQueue:
    """Implements `OutboxQueue`."""

    def __init__(
        self, engine: Engine, *, topics: Mapping[Stream, str], ids: Callable[[], str]
    ) -> None:
        self._engine = engine
        self._topics = topics
        self._ids = ids

    def backlog(self) -> Backlog:
        with translated(), self._engine.connect() as connection:
            return read_backlog(connection)

    def parked_streams(self, limit: int) -> list[ParkedStream]:
        with translated(), self._engine.connect() as connection:
            return [_parked(row) for row in connection.execute(LIST, {"most": limit})]

    def resend(self, stream: StreamKey) -> ParkedStream:
        with translated(), self._engine.begin() as connection:
            row = connection.execute(FREE, stream._asdict()).one_or_none()
            if row is None:
                raise StreamNotParkedError(topic=stream.topic, key=stream.key)
            connection.execute(FORGIVE, stream._asdict())
            return _parked(row)

    def begin_life(self) -> NewLife:
        with translated(), self._engine.begin() as connection:
            return outbox_history.begin_life(connection, self._ids(), self._topics)


def _parked(row: Row[Any]) -> ParkedStream:
    return ParkedStream(
        stream=StreamKey(row.topic, row.key),
        messages=row.messages,
        attempts=row.attempts,
        last_error=row.last_error,
        parked_at=row.parked_at,
    )
