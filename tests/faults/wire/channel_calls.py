"""What every call about feeds and runs is about, for those who cut its connection."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from concord.channels.v1 import channel_service_pb2 as channels
from concord.channels.v1 import feed_pb2
from service import bootstrap
from service.application.feed_register import FeedRegister
from service.application.ports import Unit
from service.domain.channels import incidents, planning
from service.domain.channels.feeds import Feed, Mode, begun
from service.domain.channels.incidents import Missed
from service.domain.channels.planning import Window
from service.domain.channels.runs import Purpose, Run
from service.domain.journal import Origin
from tests.faults.wire.preparing import Preparing, Target

ORIGIN: Final = Origin("preparer", "engineering")
LEASE: Final = "preparer"
HOUR: Final = timedelta(hours=1)


def registered(preparing: Preparing, count: int) -> list[Target]:
    """Register feeds that are due; nobody else's platform is theirs."""
    return _made(preparing, count, more=())


def twice(preparing: Preparing, count: int) -> list[Target]:
    """Register feeds that are due, two of each platform: a repeat takes another one."""
    return _made(preparing, count, more=("-2",))


def paused(preparing: Preparing, count: int) -> list[Target]:
    """Register feeds that are paused."""
    targets = registered(preparing, count)

    def work(unit: Unit) -> None:
        for each in targets:
            FeedRegister(unit, ORIGIN, bootstrap.now()).pause(each.tag)

    preparing.transact(work)
    return targets


def running(preparing: Preparing, count: int) -> list[Target]:
    """Register feeds with a run that somebody works on, and an incident."""
    targets = registered(preparing, count)

    made: list[Target] = []

    def work(unit: Unit) -> None:
        made[:] = [_with_run(unit, each, bootstrap.now()) for each in targets]

    preparing.transact(work)
    return made


def creation(target: Target, rid: str) -> channels.CreateFeedRequest:
    """Ask for a fresh feed."""
    return channels.CreateFeedRequest(feed=_told(target), request_id=rid)


def change(target: Target, rid: str) -> channels.UpdateFeedRequest:
    """Ask for another title."""
    return channels.UpdateFeedRequest(feed=_told(target), request_id=rid)


def claim(target: Target, rid: str) -> channels.ClaimRunsRequest:
    """Ask for one run of the target's platform."""
    platform = channels.ClaimRunsRequest.Platform(name=_platform(target))
    return channels.ClaimRunsRequest(worker=rid, platforms=[platform], limit=1)


def _told(target: Target) -> feed_pb2.Feed:
    return feed_pb2.Feed(
        name=f"feeds/{target.tag}",
        title="another",
        channel="wire",
        shop=target.tag,
        mode=feed_pb2.Feed.MODE_PULL,
        platform=_platform(target),
        template="wire.orders",
        zone="Asia/Shanghai",
    )


def _platform(target: Target) -> str:
    return f"p{target.tag}"


def _made(preparing: Preparing, count: int, more: tuple[str, ...]) -> list[Target]:
    targets = preparing.names(count)

    def work(unit: Unit) -> None:
        at = bootstrap.now()
        for each in targets:
            for suffix in ("", *more):
                FeedRegister(unit, ORIGIN, at).create(_feed(each, suffix, at))

    preparing.transact(work)
    return targets


def _feed(target: Target, suffix: str, at: datetime) -> Feed:
    return Feed(
        feed_id=f"{target.tag}{suffix}",
        channel="wire",
        shop=target.tag,
        mode=Mode.PULL,
        platform=_platform(target),
        template="wire.orders",
        zone="Asia/Shanghai",
        begin_at=at - HOUR,
        created_at=at - HOUR,
        updated_at=at - HOUR,
        progress=begun(at, at - HOUR),
    )


def _with_run(unit: Unit, target: Target, at: datetime) -> Target:
    feed = unit.lock_feed(target.tag)
    window = Window(at - HOUR, at)
    fresh = planning.fresh_run(feed, Purpose.REGULAR, window, at=at)
    run = _claimed(fresh, at)
    incident = incidents.opened(feed, fresh, None, Missed(), backfill="", at=at)
    unit.save_feed_runs([run])
    unit.save_incident(incident)
    unit.save_feed(feed, run.lease_until)
    return replace(target, lease=LEASE, run=run.run_id, incident=incident.incident_id)


def _claimed(run: Run, at: datetime) -> Run:
    none = timedelta()
    return run.claimed(LEASE, at=at, lease_for=HOUR, window_max=none, cursor=at - HOUR)
