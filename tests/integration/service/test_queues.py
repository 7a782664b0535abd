"""Queues over gRPC: watched whole, counted by role, and what the desk's time goes into."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from concord.cases.v1 import case_service_pb2 as cases
from concord.cases.v1 import queue_service_pb2 as pb
from concord.cases.v1.queue_service_pb2_grpc import QueueServiceStub
from concord.orders.v1 import order_service_pb2 as orders
from service.postgres.case_tables import case_steps
from service.postgres.case_tables import cases as case_table
from tests.integration.service.world import Service, refused

BEGIN = datetime(2026, 3, 2, 9, tzinfo=UTC)
WITHIN_S = 20
MANAGER = (("concord-actor", "wu"), ("concord-role", "operations"))
FINANCE = (("concord-actor", "li"), ("concord-role", "finance"))


@pytest.fixture
def queues(service: Service) -> QueueServiceStub:
    return QueueServiceStub(service.channel)


def opened(service: Service, order: str, kind: str) -> cases.Case:
    asked = cases.OpenCaseRequest(order=order, type=kind)
    case: cases.Case = service.cases.OpenCase(asked, metadata=MANAGER)
    return case


def until(watched: Iterator[pb.Queue], holds: Callable[[pb.Queue], bool]) -> pb.Queue:
    """Return the first queue that is as it should be; the call's deadline bounds the wait."""
    return next(queue for queue in watched if holds(queue))


def test_a_watched_queue_is_told_whole_with_each_change(
    service: Service, queues: QueueServiceStub
) -> None:
    order = service.create().name
    asked = pb.WatchQueueRequest(filter=pb.QueueFilter(order=order))
    watched = queues.WatchQueue(asked, timeout=WITHIN_S)

    first = next(watched)
    case, again = (opened(service, order, "REFUND_OWED") for _ in range(2))
    with_both = until(watched, lambda queue: len(queue.cases) == 2)
    linking = cases.LinkCasesRequest(name=case.name, other=again.name)
    service.cases.LinkCases(linking, metadata=MANAGER)
    merging = cases.MergeCasesRequest(name=again.name, into=case.name)
    service.cases.MergeCases(merging, metadata=MANAGER)
    with_one = until(watched, lambda queue: len(queue.cases) == 1)
    watched.cancel()

    assert not first.cases
    assert {each.name for each in with_both.cases} == {case.name, again.name}
    assert [row.open for row in with_both.counts.rows] == [2]
    assert [each.name for each in with_one.cases] == [case.name]
    assert [row.open for row in with_one.counts.rows] == [1]


def test_what_is_open_is_counted_by_role_and_type(
    service: Service, queues: QueueServiceStub
) -> None:
    order = service.create().name
    for kind in ("REFUND_OWED", "REFUND_OWED", "STAGE_OVERDUE"):
        opened(service, order, kind)
    taken = opened(service, order, "STAGE_OVERDUE")
    service.cases.AssignCase(cases.AssignCaseRequest(name=taken.name, assignee="wang"))

    def counted(**wanted: object) -> dict[str, tuple[int, int]]:
        filtered = pb.QueueFilter(order=order, **wanted)  # type: ignore[arg-type]
        counts = queues.CountQueue(pb.CountQueueRequest(filter=filtered))
        return {row.type: (row.open, row.unassigned) for row in counts.rows}

    assert counted() == {"REFUND_OWED": (2, 2), "STAGE_OVERDUE": (2, 1)}
    assert counted(type="STAGE_OVERDUE") == {"STAGE_OVERDUE": (2, 1)}
    assert counted(assignee="wang") == {"STAGE_OVERDUE": (1, 0)}
    assert counted(channel="jd") == {}
    assert counted(due_within=Duration()) == {}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"order": "nobody"}, "filter.order"),
        ({"states": [cases.Case.STATE_RESOLVED]}, "filter.states"),
        ({"states": [99]}, "filter.states"),
        ({"class": 99}, "filter.class"),
        ({"assignee": "wang", "unassigned": True}, "filter.unassigned"),
        ({"channel": "JD 1"}, "filter.channel"),
        ({"due_within": Duration(seconds=-1)}, "filter.due_within"),
        ({"open_for": Duration(seconds=10**12)}, "filter.open_for"),
    ],
)
def test_a_filter_that_says_nothing_is_refused_by_its_field(
    queues: QueueServiceStub, wrong: dict[str, object], field: str
) -> None:
    asked = pb.QueueFilter(**wrong)  # type: ignore[arg-type]

    for call in (
        lambda: queues.CountQueue(pb.CountQueueRequest(filter=asked)),
        lambda: next(queues.WatchQueue(pb.WatchQueueRequest(filter=asked))),
    ):
        assert refused(call).fields == (field,)


