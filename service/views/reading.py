"""Reads hashes from a view, all of them or none.

Each partition of the streams marks its part complete once every row of it is in Redis; after a
loss of data the marks are gone until the rows are back. The marks are read before the rows and
after them, so that a loss in between shows too.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from google.protobuf.message import DecodeError
from redis import Redis
from redis.exceptions import RedisError

from service.application.insights import ViewIncompleteError
from service.domain.boards import Range

# 100 hashes of a few KiB arrive well within one time-out.
HASHES_AT_ONCE: Final = 100


@contextmanager
def incomplete_on_error() -> Iterator[None]:
    """Turn whatever goes wrong with Redis into `ViewIncompleteError`."""
    try:
        yield
    except (RedisError, DecodeError, ValueError, LookupError, OverflowError) as error:
        raise ViewIncompleteError from error


def check_marks(redis: Redis, view: str, partitions: int) -> None:
    """Raise `ViewIncompleteError` unless every partition's part of the view is complete."""
    marks = redis.mget([f"concord:views:{view}:{each}" for each in range(partitions)])
    if None in list(marks):
        raise ViewIncompleteError


def starts(redis: Redis, indices: Sequence[tuple[str, Range]]) -> list[tuple[Range, int]]:
    """Return the start of every window that an index knows within its range."""
    pipeline = redis.pipeline(transaction=False)
    for index, wanted in indices:
        # "(" leaves the end itself out.
        pipeline.zrangebyscore(index, wanted.from_s, f"({wanted.until_s}")
    found = pipeline.execute()
    return [
        (wanted, int(start))
        for (_, wanted), members in zip(indices, found, strict=True)
        for start in members
    ]


def hashes(redis: Redis, keys: Sequence[str]) -> Iterator[tuple[str, dict[bytes, bytes]]]:
    """Iterate over hashes with their keys; one that is not there is empty."""
    for first in range(0, len(keys), HASHES_AT_ONCE):
        wanted = keys[first : first + HASHES_AT_ONCE]
        pipeline = redis.pipeline(transaction=False)
        for key in wanted:
            pipeline.hgetall(key)
        answers: list[Any] = pipeline.execute()
        yield from zip(wanted, answers, strict=True)
