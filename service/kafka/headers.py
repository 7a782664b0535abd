"""Headers of every record: CloudEvents, the broker's life, the number, never the trace.

The outbox row has what is peculiar to it (`ce_id`, `ce_subject`, `ce_time`, `traceparent`); the
rest follows from the topic. The producer alone adds `traceparent` to a record: two injectors
would send two of them.
"""

from datetime import datetime
from typing import Final

from service.application.outbox import OutboxRow
from service.kafka.topics import Topic

Headers = list[tuple[str, bytes]]

TRACEPARENT: Final = "traceparent"
EPOCH: Final = "concord-epoch"
NUMBER: Final = "concord-n"
SOURCE: Final = "/concord/service"


def row_headers(row: OutboxRow, message_name: str, epoch: int) -> Headers:
    """Return the headers of an outbox row's record."""
    said = {name: text for name, text in row.headers.items() if text and name != TRACEPARENT}
    headers = _headers({"ce_id": str(row.row_id), **_constant(message_name), **said}, epoch)
    if row.n is not None:
        headers.append((NUMBER, str(row.n).encode()))
    return headers


def heartbeat_headers(topic: Topic, partition: int, at: datetime, epoch: int) -> Headers:
    """Return the headers of a heartbeat: no trace, no number."""
    said = {
        "ce_id": f"heartbeat:{partition}:{at.isoformat()}",
        "ce_time": at.isoformat(),
        **_constant(topic.message_name),
    }
    return _headers(said, epoch)


def _constant(message_name: str) -> dict[str, str]:
    return {
        "ce_specversion": "1.0",
        "ce_source": SOURCE,
        "ce_type": message_name,
        "content-type": "application/protobuf",
    }


def _headers(texts: dict[str, str], epoch: int) -> Headers:
    headers = [(name, text.encode()) for name, text in texts.items()]
    headers.append((EPOCH, str(epoch).encode()))
    return headers
