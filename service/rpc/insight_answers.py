"""Writes the answers of `InsightService`."""

from datetime import datetime, timedelta
from typing import Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from concord.insights.v1 import insight_service_pb2 as api
from concord.insights.v1.stage_pb2 import ChannelMinute, StageNumbers, StageWindow
from service.application.insights import ChannelBoard, Source, StageBoard, Verification
from service.domain.boards import BoardRow, Numbers, WindowKey, buckets
from service.domain.channel_health import ChannelNumbers
from service.domain.overdue import Stuck
from service.domain.recount import Difference
from service.wire import duration, state_number, timestamp

DIFFERENCES_MAX: Final = 100

_SOURCES: Final = {each: api.StageBoard.Source.Value(f"SOURCE_{each.value}") for each in Source}


def stage_board(board: StageBoard) -> api.StageBoard:
    """Return the stage board."""
    return api.StageBoard(
        rows=[_row(each) for each in board.rows],
        start_time=_time(board.span.start) if board.span else None,
        end_time=_time(board.span.end) if board.span else None,
        source=_SOURCES[board.source],
        watermark=_time(board.watermark),
    )


def channel_board(board: ChannelBoard) -> api.ChannelBoard:
    """Return the channel board, channels by name."""
    start = _time(board.span.start)
    return api.ChannelBoard(
        channels=[_channel(name, board.channels[name], start) for name in sorted(board.channels)],
        start_time=start,
        end_time=_time(board.span.end),
        source=_SOURCES[board.source],
    )


def overdue(stuck: Stuck, limit: timedelta) -> api.ListOverdueOrdersResponse.Overdue:
    """Return one overdue order."""
    return api.ListOverdueOrdersResponse.Overdue(
        order=f"orders/{stuck.order_id}",
        state=state_number(stuck.evidence.state),
        state_time=_time(stuck.since),
        limit=duration(limit),
        cause=stuck.cause,
        owner_role=stuck.owner_role,
        case=f"cases/{stuck.case.case_id}" if stuck.case else "",
    )


def verification(found: Verification) -> api.VerifyInsightsResponse:
    """Return what the comparison found; the first differences in full, the rest as a number."""
    return api.VerifyInsightsResponse(
        windows=found.windows,
        measures=found.measures,
        differences=[_difference(each) for each in found.differences[:DIFFERENCES_MAX]],
        difference_count=len(found.differences),
    )


def _row(row: BoardRow) -> api.StageBoard.Row:
    begin, end = row.stage
    return api.StageBoard.Row(
        from_state=state_number(begin),
        to_state=state_number(end),
        count=row.count,
        mean=duration(row.mean),
        p50=duration(row.p50),
        p95=duration(row.p95),
        p99=duration(row.p99),
        abnormal_share=row.abnormal_share,
        causes=[StageNumbers.Cause(cause=cause, count=count) for cause, count in row.causes],
    )


def _channel(name: str, numbers: ChannelNumbers, start: Timestamp | None) -> ChannelMinute:
    return ChannelMinute(
        start_time=start,
        channel=name,
        receipts=numbers.receipts,
        facts=numbers.facts,
        duplicates=numbers.duplicates,
        rejects=numbers.rejects,
        contradictions=numbers.contradictions,
        newest_event_time=_time(numbers.newest_event_at),
        delay_sum_ms=numbers.delay_sum_ms,
        delayed=numbers.delayed,
    )


def _difference(found: Difference) -> api.VerifyInsightsResponse.Difference:
    return api.VerifyInsightsResponse.Difference(
        view=_window(found.key, found.view),
        journal=_window(found.key, found.journal),
    )


def _window(key: WindowKey, numbers: Numbers | None) -> StageWindow | None:
    if numbers is None:
        return None
    begin, end = key.stage
    return StageWindow(
        start_time=Timestamp(seconds=key.start_s),
        resolution=Duration(seconds=key.resolution_s),
        from_state=state_number(begin),
        to_state=state_number(end),
        channel=key.channel,
        numbers=StageNumbers(
            count=numbers.count,
            sum_us=numbers.sum_us,
            abnormal=numbers.abnormal,
            causes=[
                StageNumbers.Cause(cause=cause, count=count)
                for cause, count in numbers.causes_by_count()
            ],
            buckets=[
                StageNumbers.Bucket(index=index, count=count)
                for index, count in sorted(buckets(numbers).items())
            ],
        ),
    )


def _time(at: datetime | None) -> Timestamp | None:
    return timestamp(at) if at is not None else None
