"""Serves `ChannelService`: the register of feeds, and what is asked of them."""

import grpc

from concord.channels.v1 import channel_service_pb2 as pb
from concord.channels.v1 import channel_service_pb2_grpc, feed_pb2, run_pb2
from service.application.feed_reading import FeedReader
from service.application.feed_register import FeedRegister
from service.application.feed_running import FeedClaims, FeedReports
from service.application.ports import Clock, Ids
from service.domain.channels.runs import Run
from service.rpc import channel_answers as answers
from service.rpc import channel_requests as requests
from service.rpc import run_requests
from service.rpc.calling import Mutations, Work
from service.rpc.violations import Violations
from service.telemetry import Metrics


class ChannelServicer(channel_service_pb2_grpc.ChannelServiceServicer):
    """Reads requests, asks the use cases, writes answers. Refusals pass through."""

    def __init__(
        self,
        mutations: Mutations,
        reader: FeedReader,
        claims: FeedClaims,
        ids: Ids,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        """Take the use cases."""
        self._mutations = mutations
        self._reader = reader
        self._claims = claims
        self._ids = ids
        self._clock = clock
        self._metrics = metrics

    def CreateFeed(
        self, request: pb.CreateFeedRequest, context: grpc.ServicerContext
    ) -> feed_pb2.Feed:
        """Register a feed."""

        def work(tools: Work) -> feed_pb2.Feed:
            feed = requests.creation(request, at=tools.at)
            return answers.feed_message(_register(tools).create(feed))

        return self._mutations.run(request, context, feed_pb2.Feed, work)

    def UpdateFeed(
        self, request: pb.UpdateFeedRequest, context: grpc.ServicerContext
    ) -> feed_pb2.Feed:
        """Change what is said of a feed."""

        def work(tools: Work) -> feed_pb2.Feed:
            return answers.feed_message(_register(tools).update(*requests.change(request)))

        return self._mutations.run(request, context, feed_pb2.Feed, work)

    def GetFeed(self, request: pb.GetFeedRequest, context: grpc.ServicerContext) -> feed_pb2.Feed:
        """Return one feed."""
        return answers.feed_message(self._reader.feed(_feed_id(request.name)))

    def ListFeeds(
        self, request: pb.ListFeedsRequest, context: grpc.ServicerContext
    ) -> pb.ListFeedsResponse:
        """List feeds, by name."""
        page = self._reader.feeds(requests.feed_query(request))
        return pb.ListFeedsResponse(
            feeds=[answers.feed_message(each) for each in page.rows],
            next_page_token=page.next_token,
        )

    def PauseFeed(
        self, request: pb.PauseFeedRequest, context: grpc.ServicerContext
    ) -> feed_pb2.Feed:
        """ACTIVE → PAUSED."""

        def work(tools: Work) -> feed_pb2.Feed:
            return answers.feed_message(_register(tools).pause(_feed_id(request.name)))

        return self._mutations.run(request, context, feed_pb2.Feed, work)

    def ResumeFeed(
        self, request: pb.ResumeFeedRequest, context: grpc.ServicerContext
    ) -> feed_pb2.Feed:
        """PAUSED → ACTIVE."""

        def work(tools: Work) -> feed_pb2.Feed:
            return answers.feed_message(_register(tools).resume(_feed_id(request.name)))

        return self._mutations.run(request, context, feed_pb2.Feed, work)

    def ClaimRuns(
        self, request: pb.ClaimRunsRequest, context: grpc.ServicerContext
    ) -> pb.ClaimRunsResponse:
        """Lease runs that are due."""
        claimed = self._claims.claim(run_requests.claim(request, self._ids()))
        kind = pb.ClaimRunsResponse.Claimed
        return pb.ClaimRunsResponse(
            claimed=[
                kind(run=answers.leased_message(run), feed=answers.feed_message(feed))
                for run, feed in claimed
            ]
        )

    def ReportRun(
        self, request: run_pb2.ReportRunRequest, context: grpc.ServicerContext
    ) -> run_pb2.Run:
        """Take what came of asking."""
        told: list[tuple[Run, int]] = []

        def work(tools: Work) -> run_pb2.Run:
            run_id, report = run_requests.report(request)
            reports = FeedReports(tools.unit, tools.encoder, tools.at, tools.terms)
            before = tools.unit.run_of(run_id).missed_orders
            run = reports.report(run_id, report)
            # A transaction may be run again: the last one counts.
            told[:] = [(run, run.missed_orders - before)]
            return answers.leased_message(run)

        answer = self._mutations.run(request, context, run_pb2.Run, work)
        for run, missed in told:
            result = run.last_result.value if run.last_result else ""
            self._metrics.feed_runs.labels(run.purpose.value, result).inc()
            self._metrics.feed_missed.inc(missed)
        return answer

    def StartRun(self, request: pb.StartRunRequest, context: grpc.ServicerContext) -> run_pb2.Run:
        """Ask a feed for a window."""

        def work(tools: Work) -> run_pb2.Run:
            return answers.run_message(_register(tools).start_run(*requests.window(request)))

        return self._mutations.run(request, context, run_pb2.Run, work)

    def GetRun(self, request: pb.GetRunRequest, context: grpc.ServicerContext) -> run_pb2.Run:
        """Return one run."""
        run_id = requests.resource(request.name, answers.RUNS)
        return answers.run_message(self._reader.run(run_id))

    def ListRuns(
        self, request: pb.ListRunsRequest, context: grpc.ServicerContext
    ) -> pb.ListRunsResponse:
        """List runs, newest first."""
        page = self._reader.runs(requests.run_query(request))
        return pb.ListRunsResponse(
            runs=[answers.run_message(each) for each in page.rows],
            next_page_token=page.next_token,
        )

    def GetIncident(
        self, request: pb.GetIncidentRequest, context: grpc.ServicerContext
    ) -> run_pb2.Incident:
        """Return one incident."""
        incident_id = requests.resource(request.name, answers.INCIDENTS)
        return answers.incident_message(self._reader.incident(incident_id))

    def ListIncidents(
        self, request: pb.ListIncidentsRequest, context: grpc.ServicerContext
    ) -> pb.ListIncidentsResponse:
        """List incidents, newest first."""
        page = self._reader.incidents(requests.incident_query(request))
        return pb.ListIncidentsResponse(
            incidents=[answers.incident_message(each) for each in page.rows],
            next_page_token=page.next_token,
        )

    def GetFeedHealth(
        self, request: pb.GetFeedHealthRequest, context: grpc.ServicerContext
    ) -> feed_pb2.FeedHealth:
        """Tell how one feed is."""
        at = self._clock()
        found = self._reader.figures(feed_id=_feed_id(request.name), channel="", at=at)
        return answers.health_message(found[0], at=at)

    def ListFeedHealth(
        self, request: pb.ListFeedHealthRequest, context: grpc.ServicerContext
    ) -> pb.ListFeedHealthResponse:
        """Tell how all feeds are, by name."""
        read = Violations()
        channel = read.word("channel", request.channel, needed=False)
        read.refuse()
        at = self._clock()
        found = self._reader.figures(feed_id="", channel=channel, at=at)
        return pb.ListFeedHealthResponse(
            health=[answers.health_message(each, at=at) for each in found]
        )


def _register(tools: Work) -> FeedRegister:
    return FeedRegister(tools.unit, tools.origin, tools.at)


def _feed_id(name: str) -> str:
    return requests.resource(name, answers.FEEDS)
