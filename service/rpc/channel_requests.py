"""Reads requests about feeds and runs: every field checked, all violations at once."""

import re
import zoneinfo
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from typing import Final, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from concord.channels.v1 import channel_service_pb2 as pb
from concord.channels.v1 import feed_pb2, run_pb2
from service.application.feed_reading import FeedQuery, IncidentQuery, RunQuery
from service.domain.channels.feeds import (
    FILE_DAYS_AFTER,
    FILE_DUE,
    INTERVAL,
    LOOK_BACK_EVERY,
    OVERLAP,
    OWNER,
    Feed,
    FeedLimits,
    FeedSchedule,
    FeedState,
    Mode,
    begun,
    feed_id_for,
)
from service.domain.channels.runs import Purpose, RunState
from service.rpc.channel_answers import FEEDS
from service.rpc.violations import Violations

E = TypeVar("E", bound=Enum)

PAGE_SIZE: Final = 50
FEEDS_LISTED: Final = 100
PAGE_SIZE_MAX: Final = 500
SETTINGS_MAX: Final = 20
VALUE_MAX: Final = 500
# A month is the longest window that any platform takes; a year is longer than anybody looks back.
WINDOW_S_MAX: Final = 366 * 86_400
INTERVAL_S_MAX: Final = 7 * 86_400
PAGE_ROWS_MAX: Final = 1_000
REQUESTS_MAX: Final = 100_000
PAST_DAYS_MAX: Final = 3_660
FILE_DAYS_MAX: Final = 31

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
_TEMPLATE: Final = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
# Names of settings that would hold what belongs into the accounts file.
_SECRET: Final = re.compile(r"secret|token|password|private|app_?key$", re.IGNORECASE)


def creation(request: pb.CreateFeedRequest, *, at: datetime) -> Feed:
    """Read a fresh feed."""
    read = Violations()
    told = request.feed
    said = _said(told, read)
    channel = read.word("feed.channel", told.channel)
    shop = read.text("feed.shop", told.shop, longest=100, needed=True)
    mode = _value(Mode, feed_pb2.Feed.Mode, "MODE", "feed.mode", told.mode, read)
    if mode is None:
        read.add("feed.mode", "send how messages come, such as MODE_PULL")
    begin = read.moment("feed.begin_time", told.begin_time, default=at)
    feed_id = told.name.removeprefix(f"{FEEDS}/") or feed_id_for(channel, shop)
    if not _ID.fullmatch(feed_id):
        read.add("feed.name", "send feeds/ID: lower-case letters, digits, - and _, 100 at most")
    read.refuse()
    platform = str(said.pop("platform")) or channel
    return Feed(
        feed_id=feed_id,
        channel=channel,
        shop=shop,
        mode=mode or Mode.MANUAL,
        platform=platform,
        begin_at=begin,
        created_at=at,
        updated_at=at,
        progress=begun(at, begin),
        **said,  # type: ignore[arg-type]  # each as `_said` has read it
    )


def change(request: pb.UpdateFeedRequest) -> tuple[str, dict[str, object], str]:
    """Read which feed changes, what of it, and from which etag."""
    read = Violations()
    feed_id = read.resource("feed.name", request.feed.name, FEEDS)
    wanted = list(request.update_mask.paths)
    for at, path in enumerate(wanted):
        if path not in CHANGEABLE:
            read.add(f"update_mask.paths[{at}]", f"send some of: {', '.join(CHANGEABLE)}")
    said = _said(request.feed, read, only=wanted)
    etag = read.text("feed.etag", request.feed.etag)
    read.refuse()
    return feed_id, said, etag


def feed_query(request: pb.ListFeedsRequest) -> FeedQuery:
    """Read which feeds to list."""
    read = Violations()
    query = FeedQuery(
        page_size=read.number(
            "page_size", request.page_size, most=PAGE_SIZE_MAX, default=FEEDS_LISTED
        ),
        page_token=request.page_token,
        channel=read.word("channel", request.channel, needed=False),
        shop=read.text("shop", request.shop),
        mode=_value(Mode, feed_pb2.Feed.Mode, "MODE", "mode", request.mode, read),
        state=_value(FeedState, feed_pb2.Feed.State, "STATE", "state", request.state, read),
    )
    read.refuse()
    return query


def run_query(request: pb.ListRunsRequest) -> RunQuery:
    """Read which runs to list."""
    read = Violations()
    query = RunQuery(
        page_size=read.number(
            "page_size", request.page_size, most=PAGE_SIZE_MAX, default=PAGE_SIZE
        ),
        page_token=request.page_token,
        feed_id=read.resource("feed", request.feed, FEEDS) if request.feed else "",
        purpose=_value(Purpose, run_pb2.Run.Purpose, "PURPOSE", "purpose", request.purpose, read),
        state=_value(RunState, run_pb2.Run.State, "STATE", "state", request.state, read),
    )
    read.refuse()
    return query


def incident_query(request: pb.ListIncidentsRequest) -> IncidentQuery:
    """Read which incidents to list."""
    read = Violations()
    query = IncidentQuery(
        page_size=read.number(
            "page_size", request.page_size, most=PAGE_SIZE_MAX, default=PAGE_SIZE
        ),
        page_token=request.page_token,
        feed_id=read.resource("feed", request.feed, FEEDS) if request.feed else "",
        only_open=request.open,
    )
    read.refuse()
    return query


