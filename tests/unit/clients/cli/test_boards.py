"""The boards look as the article's table does, and checks end with their exit codes."""

from __future__ import annotations

import json

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from clients.sdk.testing import FakeConcord, refusal
from concord.insights.v1.flag_pb2 import Flag
from concord.insights.v1.insight_service_pb2 import (
    ChannelBoard,
    ListOverdueOrdersResponse,
    StageBoard,
    VerifyInsightsResponse,
)
from concord.orders.v1.order_pb2 import Order
from concord.orders.v1.order_service_pb2 import VerifyJournalResponse
from concord.outbox.v1.outbox_service_pb2 import ListParkedStreamsResponse, ParkedStream

from .conftest import Run

NOON = Timestamp(seconds=1_795_348_800)


def a_duration(seconds: float) -> Duration:
    whole = int(seconds)
    return Duration(seconds=whole, nanos=round((seconds - whole) * 1e9))


def the_articles_board() -> StageBoard:
    board = StageBoard(
        start_time=NOON, end_time=NOON, watermark=NOON, source=StageBoard.SOURCE_VIEW
    )
    for start, end, mean, share, cause in (
        (Order.STATE_PENDING_PAYMENT, Order.STATE_PAYING, 1.2, 0.003, "NETWORK_JITTER"),
        (Order.STATE_PAYING, Order.STATE_PAID, 8.7, 0.061, "CALLBACK_FAILED"),
        (Order.STATE_PAID, Order.STATE_AWAITING_OUTBOUND, 3.4, 0.018, "STOCK_LOCK_CONFLICT"),
        (Order.STATE_AWAITING_OUTBOUND, Order.STATE_SHIPPING, 156.2, 0.235, "MANUAL_PICKING"),
    ):
        row = board.rows.add(
            from_state=start,
            to_state=end,
            count=10_000,
            mean=a_duration(mean),
            p50=a_duration(mean),
            p95=a_duration(mean * 2),
            p99=a_duration(mean * 3),
            abnormal_share=share,
        )
        row.causes.add(cause=cause, count=int(share * 10_000))
    return board


def test_the_stage_board_in_chinese_is_the_articles_table(fake: FakeConcord, concord: Run) -> None:
    fake.answer("GetStageBoard", the_articles_board())

    shown = concord("stages", "--lang", "zh")

    lines = [" ".join(line.split()) for line in shown.stdout.splitlines()]
    assert lines[:5] == [
        "阶段 单数 平均耗时 p50 p95 p99 异常率 主要原因",
        "待支付 → 支付中 10,000 1.2 s 1.2 s 2.4 s 3.6 s 0.3 % 网络抖动 (30)",
        "支付中 → 已支付 10,000 8.7 s 8.7 s 17.4 s 26.1 s 6.1 % 支付回调失败 (610)",
        "已支付 → 待出库 10,000 3.4 s 3.4 s 6.8 s 10.2 s 1.8 % 库存锁冲突 (180)",
        "待出库 → 发货中 10,000 156.2 s 156.2 s 312.4 s 468.6 s 23.5 % 人工拣货慢 (2,350)",
    ]


def test_without_a_language_states_have_both_names(fake: FakeConcord, concord: Run) -> None:
    fake.answer("GetStageBoard", the_articles_board())

    shown = concord("stages")

    assert "待支付 PENDING_PAYMENT → 支付中 PAYING" in shown.stdout
    assert "from the streams' view" in shown.stdout


def test_the_asked_range_reaches_the_service(fake: FakeConcord, concord: Run) -> None:
    concord("stages", "--since", "2026-11-22T08:00:00+08:00", "--channel", "jd", "--from-journal")

    [request] = fake.requests("GetStageBoard")
    assert request.start_time.ToJsonString() == "2026-11-22T00:00:00Z"
    assert (request.channel, request.from_journal, request.all_time) == ("jd", True, False)


def test_a_time_without_offset_is_refused(concord: Run) -> None:
    shown = concord("stages", "--since", "2026-11-22T08:00:00")

    assert shown.exit_code == 2
    assert "offset" in shown.stderr


def test_a_watched_board_in_json_is_a_line_each(fake: FakeConcord, concord: Run) -> None:
    fake.answer("WatchStageBoard", [the_articles_board(), refusal("CURSOR_INVALID")])

    shown = concord("stages", "--watch", "--json")

    assert shown.exit_code == 1
    assert len(json.loads(shown.stdout)["rows"]) == 4


