"""Reads the streams' view of stages."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from redis import Redis

from concord.insights.v1.stage_pb2 import StageNumbers, StageWindow
from concord.orders.v1.order_pb2 import Order
from service.application.insights import ViewedStages
from service.domain.boards import Numbers, Range, WindowKey, middle_us
from service.domain.lifecycle import State
from service.views import reading

_STATES: Final[Mapping[int, State]] = {
    Order.State.Value(f"STATE_{each.value}"): each for each in State
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class RedisStageView:
    """The streams' view of stages; `partitions` is how many must have marked it complete."""

    def __init__(self, redis: Redis, partitions: int) -> None:
        self._redis = redis
        self._partitions = partitions

    def read(self, ranges: Sequence[Range]) -> ViewedStages:
        """Return the windows of these ranges, or raise `ViewIncompleteError`."""
        with reading.incomplete_on_error():
            reading.check_marks(self._redis, "stages", self._partitions)
            indices = [(f"concord:stages:index:{each.resolution_s}", each) for each in ranges]
            found = reading.starts(self._redis, indices)
            wanted = {
                f"concord:stages:{each.resolution_s}:{start_s}": (each.resolution_s, start_s)
                for each, start_s in found
            }
            windows: dict[WindowKey, Numbers] = {}
            for name, fields in reading.hashes(self._redis, list(wanted)):
                for field, value in fields.items():
                    begin, end, channel = field.decode().split(":", 2)
                    stage = _STATES[int(begin)], _STATES[int(end)]
                    window = StageWindow.FromString(value)
                    windows[WindowKey(*wanted[name], stage, channel)] = _numbers(window.numbers)
            mark = cast("bytes | None", self._redis.get("concord:stages:watermark"))
            reading.check_marks(self._redis, "stages", self._partitions)
        return ViewedStages(windows, _EPOCH + timedelta(microseconds=int(mark)) if mark else None)


def _numbers(told: StageNumbers) -> Numbers:
    spread: dict[int, int] = {}
    for bucket in told.buckets:
        middle = middle_us(bucket.index)
        spread[middle] = spread.get(middle, 0) + bucket.count
    return Numbers(
        count=told.count,
        sum_us=told.sum_us,
        abnormal=told.abnormal,
        causes={each.cause: each.count for each in told.causes},
        spread=spread,
    )
