"""The register of channels over gRPC: what it accepts, who asks what, what empty polls bring."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from google.protobuf.field_mask_pb2 import FieldMask

from concord.cases.v1 import case_service_pb2 as cases
from concord.channels.v1 import channel_service_pb2 as pb
from concord.channels.v1 import channel_service_pb2_grpc, feed_pb2, run_pb2
from concord.notices.v1 import notice_service_pb2 as notices
from concord.notices.v1 import notice_service_pb2_grpc
from concord.orders.v1 import order_pb2
from tests.integration.service.world import Service, refused

RESULT = run_pb2.ReportRunRequest
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Register:
    """Calls of the register, with a platform of its own for each test."""

    stub: Any
    engine: sa.Engine
    platform: str

    def feed(self, name: str = "", **given: object) -> feed_pb2.Feed:
        values: dict[str, object] = {
            "name": f"feeds/{name or self.platform}",
            "channel": self.platform,
            "shop": "flagship",
            "mode": feed_pb2.Feed.MODE_PULL,
            "template": f"{self.platform}.orders",
            "zone": "Asia/Shanghai",
            "owner": self.platform,
            "schedule": feed_pb2.FeedSchedule(interval_s=1),
        }
        feed = feed_pb2.Feed(**{**values, **given})  # type: ignore[arg-type]
        feed.begin_time.FromDatetime(datetime.now(UTC) - 3 * HOUR)
        return feed

    def create(self, name: str = "", **given: object) -> feed_pb2.Feed:
        request = pb.CreateFeedRequest(feed=self.feed(name, **given), request_id=_id())
        made: feed_pb2.Feed = self.stub.CreateFeed(request)
        return made

    def claim(self, limit: int = 10) -> list[Any]:
        platforms = [pb.ClaimRunsRequest.Platform(name=self.platform)]
        request = pb.ClaimRunsRequest(worker="w", platforms=platforms, limit=limit)
        return list(self.stub.ClaimRuns(request).claimed)

    def report(self, run: run_pb2.Run, **told: object) -> run_pb2.Run:
        values: dict[str, object] = {
            "name": run.name,
            "lease": run.lease,
            "result": RESULT.RESULT_COMPLETED,
            "request_id": _id(),
        }
        request = run_pb2.ReportRunRequest(**{**values, **told})  # type: ignore[arg-type]
        done: run_pb2.Run = self.stub.ReportRun(request)
        return done

    def make_due(self) -> None:
        """Let a feed's next poll be due now, so that no test waits for it."""
        with self.engine.begin() as connection:
            connection.execute(
                sa.text(
                    "UPDATE feeds SET due_at = created_at, wake_at = created_at"
                    " WHERE platform = :platform"
                ),
                {"platform": self.platform},
            )

    def next_run(self) -> run_pb2.Run:
        self.make_due()
        (claimed,) = self.claim()
        run: run_pb2.Run = claimed.run
        return run


@pytest.fixture
def register(service: Service, engine: sa.Engine) -> Register:
    stub = channel_service_pb2_grpc.ChannelServiceStub(service.channel)
    return Register(stub, engine, f"t{uuid.uuid4().hex[:12]}")


def _id() -> str:
    return str(uuid.uuid4())


def test_a_feed_is_registered_changed_paused_and_resumed(register: Register) -> None:
    made = register.create(settings={"kind": "refunds"})
    assert (made.platform, made.state) == (register.platform, feed_pb2.Feed.STATE_ACTIVE)
    assert (made.schedule.file_due, made.limits.overlap_s) == ("02:00", 300)

    made.title = "旗舰店"
    changed = register.stub.UpdateFeed(
        pb.UpdateFeedRequest(feed=made, update_mask=FieldMask(paths=["title"]), request_id=_id())
    )
    assert (changed.title, changed.settings["kind"]) == ("旗舰店", "refunds")
    stale = refused(lambda: register.stub.UpdateFeed(pb.UpdateFeedRequest(feed=made)))
    assert (stale.reason, stale.code) == ("FEED_CHANGED", grpc.StatusCode.ABORTED)

    named = {"name": made.name}
    assert register.stub.PauseFeed(pb.PauseFeedRequest(**named)).state == 2
    again = refused(lambda: register.stub.PauseFeed(pb.PauseFeedRequest(**named)))
    assert again.reason == "FEED_NOT_IN_STATE"
    register.make_due()
    assert register.stub.ResumeFeed(pb.ResumeFeedRequest(**named)).state == 1
    (listed,) = register.stub.ListFeeds(pb.ListFeedsRequest(channel=register.platform)).feeds
    assert listed == register.stub.GetFeed(pb.GetFeedRequest(**named))


def test_everything_that_is_wrong_with_a_feed_is_told_at_once(register: Register) -> None:
    bad = feed_pb2.Feed(
        name="feeds/Über",
        channel="X!",
        zone="Mars/Base",
        template="",
        settings={"app_secret": "s"},
        schedule=feed_pb2.FeedSchedule(file_due="25:00", interval_s=-1),
    )

    told = refused(lambda: register.stub.CreateFeed(pb.CreateFeedRequest(feed=bad)))

    assert told.reason == "INVALID_REQUEST"
    assert set(told.fields) >= {
        "feed.name",
        "feed.channel",
        "feed.shop",
        "feed.mode",
        "feed.zone",
        "feed.template",
        "feed.settings.app_secret",
        "feed.schedule.file_due",
        "feed.schedule.interval_s",
    }


