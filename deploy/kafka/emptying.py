"""Takes all topics from a broker that goes on running; a new start would cost seconds."""

from __future__ import annotations

import time
from typing import Final

from confluent_kafka.admin import AdminClient

# Deleting a hundred takes about a second.
EMPTY_WITHIN_S: Final = 60.0
LOOK_EVERY_S: Final = 0.05
ANSWER_WITHIN_S: Final = 10.0

# Kafka's own, which groups and transactions are kept in.
INTERNAL: Final = "__"


def delete_topics(bootstrap: str) -> None:
    """Delete every topic but Kafka's own, and return when none is there any more."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})
    deadline = time.monotonic() + EMPTY_WITHIN_S
    while found := _topics(admin):
        if time.monotonic() > deadline:
            raise TimeoutError(f"still there after {EMPTY_WITHIN_S:.0f} s: {found}")
        for deletion in admin.delete_topics(found, operation_timeout=ANSWER_WITHIN_S).values():
            # What could not be deleted is there at the next look.
            deletion.exception(ANSWER_WITHIN_S)
        time.sleep(LOOK_EVERY_S)


def _topics(admin: AdminClient) -> list[str]:
    found = admin.list_topics(timeout=ANSWER_WITHIN_S).topics
    return [name for name in found if not name.startswith(INTERNAL)]
