"""Channels: the register of feeds, what is asked of them, and how they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypedDict, Unpack

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from clients.sdk.calls import Call, M, Pages, SubClient, listed, unary
from clients.sdk.names import resource
from concord.channels.v1 import channel_service_pb2 as api
from concord.channels.v1 import feed_pb2, run_pb2
from concord.channels.v1.channel_service_pb2_grpc import ChannelServiceStub


class FeedFilter(TypedDict, total=False):
    """Which feeds to list; all that are given must hold."""

    channel: str
    shop: str
    mode: feed_pb2.Feed.Mode.ValueType
    state: feed_pb2.Feed.State.ValueType
    page_size: int
    page_token: str


class RunFilter(TypedDict, total=False):
    """Which runs to list; all that are given must hold."""

    feed: str
    purpose: run_pb2.Run.Purpose.ValueType
    state: run_pb2.Run.State.ValueType
    page_size: int
    page_token: str


class Channels(SubClient[M]):
    """`ChannelService`."""

    @unary
    def create(self, feed: feed_pb2.Feed, *, request_id: str = "") -> Call[feed_pb2.Feed]:
        """Register a feed.

        Raises:
            FeedExistsError: one of this name is there.
            InvalidRequestError: naming every field that cannot be accepted.
        """
        request = api.CreateFeedRequest(feed=feed, request_id=request_id or self.ids())
        return _call("CreateFeed", request)

    @unary
    def update(
        self, feed: feed_pb2.Feed, fields: Sequence[str] = (), *, request_id: str = ""
    ) -> Call[feed_pb2.Feed]:
        """Change these fields of a feed; all that people may say where none is named.

        Raises:
            FeedNotFoundError: there is none.
            FeedChangedError: somebody else changed it since its `etag`.
        """
        request = api.UpdateFeedRequest(
            feed=feed,
            update_mask=FieldMask(paths=fields),
            request_id=request_id or self.ids(),
        )
        return _call("UpdateFeed", request)

    @unary
    def get(self, name: str) -> Call[feed_pb2.Feed]:
        """Return one feed.

        Raises:
            FeedNotFoundError: there is none.
        """
        return _call("GetFeed", api.GetFeedRequest(name=_feed(name)))

    @listed
    def list(self, **where: Unpack[FeedFilter]) -> Pages[feed_pb2.Feed]:
        """Iterate over feeds, by name."""
        return Pages(_call("ListFeeds", api.ListFeedsRequest(**where)), lambda page: page.feeds)

    @unary
    def pause(self, name: str, *, request_id: str = "") -> Call[feed_pb2.Feed]:
        """Let a feed be: it is neither asked nor watched.

        Raises:
            FeedNotInStateError: it is paused.
        """
        request = api.PauseFeedRequest(name=_feed(name), request_id=request_id or self.ids())
        return _call("PauseFeed", request)

    @unary
    def resume(self, name: str, *, request_id: str = "") -> Call[feed_pb2.Feed]:
        """Let a feed go on from its cursor.

        Raises:
            FeedNotInStateError: it is not paused.
        """
        request = api.ResumeFeedRequest(name=_feed(name), request_id=request_id or self.ids())
        return _call("ResumeFeed", request)

    @unary
    def claim_runs(
        self,
        worker: str,
        platforms: Iterable[api.ClaimRunsRequest.Platform],
        *,
        limit: int = 0,
        lease_s: int = 0,
    ) -> Call[api.ClaimRunsResponse]:
        """Lease runs that are due, each with its feed.

        Each has its `lease`; when it ends unreported, others may claim the run.
        """
        request = api.ClaimRunsRequest(
            worker=worker, platforms=platforms, limit=limit, lease_s=lease_s
        )
        return _call("ClaimRuns", request)

    @unary
    def report_run(self, request: run_pb2.ReportRunRequest) -> Call[run_pb2.Run]:
        """Tell what came of asking since the last report; its receipts go in before.

        A request without a `request_id` is given one, so that it may be sent again as it is. Where
        the run is RUNNING in the answer, its next part is to be asked for under the lease.

        Raises:
            RunNotFoundError: there is none.
            RunLeaseLostError: it took too long; nothing is lost.
        """
        request.request_id = request.request_id or self.ids()
        return _call("ReportRun", request)

    @unary
    def start_run(
        self,
        name: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        request_id: str = "",
    ) -> Call[run_pb2.Run]:
        """Ask a feed for a window as soon as a connector has time.

        Raises:
            FeedNotPulledError: nobody asks it.
            FeedNotInStateError: it is paused.
        """
        request = api.StartRunRequest(feed=_feed(name), request_id=request_id or self.ids())
        if start is not None:
            request.window_start_time.FromDatetime(start)
        if end is not None:
            request.window_end_time.FromDatetime(end)
        return _call("StartRun", request)

    @unary
    def get_run(self, name: str) -> Call[run_pb2.Run]:
        """Return one run.

        Raises:
            RunNotFoundError: there is none.
        """
        return _call("GetRun", api.GetRunRequest(name=resource("runs", name)))

    @listed
    def list_runs(self, **where: Unpack[RunFilter]) -> Pages[run_pb2.Run]:
        """Iterate over runs, newest first."""
        request = api.ListRunsRequest(**where)
        request.feed = _feed(request.feed)
        return Pages(_call("ListRuns", request), lambda page: page.runs)

    @unary
    def get_incident(self, name: str) -> Call[run_pb2.Incident]:
        """Return one incident.

        Raises:
            IncidentNotFoundError: there is none.
        """
        return _call("GetIncident", api.GetIncidentRequest(name=resource("incidents", name)))

    @listed
    def list_incidents(
        self, *, feed: str = "", only_open: bool = False, page_size: int = 0, page_token: str = ""
    ) -> Pages[run_pb2.Incident]:
        """Iterate over incidents, newest first."""
        request = api.ListIncidentsRequest(
            feed=_feed(feed), open=only_open, page_size=page_size, page_token=page_token
        )
        return Pages(_call("ListIncidents", request), lambda page: page.incidents)

    @unary
    def health(self, name: str) -> Call[feed_pb2.FeedHealth]:
        """Tell how one feed is.

        Raises:
            FeedNotFoundError: there is none.
        """
        return _call("GetFeedHealth", api.GetFeedHealthRequest(name=_feed(name)))

    @unary
    def list_health(self, *, channel: str = "") -> Call[api.ListFeedHealthResponse]:
        """Tell how all feeds are, by name."""
        return _call("ListFeedHealth", api.ListFeedHealthRequest(channel=channel))


def _feed(name: str) -> str:
    return resource("feeds", name)


def _call(method: str, request: Message) -> Call[Any]:
    return Call(ChannelServiceStub, method, request)
