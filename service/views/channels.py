"""Reads the streams' view of channels."""

from datetime import UTC

from redis import Redis

from concord.insights.v1.stage_pb2 import ChannelMinute
from service.domain.boards import MINUTE_S, Range, Span
from service.domain.channel_health import ChannelNumbers
from service.views import reading


class RedisChannelView:
    """The streams' view of channels; `partitions` is how many must have marked it complete."""

    def __init__(self, redis: Redis, partitions: int) -> None:
        self._redis = redis
        self._partitions = partitions

    def read(self, span: Span) -> dict[str, ChannelNumbers]:
        """Return each channel's sum over these minutes, or raise `ViewIncompleteError`."""
        channels: dict[str, ChannelNumbers] = {}
        with reading.incomplete_on_error():
            reading.check_marks(self._redis, "channels", self._partitions)
            wanted = Range(MINUTE_S, span.start_s, span.end_s)
            found = reading.starts(self._redis, [("concord:channels:index", wanted)])
            keys = [f"concord:channels:{start_s}" for _, start_s in found]
            for _, fields in reading.hashes(self._redis, keys):
                for channel, value in fields.items():
                    numbers = channels.setdefault(channel.decode(), ChannelNumbers())
                    numbers.merge(_numbers(ChannelMinute.FromString(value)))
            reading.check_marks(self._redis, "channels", self._partitions)
        return channels


def _numbers(told: ChannelMinute) -> ChannelNumbers:
    has_time = told.HasField("newest_event_time")
    return ChannelNumbers(
        receipts=told.receipts,
        facts=told.facts,
        duplicates=told.duplicates,
        rejects=told.rejects,
        contradictions=told.contradictions,
        delay_sum_ms=told.delay_sum_ms,
        delayed=told.delayed,
        newest_event_at=told.newest_event_time.ToDatetime(tzinfo=UTC) if has_time else None,
    )