def test_what_is_not_there_is_told_so(register: Register) -> None:
    stub = register.stub
    pushed = register.create(mode=feed_pb2.Feed.MODE_PUSH)

    assert {
        refused(lambda: stub.GetFeed(pb.GetFeedRequest(name="feeds/none"))).reason,
        refused(lambda: stub.GetRun(pb.GetRunRequest(name="runs/none"))).reason,
        refused(lambda: stub.GetIncident(pb.GetIncidentRequest(name="incidents/none"))).reason,
        refused(lambda: stub.StartRun(pb.StartRunRequest(feed=pushed.name))).reason,
        refused(register.create).reason,
    } == {
        "FEED_NOT_FOUND",
        "RUN_NOT_FOUND",
        "INCIDENT_NOT_FOUND",
        "FEED_NOT_PULLED",
        "FEED_EXISTS",
    }


def test_of_many_connectors_one_gets_a_feed(register: Register) -> None:
    for number in range(4):
        register.create(f"{register.platform}-{number}", shop=str(number))

    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda _: register.claim(limit=4), range(8)))

    names = [each.run.feed for claimed in claims for each in claimed]
    assert len(names) == len(set(names)) == 4
    assert not register.claim()


def test_a_report_that_is_sent_twice_counts_once(register: Register) -> None:
    register.create(limits=feed_pb2.FeedLimits(window_max_s=3600))
    (claimed,) = register.claim()
    report = run_pb2.ReportRunRequest(
        name=claimed.run.name,
        lease=claimed.run.lease,
        result=RESULT.RESULT_COMPLETED,
        rows=5,
        new_receipts=5,
        request_id=_id(),
    )

    first = register.stub.ReportRun(report)
    second = register.stub.ReportRun(report)

    assert first == second
    assert first.state == run_pb2.Run.STATE_RUNNING
    assert first.ask_start_time == claimed.run.ask_end_time
    assert register.stub.GetRun(pb.GetRunRequest(name=first.name)).rows == 5


def test_five_empty_polls_make_a_probe_and_what_it_finds_an_incident(
    register: Register, service: Service
) -> None:
    feed = register.create()
    for _ in range(5):
        run = register.next_run()
        assert run.purpose == run_pb2.Run.PURPOSE_REGULAR
        register.report(run, asked=["CreatedAfter=2025-12-29T00:00:00Z"], pages=1)

    probe = register.next_run()
    assert probe.purpose == run_pb2.Run.PURPOSE_PROBE
    width = probe.window_end_time.seconds - probe.window_start_time.seconds
    assert width > 30 * 3600
    seen = []
    for number in range(23):
        each = RESULT.Seen(ref=order_pb2.OrderRef(namespace="amazon", value=f"113-{number}"))
        each.change_time.FromDatetime(datetime.now(UTC) - 2 * HOUR)
        seen.append(each)
    done = register.report(probe, seen=seen, rows=23, new_receipts=23, pages=1)

    incident = register.stub.GetIncident(pb.GetIncidentRequest(name=done.incident))
    assert (incident.missed_orders, incident.empty_polls) == (23, 5)
    assert incident.asked == "CreatedAfter=2025-12-29T00:00:00Z"
    assert len(incident.examples) == 23
    case = service.cases.GetCase(cases.GetCaseRequest(name=incident.case))
    assert (case.type, case.order) == ("FEED_GAP", "")
    told = notice_service_pb2_grpc.NoticeServiceStub(service.channel).ListNotices(
        notices.ListNoticesRequest(recipient=f"role:{register.platform}")
    )
    (notice,) = told.notices
    assert (notice.template, notice.severity) == ("feed_incident", 4)
    health = register.stub.GetFeedHealth(pb.GetFeedHealthRequest(name=feed.name))
    assert health.state == feed_pb2.FeedHealth.STATE_BROKEN
    assert health.incident == incident.name

    backfill = register.next_run()
    assert (backfill.purpose, backfill.name) == (
        run_pb2.Run.PURPOSE_BACKFILL,
        incident.backfill,
    )
    register.report(backfill, rows=23, pages=1)
    register.report(register.next_run(), rows=2, new_receipts=2, pages=1)
    look = register.next_run()
    assert look.purpose == run_pb2.Run.PURPOSE_PROBE
    register.report(look, rows=25, pages=1)
    over = register.stub.GetIncident(pb.GetIncidentRequest(name=incident.name))
    assert over.state == run_pb2.Incident.STATE_CLOSED
    open_ones = register.stub.ListIncidents(pb.ListIncidentsRequest(feed=feed.name, open=True))
    assert not open_ones.incidents


def test_runs_are_listed_page_by_page_newest_first(register: Register) -> None:
    feed = register.create()
    for _ in range(4):
        register.report(register.next_run(), rows=1, new_receipts=1)

    request = pb.ListRunsRequest(feed=feed.name, page_size=3)
    first = register.stub.ListRuns(request)
    request.page_token = first.next_page_token
    second = register.stub.ListRuns(request)

    times = [each.create_time.ToNanoseconds() for each in (*first.runs, *second.runs)]
    assert len(times) == 4
    assert times == sorted(times, reverse=True)


def test_the_cursor_does_not_go_back_whoever_asks(register: Register) -> None:
    register.create()
    statement = "UPDATE feeds SET cursor_at = cursor_at - interval '1 second'"

    with pytest.raises(sa.exc.DBAPIError, match="does not go back"), register.engine.begin() as one:
        one.execute(sa.text(statement))
