"""Serves `QueueService`: what waits at the exception desk, and where the time goes."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from threading import BoundedSemaphore

import grpc
from google.protobuf.duration_pb2 import Duration

from concord.cases.v1 import case_service_pb2 as case_pb
from concord.cases.v1 import queue_service_pb2 as pb
from concord.cases.v1.queue_service_pb2_grpc import QueueServiceServicer
from service.application.queues import QueueCount, Queues, Statistics, StepTimes, TypeTimes
from service.domain.desk.taxonomy import Side
from service.rpc import queue_requests as requests
from service.rpc.case_answers import case_line
from service.rpc.watching import place
from service.wire import duration, timestamp


class QueueServicer(QueueServiceServicer):
    """Reads requests, asks the use cases, writes answers. Refusals pass through."""

    def __init__(self, queues: Queues, watchers: BoundedSemaphore) -> None:
        """Take the use cases, and the places for open streams."""
        self._queues = queues
        self._watchers = watchers

    def CountQueue(
        self, request: pb.CountQueueRequest, context: grpc.ServicerContext
    ) -> pb.QueueCounts:
        """Count what is open, by role and type."""
        return _counts(*self._queues.count(requests.count_query(request)))

    def WatchQueue(
        self, request: pb.WatchQueueRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.Queue]:
        """Stream a queue, once at first and then when it changes."""
        query = requests.watch_query(request)
        with place(self._watchers):
            for queue in self._queues.watch(query, context.is_active):
                yield pb.Queue(
                    cases=[case_line(each) for each in queue.cases],
                    counts=_counts(queue.counts, queue.read_at),
                )

    def GetDeskStatistics(
        self, request: pb.GetDeskStatisticsRequest, context: grpc.ServicerContext
    ) -> pb.DeskStatistics:
        """Return, for each type and step, the time used, the share in breach, and who waits."""
        asked = requests.statistics_asked(request)
        return _statistics(
            self._queues.statistics(
                asked.start,
                asked.end,
                type=asked.type,
                owner_role=asked.owner_role,
                long_wait=asked.long_wait,
            )
        )


def _counts(counts: Sequence[QueueCount], at: datetime) -> pb.QueueCounts:
    return pb.QueueCounts(rows=[_count(each) for each in counts], read_time=timestamp(at))


def _count(count: QueueCount) -> pb.QueueCounts.Row:
    row = pb.QueueCounts.Row(
        owner_role=count.owner_role,
        type=count.type,
        open=count.open,
        unassigned=count.unassigned,
        paused=count.paused,
        near_breach=count.near_breach,
        in_breach=count.in_breach,
        oldest_time=timestamp(count.oldest_at),
    )
    _set_class(row, count.side)
    if count.next_due_at:
        row.next_due_time.CopyFrom(timestamp(count.next_due_at))
    return row


def _statistics(told: Statistics) -> pb.DeskStatistics:
    return pb.DeskStatistics(
        start_time=timestamp(told.query.start),
        end_time=timestamp(told.query.end),
        types=[_type_row(each) for each in told.types],
        steps=[_step_row(each, told.read_at) for each in told.steps],
        long_wait=duration(told.query.long_wait),
    )


def _type_row(times: TypeTimes) -> pb.DeskStatistics.TypeRow:
    row = pb.DeskStatistics.TypeRow(
        type=times.type,
        opened=times.opened,
        resolved=times.resolved,
        open=times.open,
        p50=_duration(times.p50),
        p95=_duration(times.p95),
        breach_share=times.breach_share,
    )
    _set_class(row, times.side)
    return row


def _step_row(times: StepTimes, at: datetime) -> pb.DeskStatistics.StepRow:
    since = times.waiting_since
    return pb.DeskStatistics.StepRow(
        type=times.type,
        step=times.step,
        role=times.role,
        count=times.count,
        p50=_duration(times.p50),
        p95=_duration(times.p95),
        breach_share=times.breach_share,
        waiting=times.waiting,
        waiting_long=times.waiting_long,
        longest_wait=_duration(None if since is None else at - since),
    )


def _duration(span: timedelta | None) -> Duration | None:
    return None if span is None else duration(span)


def _set_class(row: pb.QueueCounts.Row | pb.DeskStatistics.TypeRow, side: Side) -> None:
    # `class` is a Python word, so the field has no plain name.
    setattr(row, "class", case_pb.Case.Class.Value(f"CLASS_{side.value}"))
