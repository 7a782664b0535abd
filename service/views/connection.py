"""The connection to Redis: answers fast or not at all, because there is always another way."""

from typing import Final

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

# A healthy view answers within a few milliseconds; computing the same from the journal takes
# hundreds. Waiting longer than this for the fast way would make it the slow one.
TIMEOUT_S: Final = 0.05
# A comparison of all windows reads megabytes, and has no other way.
PATIENT_TIMEOUT_S: Final = 5.0


def connect(url: str, *, timeout_s: float = TIMEOUT_S) -> Redis:
    """Return a client, without connecting. It never tries again: the caller has another way."""
    return Redis.from_url(
        url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
    )
