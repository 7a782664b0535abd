"""The views in Redis: rows for the boards, and markers that say whether they are all there.

The service reads a view only while every partition's marker is there. A partition's marker is set
when all of its windows were written and none of them lost since, and only once the partials
behind them were counted from the beginning of the broker's life. A Redis that lost everything
lost the markers too; the keeper notices within two seconds and writes its partitions anew. So a
view may lag, or be absent; it does not lie.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, Protocol

import structlog
from google.protobuf.message import Message
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from streams import encoding
from streams.logic.channels import ChannelKey
from streams.logic.stages import StageKey

# A flushed Redis is noticed after this long at most.
LOOK_EVERY_S: Final = 2.0
# Windows in one pipeline: about 1 MiB.
PIPELINE_ROWS: Final = 1000
# Redis answers in a millisecond, or is in trouble.
TIMEOUT_S: Final = 2.0

_EPOCH: Final = "concord:views:epoch"
_CLEARING: Final = "concord:views:clearing"
# Far longer than millions of rows take; a worker that ends in between leaves no token behind.
_REWRITING_S: Final = 3600
# Clearing a million keys takes about ten seconds.
_CLEARING_S: Final = 60

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a window is in Redis: its hash, its field, and the index that names the hash."""

    hash: str
    field: str
    index: str
    start_s: int


def stage_place(key: StageKey) -> Place:
    """Return where a stage window is."""
    return Place(
        f"concord:stages:{key.resolution_s}:{key.start_s}",
        f"{key.from_state}:{key.to_state}:{key.channel}",
        f"concord:stages:index:{key.resolution_s}",
        key.start_s,
    )


def channel_place(key: ChannelKey) -> Place:
    """Return where a channel's minute is."""
    start_s, channel = key
    return Place(f"concord:channels:{start_s}", channel, "concord:channels:index", start_s)


def profile_place(customer: str) -> Place:
    """Return where a customer's profile is; all are in one hash, which nobody reads as a whole."""
    return Place("concord:profiles", customer, "", 0)


STAGE_WATERMARK: Final = "concord:stages:watermark"


class Viewed(Protocol):
    """The numbers of a row."""

    def is_nothing(self) -> bool:
        """Return whether there is nothing to show."""


class Row(Protocol):
    """A row of a view, as an engine has it."""

    @property
    def key(self) -> Any:  # noqa: ANN401  # the view's own kind of name
        """What it is about."""

    @property
    def numbers(self) -> Viewed:
        """What it shows."""


class Merged(Protocol):
    """What the keeper asks of an engine of level two."""

    def wholes(self) -> Iterable[Row]:
        """Return every row of the partition as it is now, whatever changes while they are read."""

    def is_complete(self) -> bool:
        """Return whether all sources were read from their beginning."""


@dataclass(slots=True)
class View:
    """One view, as one worker writes it."""

    redis: Redis
    # `stages`, `channels` or `profiles`.
    name: str
    place: Callable[[Any], Place]
    encode: Callable[[Any], Message]
    worker_id: str
    rewritten: Callable[[], None]
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    # Partitions of which a write failed.
    _stale: set[int] = field(default_factory=set)

    def marker(self, partition: int) -> str:
        """Return the key of the partition's marker."""
        return f"concord:views:{self.name}:{partition}"

    async def write(self, partition: int, wholes: Iterable[Row]) -> None:
        """Write windows; if Redis is out of reach, the keeper writes all of them later."""
        async with self._writing:
            try:
                await self._write(wholes)
            except (RedisError, OSError) as error:
                self._stale.add(partition)
                log.warning("view_unreachable", partition=partition, error=error, kind=self.name)

    async def keep(self, engines: Mapping[int, Merged]) -> None:
        """See that these partitions are in Redis as a whole; raise if Redis is out of reach."""
        for partition, engine in engines.items():
            marker = self.marker(partition)
            is_ours = await self.redis.get(marker) == self.worker_id.encode()
            if (is_ours and partition not in self._stale) or not engine.is_complete():
                continue
            async with self._writing:
                self._stale.discard(partition)
                try:
                    count = await self._rewrite(marker, engine.wholes())
                except ResponseError as error:
                    # It is in reach; whatever else it lacks may be written.
                    self._stale.add(partition)
                    log.warning(
                        "view_unreachable", partition=partition, error=error, kind=self.name
                    )
                    continue
                except (RedisError, OSError):
                    self._stale.add(partition)
                    raise
            self.rewritten()
            log.info("view_rewritten", kind=self.name, partition=partition, rows=count)

    async def _rewrite(self, marker: str, wholes: Iterable[Row]) -> int:
        """Write all rows and the marker; raise `ResponseError` if Redis lost any of them since.

        A Redis that lost everything in between takes the other rows, and the client tells nothing
        of one that came back meanwhile. So the marker is there from before the first row, under
        another name, and gets its own at last: what is lost is lost with it.
        """
        token = f"{marker}:{self.worker_id}"
        await self.redis.set(token, self.worker_id, ex=_REWRITING_S)
        count = await self._write(wholes)
        async with self.redis.pipeline(transaction=True) as end:
            end.rename(token, marker)
            end.persist(marker)
            await end.execute()
        return count

    async def _write(self, wholes: Iterable[Row]) -> int:
        """Write rows a pipeline at a time, never all at once; return how many there were."""
        left, count = iter(wholes), 0
        while part := list(islice(left, PIPELINE_ROWS)):
            count += len(part)
            pipeline = self.redis.pipeline(transaction=False)
            # A command for each hash and index, not for each row: that is most of what it costs.
            fields: dict[str, dict[Any, Any]] = {}
            indexes: dict[str, dict[str, int]] = {}
            for whole in part:
                at = self.place(whole.key)
                numbers: Viewed = whole.numbers
                if numbers.is_nothing():
                    fields.get(at.hash, {}).pop(at.field, None)
                    pipeline.hdel(at.hash, at.field)
                    continue
                rows = fields.setdefault(at.hash, {})
                rows[at.field] = self.encode(whole).SerializeToString()
                if at.index:
                    indexes.setdefault(at.index, {})[str(at.start_s)] = at.start_s
            for name, rows in fields.items():
                if rows:
                    pipeline.hset(name, mapping=rows)
            for name, starts in indexes.items():
                pipeline.zadd(name, starts)
            await pipeline.execute()
        return count


async def clear_older(redis: Redis, epoch: int, worker_id: str) -> None:
    """Drop what was written in earlier lives of the broker, markers first and last."""
    wanted = str(epoch).encode()
    while await redis.get(_EPOCH) != wanted:
        if not await redis.set(_CLEARING, worker_id, nx=True, ex=_CLEARING_S):
            await asyncio.sleep(LOOK_EVERY_S)
            continue
        kinds = ("stages", "channels", "profiles")
        marks = [f"concord:views:{each}:*" for each in kinds]
        for pattern in (*marks, *(f"concord:{each}*" for each in kinds), *marks):
            keys = [key async for key in redis.scan_iter(match=pattern, count=PIPELINE_ROWS)]
            for start in range(0, len(keys), PIPELINE_ROWS):
                await redis.unlink(*keys[start : start + PIPELINE_ROWS])
        await redis.set(_EPOCH, epoch)
        await redis.delete(_CLEARING)


def connect(url: str) -> Redis:
    """Return a client that connects with its first command."""
    client: Redis = Redis.from_url(url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S)
    return client


STAGES: Final = ("stages", stage_place, encoding.stage_window)
CHANNELS: Final = ("channels", channel_place, encoding.channel_minute)
PROFILES: Final = ("profiles", profile_place, encoding.customer_profile)
