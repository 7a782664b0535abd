"""Headers of every record: CloudEvents, the broker's life, the number, never the trace.

The outbox row has what is peculiar to it (`ce_id`, `ce_subject`, `ce_time`, `traceparent`); the
rest follows from the topic. The producer alone adds `traceparent` to a record: two injectors
would send two of them.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Final

from service.application.outbox import OutboxRow
from service.kafka.topics import Topic

# By name, as text: whoever sends them makes bytes of them.
Headers = Mapping[str, str]

TRACEPARENT: Final = "traceparent"
EPOCH: Final = "concord-epoch"
NUMBER: Final = "concord-n"
SOURCE: Final = "/concord/service"


def row_headers(row: OutboxRow, message_name: str, epoch: int) -> Headers:
    """Return the headers of an outbox row's record."""
    said = row.headers
    if "" in said.values() or "ce_id" not in said:
        said = {"ce_id": str(row.row_id), **{name: text for name, text in said.items() if text}}
    headers = {**_constant(message_name), **said, EPOCH: str(epoch)}
    headers.pop(TRACEPARENT, None)
    if row.n is not None:
        headers[NUMBER] = str(row.n)
    return headers


def heartbeat_headers(topic: Topic, partition: int, at: datetime, epoch: int) -> Headers:
    """Return the headers of a heartbeat: no trace, no number."""
    return {
        "ce_id": f"heartbeat:{partition}:{at.isoformat()}",
        "ce_time": at.isoformat(),
        **_constant(topic.message_name),
        EPOCH: str(epoch),
    }


@cache
def _constant(message_name: str) -> dict[str, str]:
    return {
        "ce_specversion": "1.0",
        "ce_source": SOURCE,
        "ce_type": message_name,
        "content-type": "application/protobuf",
    }
