"""The fake service's batches: lists by tag, worked off at once when they are confirmed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from clients.sdk.fake_memory import page_of, refusal, stamp
from clients.sdk.fake_orders import FakeOrders
from concord.batches.v1 import batch_service_pb2 as batches
from concord.orders.v1 import order_service_pb2 as orders

TEMPLATE: Final = "customs_delay"
TYPED_ABOVE: Final = 100
State = batches.Batch.State
Member = batches.BatchMember


class FakeBatches(FakeOrders):
    """Batches, and what became of their orders; an order that is on hold fails."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: dict[str, batches.Batch] = {}
        self.batch_members: dict[str, list[batches.BatchMember]] = {}

    def tag_orders(self, request: orders.TagOrdersRequest) -> orders.TagOrdersResponse:
        return self._tag(request, is_added=True)

    def untag_orders(self, request: orders.UntagOrdersRequest) -> orders.TagOrdersResponse:
        return self._tag(request, is_added=False)

    def list_batch_templates(
        self, _request: batches.ListBatchTemplatesRequest
    ) -> batches.ListBatchTemplatesResponse:
        steps = [
            batches.BatchTemplate.Step(name="mark", kind="milestone", values={"name": "海关查验中"})
        ]
        found = batches.BatchTemplate(
            name=TEMPLATE, version=1, title_en="Customs delay", title_zh="清关延误", steps=steps
        )
        return batches.ListBatchTemplatesResponse(templates=[found])

    def create_batch(self, request: batches.CreateBatchRequest) -> batches.Batch:
        if request.template != TEMPLATE:
            raise refusal("BATCH_TEMPLATE_NOT_FOUND", template=request.template, known=TEMPLATE)
        wanted = set(request.selection.tags)
        chosen = [each for each in self.orders.values() if wanted and wanted <= set(each.tags)]
        batch = batches.Batch(
            name=f"batches/bat-{len(self.batches) + 1}",
            template=f"{TEMPLATE}@1",
            state=State.STATE_FROZEN,
            selection=request.selection,
            inputs=request.inputs,
            size=len(chosen),
            creator="fake",
            to_type=f"{TEMPLATE} {len(chosen)}",
            create_time=stamp(self._now()),
            allowed_acts=["CONFIRM", "CANCEL"],
        )
        batch.counts.waiting = len(chosen)
        self.batches[batch.name] = batch
        self.batch_members[batch.name] = [
            Member(order=each.name, state=Member.STATE_WAITING) for each in chosen
        ]
        return batch

    def get_batch(self, request: Any) -> batches.Batch:  # noqa: ANN401  # whatever names a batch
        if request.name not in self.batches:
            raise refusal("BATCH_NOT_FOUND", batch=request.name)
        return self.batches[request.name]

    def list_batches(self, request: batches.ListBatchesRequest) -> batches.ListBatchesResponse:
        page, following = page_of(list(reversed(self.batches.values())), request)
        return batches.ListBatchesResponse(batches=page, next_page_token=following)

    def preview_batch(self, request: batches.PreviewBatchRequest) -> batches.BatchPreview:
        batch = self.get_batch(request)
        step = batches.BatchPreview.StepCount(step="mark", kind="milestone", count=batch.size)
        return batches.BatchPreview(batch=batch, steps=[step], must_type=batch.size > TYPED_ABOVE)

    def confirm_batch(self, request: batches.ConfirmBatchRequest) -> batches.Batch:
        batch = self._moved(request, State.STATE_FROZEN, State.STATE_RUNNING)
        for each in self.batch_members[batch.name]:
            is_held = bool(self.orders[each.order].holds)
            each.state = Member.STATE_FAILED if is_held else Member.STATE_DONE
            each.reason = "ORDER_ON_HOLD" if is_held else ""
        return batch

    def pause_batch(self, request: batches.PauseBatchRequest) -> batches.Batch:
        return self._moved(request, State.STATE_RUNNING, State.STATE_PAUSED)

    def resume_batch(self, request: batches.ResumeBatchRequest) -> batches.Batch:
        return self._moved(request, State.STATE_PAUSED, State.STATE_RUNNING)

    def cancel_batch(self, request: batches.CancelBatchRequest) -> batches.Batch:
        return self._moved(request, self.get_batch(request).state, State.STATE_CANCELLED)

    def retry_batch(self, request: batches.RetryBatchRequest) -> batches.Batch:
        return self._moved(request, State.STATE_DONE, State.STATE_RUNNING)

    def list_batch_members(
        self, request: batches.ListBatchMembersRequest
    ) -> batches.ListBatchMembersResponse:
        self.get_batch(request)
        known = self.batch_members[request.name]
        chosen = [each for each in known if request.state in {0, each.state}]
        page, following = page_of(chosen, request)
        return batches.ListBatchMembersResponse(members=page, next_page_token=following)

    def watch_batch(
        self, request: batches.WatchBatchRequest, _context: object
    ) -> Iterator[batches.Batch]:
        batch = self.get_batch(request)
        yield batch
        if batch.state == State.STATE_RUNNING:
            states = [each.state for each in self.batch_members[batch.name]]
            batch.counts.done = states.count(Member.STATE_DONE)
            batch.counts.failed = states.count(Member.STATE_FAILED)
            batch.counts.waiting = states.count(Member.STATE_WAITING)
            batch.state = State.STATE_DONE
            yield batch

    def list_coupons(self, _request: batches.ListCouponsRequest) -> batches.ListCouponsResponse:
        return batches.ListCouponsResponse()

    def _moved(
        self,
        request: Any,  # noqa: ANN401  # whatever names a batch
        start: State.ValueType,
        end: State.ValueType,
    ) -> batches.Batch:
        batch = self.get_batch(request)
        if batch.state != start or start == end:
            state = State.Name(batch.state).removeprefix("STATE_")
            raise refusal("BATCH_NOT_IN_STATE", batch=batch.name, state=state)
        batch.state = end
        return batch

    def _tag(self, request: Any, *, is_added: bool) -> orders.TagOrdersResponse:  # noqa: ANN401  # either
        answer = orders.TagOrdersResponse()
        names = [*request.names]
        for ref in request.refs:
            owner = next((each.name for each in self.orders.values() if ref in each.refs), "")
            names.append(owner or f"{ref.namespace}:{ref.value}")
        for name in names:
            order = self.orders.get(name)
            if order is None:
                answer.missing.append(name.removeprefix("orders/"))
            elif (request.tag in order.tags) == is_added:
                answer.unchanged += 1
            else:
                tags = {*order.tags, request.tag} if is_added else {*order.tags} - {request.tag}
                del order.tags[:]
                order.tags.extend(sorted(tags))
                answer.changed += 1
        return answer