def window(request: pb.StartRunRequest) -> tuple[str, datetime | None, datetime | None]:
    """Read which feed is asked for what."""
    read = Violations()
    feed_id = read.resource("feed", request.feed, FEEDS)
    start = _moment(read, "window_start_time", request.window_start_time)
    end = _moment(read, "window_end_time", request.window_end_time)
    if start and end and start >= end:
        read.add("window_end_time", "send a time after the start")
    read.refuse()
    return feed_id, start, end


def resource(name: str, collection: str) -> str:
    """Read a name, or raise `InvalidRequestError`."""
    read = Violations()
    found = read.resource("name", name, collection)
    read.refuse()
    return found


def _limits(told: feed_pb2.FeedLimits, read: Violations) -> FeedLimits:
    def length(name: str, most: int, default: timedelta = timedelta()) -> timedelta:
        seconds = _bounded(read, f"feed.limits.{name}", getattr(told, name), most)
        return timedelta(seconds=seconds) if seconds else default

    return FeedLimits(
        window_max=length("window_max_s", WINDOW_S_MAX),
        lag=length("lag_s", INTERVAL_S_MAX),
        overlap=length("overlap_s", INTERVAL_S_MAX, OVERLAP),
        look_back=length("look_back_s", WINDOW_S_MAX),
        page_size=_bounded(read, "feed.limits.page_size", told.page_size, PAGE_ROWS_MAX),
        requests_per_minute=_bounded(
            read, "feed.limits.requests_per_minute", told.requests_per_minute, REQUESTS_MAX
        ),
        past_max=timedelta(
            days=_bounded(read, "feed.limits.past_max_days", told.past_max_days, PAST_DAYS_MAX)
        ),
    )


def _schedule(told: feed_pb2.FeedSchedule, read: Violations) -> FeedSchedule:
    at = "feed.schedule"
    interval = _bounded(read, f"{at}.interval_s", told.interval_s, INTERVAL_S_MAX)
    every = _bounded(read, f"{at}.look_back_interval_s", told.look_back_interval_s, INTERVAL_S_MAX)
    after = _bounded(read, f"{at}.file_days_after", told.file_days_after, FILE_DAYS_MAX)
    if told.file_due and not _CLOCK.fullmatch(told.file_due):
        read.add(f"{at}.file_due", "send a time of day such as 02:00")
    return FeedSchedule(
        interval=timedelta(seconds=interval) if interval else INTERVAL,
        look_back_every=timedelta(seconds=every) if every else LOOK_BACK_EVERY,
        file_due=told.file_due or FILE_DUE,
        file_days_after=after or FILE_DAYS_AFTER,
    )


def _settings(told: feed_pb2.Feed, read: Violations) -> Mapping[str, str]:
    if len(told.settings) > SETTINGS_MAX:
        read.add("feed.settings", f"send {SETTINGS_MAX} at most")
    for name, value in list(told.settings.items())[:SETTINGS_MAX]:
        path = f"feed.settings.{name[:40]}"
        read.word(path, name)
        read.text(path, value, longest=VALUE_MAX)
        if _SECRET.search(name):
            read.add(path, "no secret is kept here: put it into the accounts file")
    return dict(told.settings)


def _template(told: feed_pb2.Feed, read: Violations) -> str:
    if not _TEMPLATE.fullmatch(told.template):
        read.add("feed.template", "send which template reads it, such as douyin.orders")
    return read.text("feed.template", told.template, longest=100)


def _zone(told: feed_pb2.Feed, read: Violations) -> str:
    if told.zone not in _zones():
        read.add("feed.zone", "send a zone of the tz database, such as Asia/Shanghai")
    return told.zone


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


_READERS: Final[Mapping[str, Callable[[feed_pb2.Feed, Violations], object]]] = {
    "title": lambda told, read: read.text("feed.title", told.title),
    "platform": lambda told, read: read.word("feed.platform", told.platform, needed=False),
    "template": _template,
    "zone": _zone,
    "account": lambda told, read: read.text("feed.account", told.account, longest=100),
    "limits": lambda told, read: _limits(told.limits, read),
    "schedule": lambda told, read: _schedule(told.schedule, read),
    "owner": lambda told, read: read.word("feed.owner", told.owner, needed=False) or OWNER,
    "settings": _settings,
}
CHANGEABLE: Final = tuple(_READERS)


def _said(
    told: feed_pb2.Feed, read: Violations, only: list[str] | None = None
) -> dict[str, object]:
    """Return what people may say of a feed, as its fields."""
    wanted = [each for each in CHANGEABLE if not only or each in only]
    said = {name: _READERS[name](told, read) for name in wanted}
    if only is not None and "platform" in said and not said["platform"]:
        read.add("feed.platform", "send whose protocol is spoken, such as douyin")
    return said


def _value(  # one row of a table: both enums, and where it stands
    kind: type[E],
    numbers: object,
    prefix: str,
    path: str,
    number: int,
    read: Violations,
) -> E | None:
    """Read an enum's number; None where it was not sent."""
    known = {numbers.Value(f"{prefix}_{each.value}"): each for each in kind}  # type: ignore[attr-defined]  # any generated enum
    if number and number not in known:
        read.add(path, "send a known value")
    return known.get(number)


def _moment(read: Violations, path: str, value: Timestamp) -> datetime | None:
    if not value.seconds and not value.nanos:
        return None
    return read.moment(path, value, default=_EPOCH)


def _bounded(read: Violations, path: str, value: int, most: int) -> int:
    if not 0 <= value <= most:
        read.add(path, f"send 0 to {most}")
        return 0
    return value
