"""`InsightService` over gRPC, with PostgreSQL and Valkey behind it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, timedelta
from threading import BoundedSemaphore

import grpc
import pytest
import sqlalchemy as sa
from redis import Redis

from concord.insights.v1 import insight_service_pb2 as api
from concord.insights.v1.flag_pb2 import Flag
from concord.insights.v1.insight_service_pb2_grpc import (
    InsightServiceStub,
    add_InsightServiceServicer_to_server,
)
from concord.insights.v1.stage_pb2 import ChannelMinute
from concord.intake.v1 import fact_pb2, receipt_pb2
from concord.orders.v1.order_pb2 import Order
from service.application.insights import (
    ChannelBoards,
    OverdueOrders,
    StageBoards,
    Verifier,
    ViewIncompleteError,
)
from service.domain.boards import MINUTE_S, Range, whole_minutes
from service.domain.errors import CursorInvalidError
from service.domain.lifecycle import STAGES, State
from service.postgres import tables
from service.postgres.engine import make_engine
from service.postgres.insights import ArrivalRows, FlagRows, JournalMeasures, OverdueRows
from service.postgres.tokens import make_token
from service.rpc.insights import InsightServicer, InsightUseCases
from service.views.channels import RedisChannelView
from service.views.connection import PATIENT_TIMEOUT_S, connect
from service.views.stages import RedisStageView
from tests.insight_storage import (
    PARTITIONS,
    a_case,
    an_order,
    mark_complete,
    tell,
    write_channel_minute,
    write_stages,
)
from tests.unit.service.insights.fakes import NOON, PICKING, FakeTime, a_measure, windows_of

VIEW, JOURNAL = api.StageBoard.SOURCE_VIEW, api.StageBoard.SOURCE_JOURNAL
SOON = NOON - timedelta(minutes=5)
PICKED = STAGES.index(PICKING)


@dataclass(frozen=True, slots=True)
class Running:
    """The service, its storage, and a clock that stands at noon."""

    stub: InsightServiceStub
    engine: sa.Engine
    redis: Redis
    time: FakeTime

    def insert(self, table: sa.Table, *rows: dict[str, object]) -> None:
        with self.engine.begin() as connection:
            connection.execute(sa.insert(table), list(rows))


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    engine = make_engine(database_url, connections=5)
    yield engine
    engine.dispose()


@pytest.fixture
def redis_address(redis_url: str) -> str:
    """A database of Valkey that no other test file uses."""
    return redis_url.removesuffix("/0") + "/8"


@pytest.fixture
def running(engine: sa.Engine, redis_address: str) -> Iterator[Running]:
    time, measures = FakeTime(), JournalMeasures(engine)
    with connect(redis_address, timeout_s=PATIENT_TIMEOUT_S) as redis:
        redis.flushdb()
        view = RedisStageView(redis, PARTITIONS)
        use_cases = InsightUseCases(
            stages=StageBoards(view, measures, time.clock, time.sleep),
            channels=ChannelBoards(
                RedisChannelView(redis, PARTITIONS), ArrivalRows(engine), time.clock
            ),
            overdue=OverdueOrders(OverdueRows(engine), time.clock),
            flags=FlagRows(engine),
            verifier=Verifier(view, measures, time.clock, time.sleep),
        )
        server = grpc.server(ThreadPoolExecutor(2))
        watchers = BoundedSemaphore(8)
        servicer = InsightServicer(use_cases, lambda request, _: request.flag, watchers)
        add_InsightServiceServicer_to_server(servicer, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Running(InsightServiceStub(channel), engine, redis, time)
        server.stop(grace=1).wait()


def a_receipt(receipt_id: str, channel: str, **more: object) -> dict[str, object]:
    row = {"receipt_id": receipt_id, "source": "wechatpay", "dedupe_key": receipt_id}
    rest = {"template": "concord.event", "event": b"", "received_at": SOON, "channel": channel}
    return {**row, **rest, **more}


def an_outcome(
    receipt_id: str, revision: int, *outcomes: str, outcome: str = "APPLIED"
) -> dict[str, object]:
    event = receipt_pb2.ReceiptWeighed(
        outcome=fact_pb2.Outcome.Value(f"OUTCOME_{outcome}"),
        facts=[
            fact_pb2.WeighedFact(outcome=fact_pb2.Outcome.Value(f"OUTCOME_{each}"))
            for each in outcomes
        ],
    )
    event.receive_time.FromDatetime(SOON)
    if outcomes:
        event.event_time.FromDatetime(SOON - timedelta(seconds=2))
    encoded = event.SerializeToString()
    return {"receipt_id": receipt_id, "revision": revision, "key": "k", "event": encoded}


def test_view_and_journal_show_the_same_board(running: Running) -> None:
    told = [
        a_measure(f"ord-{n}", seconds=1.05**n, ended_at=NOON - timedelta(minutes=n), cause=cause)
        for n, cause in enumerate(["", "MANUAL_PICKING", "FILE_LATE"] * 30)
    ]
    tell(running.engine, *told)
    write_stages(running.redis, windows_of(*told))

    shown = running.stub.GetStageBoard(api.GetStageBoardRequest())
    counted = running.stub.GetStageBoard(api.GetStageBoardRequest(from_journal=True))

    assert (shown.source, counted.source) == (VIEW, JOURNAL)
    assert shown.watermark.ToDatetime(tzinfo=UTC) == NOON
    ours, theirs = counted.rows[PICKED], shown.rows[PICKED]
    assert ours.count == 60
    for field in ("count", "mean", "abnormal_share", "causes"):
        assert getattr(ours, field) == getattr(theirs, field)
    for field in ("p50", "p95", "p99"):
        exact = getattr(ours, field).ToTimedelta()
        assert abs(getattr(theirs, field).ToTimedelta() - exact) <= exact * 0.01


def test_a_flushed_view_is_not_believed(running: Running) -> None:
    tell(running.engine, a_measure(ended_at=SOON))
    write_stages(running.redis, windows_of(a_measure(ended_at=SOON)))
    running.redis.flushdb()

    board = running.stub.GetStageBoard(api.GetStageBoardRequest())

    assert (board.source, board.rows[PICKED].count) == (JOURNAL, 1)


def test_a_view_that_is_half_rebuilt_is_not_believed(running: Running) -> None:
    write_stages(running.redis, windows_of(a_measure(ended_at=SOON)))
    running.redis.delete("concord:views:stages:2")

    assert running.stub.GetStageBoard(api.GetStageBoardRequest()).source == JOURNAL


def test_a_view_that_cannot_be_read_is_incomplete(redis_address: str) -> None:
    minute = whole_minutes(NOON, NOON + timedelta(minutes=1))
    with connect(redis_address, timeout_s=PATIENT_TIMEOUT_S) as redis:
        redis.flushdb()
        windows = windows_of(a_measure())
        write_stages(redis, windows)
        redis.hset(f"concord:stages:60:{minute.start_s}", "4:5:jd", b"\xff no window")
        with pytest.raises(ViewIncompleteError):
            RedisStageView(redis, PARTITIONS).read([Range(MINUTE_S, minute.start_s, minute.end_s)])


def test_a_redis_that_nobody_serves_is_incomplete() -> None:
    with connect("redis://127.0.0.1:1/0") as redis, pytest.raises(ViewIncompleteError):
        RedisStageView(redis, PARTITIONS).read([])


def test_more_measures_than_one_fetch_are_all_counted(running: Running) -> None:
    tell(running.engine, *(a_measure(f"ord-{n}") for n in range(4_500)))

    board = running.stub.GetStageBoard(api.GetStageBoardRequest(all_time=True))

    assert board.rows[PICKED].count == 4_500
    assert not board.HasField("start_time")


def test_a_watched_board_comes_at_once_and_again_with_a_change(running: Running) -> None:
    write_stages(running.redis, windows_of(a_measure(ended_at=SOON)))
    more = windows_of(a_measure(ended_at=SOON), a_measure("ord-2", ended_at=SOON))
    running.time.events = {2: lambda: write_stages(running.redis, more)}

    watching = running.stub.WatchStageBoard(api.WatchStageBoardRequest())
    counts = [next(watching).rows[PICKED].count for _ in range(2)]
    watching.cancel()

    assert counts == [1, 2]


def test_insights_verify_finds_what_is_wrong_in_the_view_and_nothing_else(
    running: Running,
) -> None:
    told = [a_measure(f"ord-{n}", seconds=n, channel="jd" if n % 2 else "pdd") for n in range(50)]
    tell(running.engine, *told)
    write_stages(running.redis, windows_of(*told))

    clean = running.stub.VerifyInsights(api.VerifyInsightsRequest())
    write_stages(running.redis, windows_of(*told, a_measure("ord-x", channel="jd")))
    wrong = running.stub.VerifyInsights(api.VerifyInsightsRequest())

    assert (clean.windows, clean.measures, clean.difference_count) == (8, 50, 0)
    assert wrong.difference_count == 4
    assert {each.view.channel for each in wrong.differences} == {"jd"}
    found = wrong.differences[0]
    assert found.view.numbers.count == found.journal.numbers.count + 1
    assert sum(each.count for each in found.journal.numbers.buckets) == 25


def test_a_measure_committed_by_an_older_transaction_is_not_missed(running: Running) -> None:
    measures = JournalMeasures(running.engine)
    with running.engine.connect() as slow:
        slow.execute(sa.text("SELECT pg_current_xact_id()"))
        tell(running.engine, a_measure("ord-fast"))
        horizon = measures.horizon()
        row = {"order_id": "ord-slow", "sequence": 1, "kind": "MOVED", "occurred_at": NOON}
        event = slow.execute(sa.select(tables.journal.c.event)).scalar_one()
        rest = {"event": event, "measured": True, "record": b"", "hash": b""}
        slow.execute(sa.insert(tables.journal), [{**row, **rest, "recorded_at": NOON}])
        slow.commit()

    assert "ord-slow" in {each.order_id for each in measures.since(horizon)}


def test_overdue_orders_come_longest_first_with_cause_and_owner(running: Running) -> None:
    day, hours = NOON - timedelta(days=1), NOON - timedelta(hours=3)
    running.insert(
        tables.orders,
        an_order("ord-paying", State.PAYING, hours),
        an_order("ord-held", State.AWAITING_OUTBOUND, day, hold_reasons=["RISK"]),
        an_order("ord-case", State.PAID, hours - timedelta(minutes=1)),
        an_order("ord-fresh", State.PAID, NOON - timedelta(hours=1)),
        an_order("ord-way", State.SHIPPING, day),
        an_order("ord-done", State.COMPLETED, day),
    )
    running.insert(
        tables.cases,
        a_case("case-1", "ord-case", type="DUPLICATE_CHARGE", owner_role="finance"),
        a_case("case-2", "ord-case", due_at=NOON + timedelta(days=1)),
        a_case("case-3", "ord-held", state="RESOLVED"),
    )
    fact = {"order_id": "ord-paying", "namespace": "jd", "value": "1", "source": "wechatpay"}
    rest = {"recorded_at": NOON, "circumstances": [], "detail": {}, "outcome": "APPLIED"}
    running.insert(
        tables.facts,
        {**fact, **rest, "fact_id": "f1", "kind": "PAYMENT_FAILED", "occurred_at": SOON},
    )

    found = running.stub.ListOverdueOrders(api.ListOverdueOrdersRequest()).overdue

    assert [(each.order, each.cause, each.owner_role, each.case) for each in found] == [
        ("orders/ord-held", "ON_HOLD_RISK", "warehouse", ""),
        ("orders/ord-case", "STOCK_NOT_ALLOCATED", "operations", "cases/case-2"),
        ("orders/ord-paying", "PAYMENT_FAILED", "finance", ""),
    ]
    assert found[0].limit.ToTimedelta() == timedelta(hours=2)
    assert found[0].state_time.ToDatetime(tzinfo=UTC) == day


def test_pages_of_overdue_orders_neither_repeat_nor_skip(running: Running) -> None:
    states = [State.PAID, State.PAYING]
    rows = [an_order(f"ord-{n}", states[n % 2], NOON - timedelta(hours=9)) for n in range(7)]
    running.insert(tables.orders, *rows)

    names, token = [], ""
    for _ in range(4):
        request = api.ListOverdueOrdersRequest(page_size=2, page_token=token)
        page = running.stub.ListOverdueOrders(request)
        names += [each.order for each in page.overdue]
        token = page.next_page_token

    assert names == [f"orders/ord-{n}" for n in range(7)]
    assert token == ""


def test_one_state_of_overdue_orders_can_be_listed(running: Running) -> None:
    running.insert(
        tables.orders,
        an_order("ord-1", State.PAID, NOON - timedelta(hours=9)),
        an_order("ord-2", State.PAYING, NOON - timedelta(hours=9)),
    )

    request = api.ListOverdueOrdersRequest(state=Order.STATE_PAYING)

    found = running.stub.ListOverdueOrders(request).overdue
    assert [each.order for each in found] == ["orders/ord-2"]


def test_channels_are_summed_from_the_view(running: Running) -> None:
    for minute, receipts in ((SOON, 3), (SOON + timedelta(minutes=1), 4)):
        numbers = ChannelMinute(channel="jd", receipts=receipts, facts=1)
        write_channel_minute(running.redis, minute, numbers)
    mark_complete(running.redis, "channels")

    board = running.stub.GetChannelBoard(api.GetChannelBoardRequest())

    assert board.source == VIEW
    assert [(each.channel, each.receipts, each.facts) for each in board.channels] == [("jd", 7, 2)]


def test_channels_are_counted_from_receipts_while_the_view_is_incomplete(running: Running) -> None:
    running.insert(
        tables.receipts,
        a_receipt("r1", "jd", repeats=2),
        a_receipt("r2", "jd", repeats=0),
        a_receipt("r3", "", repeats=0),
        a_receipt("r4", "jd", repeats=0, received_at=NOON + timedelta(minutes=1)),
    )
    running.insert(
        tables.receipt_outcomes,
        an_outcome("r1", 1, outcome="REJECTED"),
        an_outcome("r1", 2, "APPLIED", "CONTRADICTING"),
        an_outcome("r3", 1, outcome="REJECTED"),
    )

    board = running.stub.GetChannelBoard(api.GetChannelBoardRequest())

    jd, wechatpay = board.channels
    assert board.source == JOURNAL
    assert (jd.receipts, jd.duplicates, jd.facts, jd.rejects, jd.contradictions) == (2, 2, 2, 0, 1)
    assert (jd.delay_sum_ms, jd.delayed) == (2000, 1)
    assert (wechatpay.channel, wechatpay.rejects, wechatpay.delayed) == ("wechatpay", 1, 0)


def test_flags_are_listed_newest_first_by_order_and_review_pool(running: Running) -> None:
    common = {"customer": "c", "rule": "deep-discount", "rule_version": 2, "recorded_at": NOON}
    acts = ["HELD", "SENT_TO_REVIEW", "DISMISSED"]
    for n, act in enumerate(acts):
        row = {"flag_id": f"flg-{n}", "order_id": f"ord-{n % 2}", "action": "REVIEW", "act": act}
        values = {"inputs": [["order.amount", "9.90"]], "occurred_at": NOON}
        running.insert(tables.flags, {**common, **row, **values})

    def names(**asked: object) -> list[str]:
        page = running.stub.ListFlags(api.ListFlagsRequest(**asked))  # type: ignore[arg-type]
        return [each.name for each in page.flags]

    first = running.stub.ListFlags(api.ListFlagsRequest(page_size=2))
    assert [each.name for each in first.flags] == ["flags/flg-2", "flags/flg-1"]
    assert names(page_size=2, page_token=first.next_page_token) == ["flags/flg-0"]
    assert names(order="orders/ord-0") == ["flags/flg-2", "flags/flg-0"]
    assert names(review_pool=True) == ["flags/flg-1"]
    assert first.flags[0].inputs == [Flag.Input(name="order.amount", value="9.90")]
    assert (first.flags[0].action, first.flags[0].act) == (Flag.ACTION_REVIEW, "DISMISSED")


BAD_TOKENS = ["x", "!!", "bnVsbA", make_token("overdue", 1, 2), make_token("overdue", "2026", "\0")]


@pytest.mark.parametrize("token", [*BAD_TOKENS, make_token("flags", 1)])
def test_a_token_of_another_list_of_overdue_orders_is_refused(
    engine: sa.Engine, token: str
) -> None:
    with pytest.raises(CursorInvalidError):
        OverdueRows(engine).page({State.PAID: NOON}, page_size=1, page_token=token)


@pytest.mark.parametrize(
    "token", [*BAD_TOKENS, make_token("flags", "1"), make_token("flags", 2**63)]
)
def test_a_token_of_another_list_of_flags_is_refused(engine: sa.Engine, token: str) -> None:
    with pytest.raises(CursorInvalidError):
        FlagRows(engine).page(order_id="", is_review_pool=False, page_size=1, page_token=token)
