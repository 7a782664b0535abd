"""The fake service's exception desk: cases by hand, without a workflow and without clocks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import grpc

from clients.sdk.fake_memory import TICK_S, Memory, page_of, refusal, stamp
from concord.cases.v1 import case_service_pb2 as cases
from concord.cases.v1 import queue_service_pb2 as queues
from concord.orders.v1.order_pb2 import Order

QUEUE = 50


class FakeCases(Memory):
    """`CaseService` and `QueueService`."""

    orders: dict[str, Order]

    def __init__(self) -> None:
        super().__init__()
        self.cases: dict[str, cases.Case] = {}

    def open_case(self, request: cases.OpenCaseRequest) -> cases.Case:
        if request.order not in self.orders:
            raise refusal("ORDER_NOT_FOUND", order=request.order)
        case = cases.Case(
            name=f"cases/case-{len(self.cases) + 1}",
            order=request.order,
            type=request.type,
            state=cases.Case.STATE_OPEN,
            owner_role="operations",
            open_time=stamp(self._now()),
            due_time=stamp(self._now() + timedelta(hours=4)),
        )
        self.cases[case.name] = case
        return self._act(case, "OPENED", request.note)

    def get_case(self, request: cases.GetCaseRequest) -> cases.Case:
        return self._case(request.name)

    def list_cases(self, request: cases.ListCasesRequest) -> cases.ListCasesResponse:
        chosen = [
            case
            for case in self._chosen(request)
            if request.include_resolved or case.state != cases.Case.STATE_RESOLVED
        ]
        page, following = page_of(chosen, request)
        return cases.ListCasesResponse(cases=page, next_page_token=following)

    def add_case_note(self, request: cases.AddCaseNoteRequest) -> cases.Case:
        return self._act(self._case(request.name), "NOTED", request.text)

    def assign_case(self, request: cases.AssignCaseRequest) -> cases.Case:
        case = self._open_case(request.name)
        case.assignee, case.state = request.assignee, cases.Case.STATE_ASSIGNED
        return self._act(case, "ASSIGNED", request.assignee)

    def resolve_case(self, request: cases.ResolveCaseRequest) -> cases.Case:
        case = self._open_case(request.name)
        case.outcome, case.state = request.outcome, cases.Case.STATE_RESOLVED
        return self._act(case, "RESOLVED", request.note)

    def count_queue(self, request: queues.CountQueueRequest) -> queues.QueueCounts:
        by_role: dict[tuple[str, str], list[cases.Case]] = defaultdict(list)
        for case in self._queue(request.filter):
            by_role[case.owner_role, case.type].append(case)
        rows = [
            queues.QueueCounts.Row(
                owner_role=role,
                type=kind,
                open=len(found),
                unassigned=sum(not case.assignee for case in found),
                oldest_time=min((case.open_time for case in found), key=lambda at: at.seconds),
            )
            for (role, kind), found in sorted(by_role.items())
        ]
        return queues.QueueCounts(rows=rows, read_time=stamp(self._now()))

    def watch_queue(
        self, request: queues.WatchQueueRequest, context: grpc.ServicerContext
    ) -> Iterator[queues.Queue]:
        shown: list[cases.Case] | None = None
        while not self._closed and context.is_active():
            with self._changed:
                found = list(self._queue(request.filter))[: request.size or QUEUE]
                counts = self.count_queue(queues.CountQueueRequest(filter=request.filter))
                if found == shown:
                    self._changed.wait(TICK_S)
                    continue
            queue = queues.Queue(cases=found, counts=counts)
            shown = list(queue.cases)
            yield queue

    def get_desk_statistics(
        self, request: queues.GetDeskStatisticsRequest
    ) -> queues.DeskStatistics:
        return queues.DeskStatistics(
            start_time=stamp(self._now() - timedelta(days=7)), end_time=stamp(self._now())
        )

    def _queue(self, asked: queues.QueueFilter) -> Iterator[cases.Case]:
        return (case for case in self._chosen(asked) if case.state != cases.Case.STATE_RESOLVED)

    def _chosen(self, asked: Any) -> Iterator[cases.Case]:  # noqa: ANN401  # any filter of cases
        side = getattr(asked, "class")
        for case in self.cases.values():
            if (
                asked.order in {"", case.order}
                and asked.owner_role in {"", case.owner_role}
                and asked.type in {"", case.type}
                and asked.assignee in {"", case.assignee}
                and side in {0, getattr(case, "class")}
                and (not asked.states or case.state in asked.states)
                and not (asked.unassigned and case.assignee)
            ):
                yield case

    def _case(self, name: str) -> cases.Case:
        if name not in self.cases:
            raise refusal("CASE_NOT_FOUND", case=name)
        return self.cases[name]

    def _open_case(self, name: str) -> cases.Case:
        case = self._case(name)
        if case.state == cases.Case.STATE_RESOLVED:
            raise refusal("CASE_CLOSED", case=case.name)
        return case

    def _act(self, case: cases.Case, act: str, text: str) -> cases.Case:
        case.log.add(act=act, actor="fake", act_time=stamp(self._now()), text=text)
        return case