def test_overdue_orders_have_cause_owner_and_case(fake: FakeConcord, concord: Run) -> None:
    answer = ListOverdueOrdersResponse()
    answer.overdue.add(
        order="orders/ord-1",
        state=Order.STATE_PAYING,
        state_time=NOON,
        limit=a_duration(7200),
        cause="CALLBACK_FAILED",
        owner_role="finance",
        case="cases/case-1",
    )
    fake.answer("ListOverdueOrders", answer)

    shown = concord("stages", "overdue", "--state", "PAYING", "--lang", "en")

    assert fake.requests("ListOverdueOrders")[0].state == Order.STATE_PAYING
    for said in ("orders/ord-1", "2 h 0 min", "callback failed", "finance", "cases/case-1"):
        assert said in shown.stdout


def test_channels_show_delay_and_disagreement(fake: FakeConcord, concord: Run) -> None:
    board = ChannelBoard()
    board.channels.add(
        channel="douyin", receipts=12_345, rejects=3, contradictions=7, delay_sum_ms=9000, delayed=6
    )
    fake.answer("GetChannelBoard", board)

    shown = concord("channels", "--since", "2h")

    assert "12,345" in shown.stdout
    assert "1.5 s" in shown.stdout


def test_a_flag_is_listed_and_dismissed(fake: FakeConcord, concord: Run) -> None:
    fake.model.flags["flags/flg-1"] = Flag(
        name="flags/flg-1",
        order="orders/ord-1",
        rule="deep-discount",
        rule_version=2,
        action=Flag.ACTION_HOLD,
        inputs=[Flag.Input(name="order.discount", value="0.83")],
    )

    listed = concord("flags")
    dismissed = concord("flags", "dismiss", "flg-1")

    assert "deep-discount v2" in listed.stdout
    assert "order.discount = 0.83" in listed.stdout
    assert "DISMISSED" in dismissed.stdout
    assert concord("flags", "dismiss", "flg-9").exit_code == 1


def test_a_sound_journal_is_exit_code_0(fake: FakeConcord, concord: Run) -> None:
    fake.answer("VerifyJournal", VerifyJournalResponse(rows=1234, orders=56))

    shown = concord("audit", "verify")

    assert shown.exit_code == 0
    assert "1,234 rows of 56 orders" in shown.stdout


def test_a_broken_journal_names_the_first_bad_row(fake: FakeConcord, concord: Run) -> None:
    answer = VerifyJournalResponse(rows=10, orders=1, problem="its hash is not that of its bytes")
    answer.first_bad.order = "orders/ord-7"
    answer.first_bad.sequence = 3
    fake.answer("VerifyJournal", answer, answer)

    shown = concord("audit", "verify")

    assert shown.exit_code == 1
    assert "orders/ord-7 #3" in shown.stderr
    assert "its hash is not" in shown.stderr
    assert json.loads(concord("audit", "verify", "--json").stdout)["firstBad"]["sequence"] == "3"


def test_windows_that_differ_are_exit_code_1(fake: FakeConcord, concord: Run) -> None:
    answer = VerifyInsightsResponse(windows=60, measures=900, difference_count=1)
    found = answer.differences.add()
    found.journal.from_state = Order.STATE_PAID
    found.journal.to_state = Order.STATE_AWAITING_OUTBOUND
    found.journal.channel = "jd"
    found.journal.numbers.count = 5
    fake.answer("VerifyInsights", answer)

    differing = concord("insights", "verify")
    same = concord("insights", "verify", "--wait", "5s")

    assert (differing.exit_code, same.exit_code) == (1, 0)
    assert "已支付 PAID → 待出库 AWAITING_OUTBOUND" in differing.stdout
    assert fake.requests("VerifyInsights")[1].wait.seconds == 5


def test_parked_keys_are_listed_and_sent_again(fake: FakeConcord, concord: Run) -> None:
    stream = ParkedStream(topic="concord.orders.v1", key="ord-1", messages=3, last_error="too big")
    fake.answer("ListParkedStreams", ListParkedStreamsResponse(streams=[stream]))
    fake.answer("ResendStream", stream)

    assert "too big" in concord("outbox", "parked").stdout
    assert concord("outbox", "resend", "concord.orders.v1", "ord-1").exit_code == 0
    assert concord("outbox", "resend", "concord.orders.v1", "ord-2").exit_code == 1


def test_the_outbox_says_how_old_its_oldest_is(concord: Run) -> None:
    assert "oldest" in concord("outbox").stdout
    assert json.loads(concord("outbox", "show", "--json").stdout)["epoch"] == "1"
