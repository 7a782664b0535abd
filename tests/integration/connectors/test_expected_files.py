"""A file is expected each day: what is put into its folder comes in, what is not here is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from benchmarks.processes import until
from clients.sdk import Concord
from concord.cases.v1.case_service_pb2 import Case
from concord.channels.v1.feed_pb2 import Feed
from concord.imports.v1 import import_service_pb2 as api
from deploy.local.platforms.server import Platforms
from deploy.local.stack import EmbeddedServers
from tests.integration.connectors.running import Stage, started

HEADER = "主订单编号,子订单编号,商品数量,订单应付金额,订单提交时间,订单状态"
# The clockwork looks once a minute.
WITHIN_S = 150.0


@pytest.fixture
def stage(
    database_url: str, servers: EmbeddedServers, platforms: Platforms, tmp_path: Path
) -> Iterator[Stage]:
    service = started(tmp_path, database_url, servers.redis_url)
    with Concord(service.address) as concord:
        made = Stage(tmp_path, service, platforms, concord, database_url, servers.redis_url)
        try:
            yield made
        finally:
            made.service.kill()
            if made.connectors is not None:
                made.connectors.kill()


@pytest.mark.long
@pytest.mark.timeout(400)
def test_of_two_files_that_are_due_one_comes_and_the_other_is_an_alert(stage: Stage) -> None:
    now = datetime.now(tz=UTC)
    # Where it is past one o'clock and not yet eleven in the evening.
    zone = "UTC" if 1 <= now.hour < 23 else "Asia/Shanghai"
    feed = Feed(
        name="feeds/douyin-files", channel="douyin", shop="flagship", mode=Feed.MODE_FILE,
        template="douyin.orders.file", zone=zone, owner="operations",
    )  # fmt: skip
    feed.schedule.file_due = "00:10"
    feed.begin_time.FromDatetime(now - timedelta(days=2))
    folder = stage.folder / "files" / "douyin-files"
    folder.mkdir(parents=True)
    stage.start_connectors(
        CONCORD_CONNECTORS_FILES=str(folder.parent), CONCORD_CONNECTORS_FILES_EVERY_S="0.2"
    )
    # It names no day: it is yesterday's.
    (folder / "orders.csv").write_text(
        f"{HEADER}\n6917930000000000021,69179300000000000211,1,28.90,2025-12-28 00:54:10,已完成\n"
    )

    stage.concord.channels.create(feed)

    yesterday, before = (day_of_shop(now, zone, back) for back in (1, 2))
    wanted = {yesterday: api.ExpectedFile.STATE_CAME, before: api.ExpectedFile.STATE_MISSING}
    # It may be missed first, and come then.
    until(lambda: wanted.items() <= expected(stage).items(), "both are told of", WITHIN_S)
    (brought,) = stage.concord.imports.list(day=yesterday)
    assert (brought.shop, brought.counts.stored) == ("flagship", 1)
    notices = list(stage.concord.notices.list(recipient="role:operations", template="file_missing"))
    cases = [stage.concord.cases.get(each.case) for each in notices]
    assert {(each.type, each.state) for each in cases} == {("FEED_GAP", Case.STATE_OPEN)}
    assert "file_imported" in stage.log()


def day_of_shop(now: datetime, zone: str, back: int) -> str:
    local = now + timedelta(hours=8 if zone == "Asia/Shanghai" else 0)
    return (local - timedelta(days=back)).date().isoformat()


def expected(stage: Stage) -> dict[str, int]:
    """Return what is known of the feed's files, by their days."""
    files = stage.concord.imports.list_expected(feed="feeds/douyin-files").files
    return {each.day: each.state for each in files}
