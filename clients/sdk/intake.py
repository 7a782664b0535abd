"""Intake: receipts in, the facts that they mean, and what became of them."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Sequence
from typing import Any, TypedDict, Unpack

from google.protobuf.message import Message

from clients.sdk.calls import Call, M, Pages, SubClient, Upload, listed, unary, uploaded
from clients.sdk.names import resource
from clients.sdk.policy import LONG_DEADLINE_S
from concord.intake.v1 import fact_pb2, receipt_pb2
from concord.intake.v1 import intake_service_pb2 as api
from concord.intake.v1.intake_service_pb2_grpc import IntakeServiceStub

Batches = Iterable[Sequence[receipt_pb2.Receipt]] | AsyncIterable[Sequence[receipt_pb2.Receipt]]


class ReceiptFilter(TypedDict, total=False):
    """Which receipts to list; all that are given must hold."""

    outcome: fact_pb2.Outcome.ValueType
    # Only those without an outcome.
    waiting: bool
    source: str
    page_size: int
    page_token: str


class Intake(SubClient[M]):
    """`IntakeService`."""

    @unary
    def submit(
        self, receipts: Sequence[receipt_pb2.Receipt], *, timeout_s: float | None = None
    ) -> Call[api.SubmitReceiptsResponse]:
        """Store at most 1000 receipts; they are durable when the answer is there.

        A repeat is counted and not stored, so sending again after any failure is safe.
        """
        request = api.SubmitReceiptsRequest(receipts=receipts)
        return Call(IntakeServiceStub, "SubmitReceipts", request, timeout_s)

    @uploaded
    def upload(
        self, batches: Batches, *, timeout_s: float = LONG_DEADLINE_S
    ) -> Upload[api.StreamReceiptsResponse]:
        """Store batches of at most 1000 receipts over one stream; durable when answered."""
        requests: Iterable[Message] | AsyncIterable[Message]
        if isinstance(batches, AsyncIterable):
            requests = _requests_from_async(batches)
        else:
            requests = _requests(batches)
        return Upload(IntakeServiceStub, "StreamReceipts", requests, timeout_s)

    @unary
    def apply_facts(self, readings: Sequence[api.Reading]) -> Call[api.ApplyFactsResponse]:
        """Weigh what at most 1000 receipts mean; idempotent by receipt."""
        return _call("ApplyFacts", api.ApplyFactsRequest(readings=readings))

    @unary
    def get(self, name: str) -> Call[receipt_pb2.Receipt]:
        """Return one receipt with its outcome.

        Raises:
            ReceiptNotFoundError: there is none.
        """
        return _call("GetReceipt", api.GetReceiptRequest(name=resource("receipts", name)))

    @listed
    def list(self, **where: Unpack[ReceiptFilter]) -> Pages[receipt_pb2.Receipt]:
        """Iterate over receipts without their bodies, newest first."""
        request = api.ListReceiptsRequest(**where)
        return Pages(_call("ListReceipts", request), lambda page: page.receipts)

    @unary
    def retry(
        self,
        names: Sequence[str] = (),
        *,
        rejected_for: receipt_pb2.Rejection.Reason.ValueType = (
            receipt_pb2.Rejection.REASON_UNSPECIFIED
        ),
        waiting: bool = False,
    ) -> Call[api.RetryReceiptsResponse]:
        """Publish receipts again: those named, or all that match."""
        request = api.RetryReceiptsRequest(
            names=[resource("receipts", name) for name in names],
            rejected_for=rejected_for,
            waiting=waiting,
        )
        return _call("RetryReceipts", request)


def _requests(batches: Iterable[Sequence[receipt_pb2.Receipt]]) -> Iterator[Message]:
    for batch in batches:
        yield api.StreamReceiptsRequest(receipts=batch)


async def _requests_from_async(
    batches: AsyncIterable[Sequence[receipt_pb2.Receipt]],
) -> AsyncIterator[Message]:
    async for batch in batches:
        yield api.StreamReceiptsRequest(receipts=batch)


def _call(method: str, request: Message) -> Call[Any]:
    return Call(IntakeServiceStub, method, request)
