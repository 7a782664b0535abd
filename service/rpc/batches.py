"""Serves `BatchService`: many orders handled at once."""

import time
from collections.abc import Callable, Iterator, Mapping
from threading import BoundedSemaphore
from typing import Any, Final

import grpc

from concord.batches.v1 import batch_service_pb2 as pb
from concord.batches.v1 import batch_service_pb2_grpc
from service.application.batch_previewing import BatchPreviews
from service.application.batch_reading import BatchReader
from service.application.batches import BatchBook, Batching
from service.domain.desk.batches import ENDED, Batch, BatchAct, Counts
from service.rpc import batch_answers as answers
from service.rpc import batch_requests as requests
from service.rpc.calling import Mutations, Work
from service.rpc.violations import Violations
from service.rpc.watching import place

# Four looks a second cost less than one order's work, and a bar moves smoothly.
WATCH_POLL_S: Final = 0.25
COUPONS_MOST: Final = 500


class BatchServicer(batch_service_pb2_grpc.BatchServiceServicer):
    """Reads requests, asks the use cases, writes answers. Refusals pass through."""

    def __init__(
        self,
        mutations: Mutations,
        reader: BatchReader,
        book: BatchBook,
        previews: BatchPreviews,
        watchers: BoundedSemaphore,
    ) -> None:
        """Take the use cases, and the places for open streams."""
        self._mutations = mutations
        self._reader = reader
        self._book = book
        self._previews = previews
        self._watchers = watchers

    def ListBatchTemplates(
        self, request: pb.ListBatchTemplatesRequest, context: grpc.ServicerContext
    ) -> pb.ListBatchTemplatesResponse:
        """List what may be done to many orders at once."""
        named = sorted(self._book.templates.items())
        return pb.ListBatchTemplatesResponse(
            templates=[answers.template_message(each) for _, each in named]
        )

    def CreateBatch(
        self, request: pb.CreateBatchRequest, context: grpc.ServicerContext
    ) -> pb.Batch:
        """Freeze a list of orders."""

        def work(tools: Work) -> pb.Batch:
            asked = requests.creation(request)
            batch = self._batching(tools).create(asked, tools.fresh_id)
            return _told(tools, batch, tools.unit.left_out(batch.batch_id))

        return self._mutations.run(request, context, pb.Batch, work)

    def GetBatch(self, request: pb.GetBatchRequest, context: grpc.ServicerContext) -> pb.Batch:
        """Return one batch, and how far it is."""
        batch, counts = self._reader.batch(requests.batch_id(request.name))
        return self._with_reasons(answers.batch_message(batch, counts))

    def ListBatches(
        self, request: pb.ListBatchesRequest, context: grpc.ServicerContext
    ) -> pb.ListBatchesResponse:
        """List batches, newest first."""
        page = self._reader.batches(requests.batch_query(request))
        return pb.ListBatchesResponse(
            batches=[answers.batch_message(*each) for each in page.rows],
            next_page_token=page.next_token,
        )

    def PreviewBatch(
        self, request: pb.PreviewBatchRequest, context: grpc.ServicerContext
    ) -> pb.BatchPreview:
        """Say what a batch would do, with the exact texts for some of its orders."""
        batch_id, size = requests.preview(request)
        message = answers.preview_message(self._previews.of(batch_id, sample_size=size))
        self._with_reasons(message.batch)
        return message

    def ConfirmBatch(
        self, request: pb.ConfirmBatchRequest, context: grpc.ServicerContext
    ) -> pb.Batch:
        """FROZEN → RUNNING."""

        def act(batching: Batching, batch_id: str, read: Violations) -> Batch:
            typed = read.text("typed", request.typed)
            read.refuse()
            return batching.confirm(batch_id, typed)

        return self._act(request, context, act)

    def PauseBatch(self, request: pb.PauseBatchRequest, context: grpc.ServicerContext) -> pb.Batch:
        """RUNNING → PAUSED."""
        return self._move(request, context, BatchAct.PAUSE)

    def ResumeBatch(
        self, request: pb.ResumeBatchRequest, context: grpc.ServicerContext
    ) -> pb.Batch:
        """PAUSED → RUNNING."""
        return self._move(request, context, BatchAct.RESUME)

    def CancelBatch(
        self, request: pb.CancelBatchRequest, context: grpc.ServicerContext
    ) -> pb.Batch:
        """FROZEN, RUNNING or PAUSED → CANCELLED."""
        return self._move(request, context, BatchAct.CANCEL)

    def RetryBatch(self, request: pb.RetryBatchRequest, context: grpc.ServicerContext) -> pb.Batch:
        """DONE → RUNNING, for the orders that failed."""

        def act(batching: Batching, batch_id: str, read: Violations) -> Batch:
            read.refuse()
            return batching.retry(batch_id)

        return self._act(request, context, act)

    def ListBatchMembers(
        self, request: pb.ListBatchMembersRequest, context: grpc.ServicerContext
    ) -> pb.ListBatchMembersResponse:
        """List the orders of a batch with what became of each."""
        query = requests.member_query(request)
        batch, _ = self._reader.batch(query.batch_id)
        page = self._reader.members(query)
        return pb.ListBatchMembersResponse(
            members=[
                answers.member_message(member, brought, batch.template)
                for member, brought in page.rows
            ],
            next_page_token=page.next_token,
        )

    def WatchBatch(
        self, request: pb.WatchBatchRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.Batch]:
        """Stream a batch, once at first and then with each change, until it has ended."""
        batch_id = requests.batch_id(request.name)
        with place(self._watchers):
            told: tuple[Batch, Counts] | None = None
            while context.is_active():
                found = self._reader.batch(batch_id)
                if found != told:
                    yield self._with_reasons(answers.batch_message(*found))
                    told = found
                if found[0].state in ENDED:
                    return
                time.sleep(WATCH_POLL_S)

    def ListCoupons(
        self, request: pb.ListCouponsRequest, context: grpc.ServicerContext
    ) -> pb.ListCouponsResponse:
        """List coupons that were given, newest first."""
        where = requests.coupon_filter(request)
        found = self._reader.coupons(**where, most=COUPONS_MOST)
        return pb.ListCouponsResponse(coupons=[answers.coupon_message(each) for each in found])

    def _move(
        self,
        request: Any,  # noqa: ANN401  # the request of any act
        context: grpc.ServicerContext,
        what: BatchAct,
    ) -> pb.Batch:
        def act(batching: Batching, batch_id: str, read: Violations) -> Batch:
            read.refuse()
            return batching.act(batch_id, what)

        return self._act(request, context, act)

    def _act(
        self,
        request: Any,  # noqa: ANN401  # the request of any act
        context: grpc.ServicerContext,
        act: Callable[[Batching, str, Violations], Batch],
    ) -> pb.Batch:
        def work(tools: Work) -> pb.Batch:
            read = Violations()
            batch_id = read.resource("name", request.name, answers.COLLECTION)
            return _told(tools, act(self._batching(tools), batch_id, read))

        return self._mutations.run(request, context, pb.Batch, work)

    def _batching(self, tools: Work) -> Batching:
        return Batching(tools.unit, self._book, tools.origin, tools.at)

    def _with_reasons(self, message: pb.Batch) -> pb.Batch:
        batch_id = message.name.removeprefix(f"{answers.COLLECTION}/")
        message.exclusions.extend(answers.reasons(self._reader.exclusions(batch_id)))
        message.failures.extend(answers.reasons(self._reader.failures(batch_id)))
        message.notices.extend(answers.reasons(self._reader.notices(batch_id)))
        return message


def _told(tools: Work, batch: Batch, left_out: Mapping[str, int] | None = None) -> pb.Batch:
    message = answers.batch_message(batch, tools.unit.batch_counts(batch.batch_id))
    message.exclusions.extend(answers.reasons(left_out or {}))
    return message
