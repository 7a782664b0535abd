"""Places for open streams: each holds a thread, and enough must be left for all other calls."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from service.domain.errors import OverloadedError


@contextmanager
def place(watchers: BoundedSemaphore) -> Iterator[None]:
    """Hold one place while a stream is open, or raise `OverloadedError` when all are taken."""
    if not watchers.acquire(blocking=False):
        raise OverloadedError
    try:
        yield
    finally:
        watchers.release()