def test_numbers_of_a_time_that_ends_before_it_begins_are_refused(
    queues: QueueServiceStub,
) -> None:
    asked = pb.GetDeskStatisticsRequest(
        start_time=Timestamp(seconds=20), end_time=Timestamp(seconds=10)
    )

    assert refused(lambda: queues.GetDeskStatistics(asked)).fields == ("end_time",)


@pytest.fixture
def kind(owner: sa.Engine) -> str:
    """A type of which ten cases passed finance in 1 to 10 hours, and two wait there."""
    kind = f"TRIED_{uuid.uuid4().hex[:8]}"
    with owner.begin() as connection:
        for number in range(1, 13):
            ended = BEGIN + timedelta(hours=number) if number <= 10 else None
            _insert(connection, kind, number, ended)
    return kind


def _insert(connection: sa.Connection, kind: str, number: int, ended: datetime | None) -> None:
    case_id = f"case-{kind}-{number}"
    connection.execute(
        sa.insert(case_table).values(
            case_id=case_id, order_id="", type=kind, owner_role="finance", version=1,
            state="RESOLVED" if ended else "OPEN", side="CUSTOMER",
            opened_at=BEGIN, due_at=BEGIN + timedelta(hours=8), resolved_at=ended,
            breached_at=BEGIN + timedelta(hours=8) if number > 8 else None,
        )
    )  # fmt: skip
    for count, (step, act) in enumerate((("skipped", "SKIPPED"), ("review", "approve")), start=1):
        is_skipped = act == "SKIPPED"
        connection.execute(
            sa.insert(case_steps).values(
                case_id=case_id, step=step, number=1, role="finance", begun_at=BEGIN,
                begun_n=count, ended_at=BEGIN if is_skipped else ended,
                act=act if is_skipped or ended else "",
            )
        )  # fmt: skip


def test_the_numbers_are_those_of_who_counts_by_hand(queues: QueueServiceStub, kind: str) -> None:
    start, end = Timestamp(), Timestamp()
    start.FromDatetime(BEGIN - timedelta(hours=1))
    end.FromDatetime(BEGIN + timedelta(days=1))

    told = queues.GetDeskStatistics(
        pb.GetDeskStatisticsRequest(type=kind, start_time=start, end_time=end)
    )

    (row,) = told.types
    hour = 3_600
    assert (row.opened, row.resolved, row.open) == (12, 10, 2)
    assert (row.p50.seconds, row.p95.seconds) == (5 * hour, 10 * hour)
    assert row.breach_share == pytest.approx(0.2)
    (step,) = told.steps
    assert (step.step, step.role, step.count) == ("review", "finance", 10)
    assert (step.p50.seconds, step.p95.seconds) == (5 * hour, 10 * hour)
    assert step.breach_share == pytest.approx(0.2)
    assert (step.waiting, step.waiting_long) == (2, 2)
    assert step.longest_wait.seconds > 24 * hour


def test_an_order_says_what_was_done_about_it(service: Service) -> None:
    order = service.create().name
    case = opened(service, order, "REFUND_OWED")
    service.cases.AddCaseNote(
        cases.AddCaseNoteRequest(name=case.name, text="asked the bank"),
        metadata=FINANCE,
    )

    read = service.orders.GetOrder(orders.GetOrderRequest(name=order))
    told = service.orders.ExplainOrder(orders.ExplainOrderRequest(name=order))

    by_hand = [each for each in read.handling if not each.automatic]
    assert [(each.case_type, each.act, each.text) for each in by_hand] == [
        ("REFUND_OWED", "OPENED", ""),
        ("REFUND_OWED", "NOTED", "asked the bank"),
    ]
    last = by_hand[-1]
    assert (last.actor, last.role, last.address) == ("li", "finance", "127.0.0.1")
    assert list(told.order.handling) == list(read.handling)
