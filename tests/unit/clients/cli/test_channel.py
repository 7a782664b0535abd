"""`concord channel`: feeds with how they are, what was asked of them, and what polls had missed."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from clients.sdk.testing import FakeConcord, refusal
from concord.channels.v1 import channel_service_pb2 as api
from concord.channels.v1.feed_pb2 import Feed, FeedHealth
from concord.channels.v1.run_pb2 import Incident, Run
from concord.orders.v1.order_pb2 import OrderRef

from .conftest import Run as Command

BROKEN = datetime(2025, 12, 28, 18, tzinfo=UTC)


def a_feed(**fields: object) -> Feed:
    values: dict[str, object] = {
        "name": "feeds/amazon-us",
        "channel": "amazon",
        "shop": "A1F",
        "mode": Feed.MODE_PULL,
        "platform": "amazon",
        "template": "amazon.orders",
        "zone": "America/New_York",
        "owner": "engineering",
    }
    return Feed(**{**values, **fields})  # type: ignore[arg-type]


def a_health(**fields: object) -> FeedHealth:
    values: dict[str, object] = {
        "feed": "feeds/amazon-us",
        "state": FeedHealth.STATE_BROKEN,
        "reason_zh": "轮询为空但存在漏单",
        "reason_en": "Its polls miss orders",
        "incident": "incidents/inc-1",
        "empty_polls": 5,
    }
    return FeedHealth(**{**values, **fields})  # type: ignore[arg-type]


def a_run(**fields: object) -> Run:
    values: dict[str, object] = {
        "name": "runs/run-1",
        "feed": "feeds/amazon-us",
        "purpose": Run.PURPOSE_PROBE,
        "state": Run.STATE_COMPLETED,
        "rows": 23,
        "new_receipts": 23,
        "missed_orders": 23,
        "asked": ["CreatedAfter=2025-12-28T03:00:00Z"],
        "note_zh": "扩窗核查发现 23 单漏单,已自动补拉",
        "note_en": "A wider look found 23 orders that had not come",
    }
    run = Run(**{**values, **fields})  # type: ignore[arg-type]
    run.window_start_time.FromDatetime(BROKEN)
    run.window_end_time.FromDatetime(BROKEN.replace(hour=23))
    return run


def test_feeds_are_listed_with_how_they_are_and_why(fake: FakeConcord, concord: Command) -> None:
    for _ in range(2):
        fake.answer("ListFeeds", api.ListFeedsResponse(feeds=[a_feed()]))
        fake.answer("ListFeedHealth", api.ListFeedHealthResponse(health=[a_health()]))

    table = concord("channel", "list", "--lang", "zh")
    told = concord("channel", "list", "--json")

    assert "amazon-us" in table.stdout
    assert "故障" in table.stdout
    assert "轮询为空但存在漏单" in table.stdout
    assert json.loads(told.stdout)["health"][0]["state"] == "STATE_BROKEN"


def test_a_feed_is_shown_with_its_last_runs(fake: FakeConcord, concord: Command) -> None:
    fake.answer("GetFeed", a_feed(settings={"kind": "orders"}))
    fake.answer("GetFeedHealth", a_health())
    fake.answer("ListRuns", api.ListRunsResponse(runs=[a_run()]))

    shown = concord("channel", "show", "amazon-us")

    assert "kind=orders" in shown.stdout
    assert "Its polls miss orders" in shown.stdout
    assert "2025-12-28 18:00:00+0000 … 2025-12-28 23:00:00+0000" in shown.stdout
    assert fake.requests("ListRuns")[0].feed == "feeds/amazon-us"


def test_a_feed_is_added_and_changed_by_what_is_named(fake: FakeConcord, concord: Command) -> None:
    fake.answer("CreateFeed", a_feed())
    fake.answer("GetFeed", a_feed(etag="1"))
    fake.answer("UpdateFeed", a_feed())

    added = concord(
        "channel", "add", "amazon-us", "amazon", "A1F", "pull", "amazon.orders",
        "--zone", "America/New_York", "--set", "kind=orders", "--interval", "60",
    )  # fmt: skip
    changed = concord(
        "channel", "change", "amazon-us", "--title", "US", "--interval", "30", "--look-back", "15d"
    )

    assert (added.exit_code, changed.exit_code) == (0, 0), added.output + changed.output
    made = fake.requests("CreateFeed")[0].feed
    assert (made.name, made.mode, made.settings["kind"]) == (
        "feeds/amazon-us",
        Feed.MODE_PULL,
        "orders",
    )
    update = fake.requests("UpdateFeed")[0]
    assert list(update.update_mask.paths) == ["title", "limits", "schedule"]
    assert update.feed.limits.look_back_s == 15 * 86_400
    assert (update.feed.etag, update.feed.schedule.interval_s) == ("1", 30)


def test_a_mode_that_is_none_is_refused_before_anything_is_sent(
    fake: FakeConcord, concord: Command
) -> None:
    refused = concord("channel", "add", "a", "amazon", "A1F", "sent", "amazon.orders")

    assert refused.exit_code == 2
    assert not fake.requests("CreateFeed")


def test_a_run_by_hand_shows_what_was_literally_sent(fake: FakeConcord, concord: Command) -> None:
    fake.answer("StartRun", a_run())

    pulled = concord("channel", "pull", "amazon-us", "--since", "2025-12-28T18:00:00+00:00")

    assert "CreatedAfter=2025-12-28T03:00:00Z" in pulled.stdout
    asked = fake.requests("StartRun")[0]
    assert asked.window_start_time.ToDatetime(UTC) == BROKEN
    assert not asked.HasField("window_end_time")


def test_an_incident_is_shown_with_both_windows_and_orders(
    fake: FakeConcord, concord: Command
) -> None:
    incident = Incident(
        name="incidents/inc-1",
        feed="feeds/amazon-us",
        state=Incident.STATE_FILLED,
        missed_orders=147,
        examples=[OrderRef(namespace="amazon", value="113-1")],
    )
    incident.asked_start_time.FromDatetime(BROKEN)
    incident.asked_end_time.FromDatetime(BROKEN)
    fake.answer("ListIncidents", api.ListIncidentsResponse(incidents=[incident]))
    fake.answer("GetIncident", incident)

    listed = concord("channel", "incidents", "--open")
    shown = concord("channel", "incident", "inc-1")

    assert "147" in listed.stdout
    assert "amazon:113-1" in shown.stdout
    assert fake.requests("ListIncidents")[0].open


def test_a_refusal_says_what_to_do(fake: FakeConcord, concord: Command) -> None:
    fake.answer("PauseFeed", refusal("FEED_NOT_FOUND", feed="none"))

    refused = concord("channel", "pause", "none")

    assert refused.exit_code == 1
    assert "concord channel list" in refused.stderr
