"""The connectors' desk for files: what is put into a feed's folder is imported, and let go of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest

from clients.connectors.files import WORK, FileDesk
from clients.files.folder import day_of
from clients.sdk import Concord
from clients.sdk.testing import FakeConcord, refusal
from concord.channels.v1 import channel_service_pb2 as channels
from concord.channels.v1.feed_pb2 import Feed
from concord.imports.v1 import import_service_pb2 as api
from concord.intake.v1 import intake_service_pb2 as intake
from concord.reconciliations.v1.statement_pb2 import Statement

# 04:00 on the 29th in Shanghai: a file that is named for no day is that of the 28th.
NOW = datetime(2025, 12, 28, 20, tzinfo=UTC)
HEADER = "主订单编号,子订单编号,商品数量,订单应付金额,订单提交时间,订单状态"
FEED = Feed(
    name="feeds/put-here", channel="douyin", shop="flagship", mode=Feed.MODE_FILE,
    template="douyin.orders.file", zone="Asia/Shanghai",
)  # fmt: skip
WITHIN_S = 30.0


@pytest.fixture
def fake() -> Iterator[FakeConcord]:
    with FakeConcord() as server:
        yield server


def answered(fake: FakeConcord, *submissions: Callable[..., object]) -> None:
    """Let every question of an import be answered, many times."""

    def begun(request: api.BeginImportRequest) -> api.Import:
        answer = api.Import(name="imports/imp-1", state=api.Import.STATE_RUNNING)
        answer.MergeFrom(request.file)
        return answer

    done = api.Import(name="imports/imp-1", state=api.Import.STATE_DONE)
    fake.answer("ListFeeds", *[channels.ListFeedsResponse(feeds=[FEED])] * 50)
    fake.answer("BeginImport", *[begun] * 5)
    fake.answer("SubmitReceipts", *submissions)
    fake.answer("CloseStatement", *[Statement()] * 5)
    fake.answer("ReportImport", *[done] * 5)


def submitted(request: intake.SubmitReceiptsRequest) -> intake.SubmitReceiptsResponse:
    each = intake.SubmitReceiptsResponse.Submitted(receipt="receipts/rcp-1")
    return intake.SubmitReceiptsResponse(submitted=[each] * len(request.receipts))


def put(root: Path, rows: int) -> None:
    folder = root / "put-here"
    folder.mkdir(exist_ok=True)
    lines = [
        f"69179300000000{at:05},69179300000000{at:05}1,1,28.90,2025-12-28 00:54:10,已完成"
        for at in range(1, rows + 1)
    ]
    (folder / "orders.csv").write_text("\n".join((HEADER, *lines, "")))


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not condition():  # noqa: ASYNC110  # It is another thread's.
            await asyncio.sleep(0.01)


async def worked(
    fake: FakeConcord, root: Path, until_: Callable[[], object], gate: Event | None = None
) -> None:
    """Run a desk until something holds, and end it as the process would."""
    with Concord(fake.address) as concord:
        desk = FileDesk(root, concord, lambda: NOW, look_every_s=0.01)
        told_to_stop = asyncio.Event()
        running = asyncio.create_task(desk.run(told_to_stop))
        await until(until_)
        told_to_stop.set()
        draining = asyncio.create_task(desk.drain(WITHIN_S))
        await asyncio.sleep(0)
        if gate:
            gate.set()
        await draining
        await running


async def test_what_is_put_into_a_feeds_folder_is_imported_for_yesterday(
    fake: FakeConcord, tmp_path: Path
) -> None:
    answered(fake, submitted)
    put(tmp_path, rows=3)

    await worked(fake, tmp_path, lambda: fake.requests("ReportImport"))

    (begun,) = fake.requests("BeginImport")
    file = begun.file
    assert (file.shop, file.day, file.file_name) == ("flagship", "2025-12-28", "orders.csv")
    (sent,) = fake.requests("SubmitReceipts")
    assert [each.account for each in sent.receipts] == ["flagship"] * 3
    assert not list((tmp_path / WORK).glob("*.spool"))


async def test_told_to_stop_it_lets_go_and_the_next_goes_on_behind_it(
    fake: FakeConcord, tmp_path: Path
) -> None:
    gate = Event()

    def slow(request: intake.SubmitReceiptsRequest) -> intake.SubmitReceiptsResponse:
        assert gate.wait(WITHIN_S)
        return submitted(request)

    answered(fake, *[slow] * 100)
    put(tmp_path, rows=9_000)

    await worked(fake, tmp_path, lambda: fake.requests("SubmitReceipts"), gate)
    before = len(fake.requests("SubmitReceipts"))
    (spool,) = (tmp_path / WORK).glob("*.spool")
    await worked(fake, tmp_path, lambda: fake.requests("ReportImport"))

    assert before < 18
    assert not spool.exists()
    orders = [
        receipt.order_hint
        for request in fake.requests("SubmitReceipts")
        for receipt in request.receipts
    ]
    assert len(set(orders)) == 9_000
    # Those that were under way come again, and no others.
    assert len(orders) < 9_000 + 500 * 10


async def test_what_cannot_be_taken_holds_up_no_other_file(
    fake: FakeConcord, tmp_path: Path
) -> None:
    def begun(request: api.BeginImportRequest) -> object:
        if request.file.file_name == "a-refused.csv":
            return refusal("INVALID_REQUEST")
        answer = api.Import(name="imports/imp-1", state=api.Import.STATE_RUNNING)
        answer.MergeFrom(request.file)
        return answer

    fake.answer("BeginImport", *[begun] * 50)
    answered(fake, submitted)
    put(tmp_path, rows=3)
    folder = tmp_path / "put-here"
    text = (folder / "orders.csv").read_text()
    (folder / "a-refused.csv").write_text(text.replace("69179", "69178"))
    # What reads it hears that it is no file, and of the other that there is none.
    (folder / "b-folder.csv").mkdir()
    (folder / "c-gone.csv").symlink_to("nowhere")

    await worked(fake, tmp_path, lambda: fake.requests("ReportImport"))

    (sent,) = fake.requests("SubmitReceipts")
    assert len(sent.receipts) == 3


def test_a_number_that_looks_like_a_day_is_none() -> None:
    assert day_of("orders-2025-12-28.csv") == "2025-12-28"
    assert day_of("orders-2025-02-31.csv") == ""


async def test_a_service_that_is_away_is_asked_again(fake: FakeConcord, tmp_path: Path) -> None:
    put(tmp_path, rows=1)

    # Nobody has scripted an answer yet: the fake says that it has none.
    with Concord(fake.address) as concord:
        desk = FileDesk(tmp_path, concord, lambda: NOW, look_every_s=0.01)
        told_to_stop = asyncio.Event()
        running = asyncio.create_task(desk.run(told_to_stop))
        await until(lambda: len(fake.requests("ListFeeds")) > 1)
        answered(fake, submitted)
        await until(lambda: fake.requests("ReportImport"))
        told_to_stop.set()
        await desk.drain(WITHIN_S)
        await running
