"""Serves `IntakeService`: the one way in."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import grpc

from concord.intake.v1 import fact_pb2, intake_service_pb2_grpc, receipt_pb2
from concord.intake.v1 import intake_service_pb2 as pb
from service.application.intake import Applied, Intake, Reading, Submitted
from service.application.ports import Clock
from service.application.reading import Reader, ReceiptQuery, ReceiptView
from service.domain.facts import Outcome
from service.rpc.calling import origin_of
from service.rpc.fact_requests import BATCH_MAX, read_batch, read_readings
from service.rpc.violations import Violations
from service.telemetry import Metrics, record_span
from service.telemetry.spans import begin_traces
from service.wire import outcome_number, weighed_fact

PAGE_SIZE = 50
PAGE_SIZE_MAX = 500


class IntakeServicer(intake_service_pb2_grpc.IntakeServiceServicer):
    """Reads requests, asks the use cases, writes answers. Refusals pass through."""

    def __init__(self, intake: Intake, reader: Reader, clock: Clock, metrics: Metrics) -> None:
        """Take the use cases, and the metrics that count what comes in."""
        self._metrics = metrics
        self._intake = intake
        self._reader = reader
        self._clock = clock

    def SubmitReceipts(
        self, request: pb.SubmitReceiptsRequest, context: grpc.ServicerContext
    ) -> pb.SubmitReceiptsResponse:
        """Store receipts; when the answer is there, they are durable."""
        submitted = self._submit(list(request.receipts), context)
        return pb.SubmitReceiptsResponse(
            submitted=[
                pb.SubmitReceiptsResponse.Submitted(
                    receipt=f"receipts/{each.receipt_id}", repeated=each.repeated
                )
                for each in submitted
            ]
        )

    def StreamReceipts(
        self,
        request_iterator: Iterator[pb.StreamReceiptsRequest],
        context: grpc.ServicerContext,
    ) -> pb.StreamReceiptsResponse:
        """Store a long upload, batch by batch."""
        stored = repeated = 0
        for batch in request_iterator:
            for each in self._submit(list(batch.receipts), context):
                repeated += each.repeated
                stored += not each.repeated
        return pb.StreamReceiptsResponse(stored=stored, repeated=repeated)

    def ApplyFacts(
        self, request: pb.ApplyFactsRequest, context: grpc.ServicerContext
    ) -> pb.ApplyFactsResponse:
        """Weigh what receipts mean, each in the trace of its receipt."""
        readings = read_readings(request)
        self._metrics.fact_batch_size.observe(sum(len(each.facts) for each in readings))
        started = time.time_ns()
        applied = self._intake.apply(readings)
        ended = time.time_ns()
        for reading, each in zip(readings, applied, strict=True):
            _tell(reading, each, started, ended)
        return pb.ApplyFactsResponse(applied=[_applied_message(each) for each in applied])

    def GetReceipt(
        self, request: pb.GetReceiptRequest, context: grpc.ServicerContext
    ) -> receipt_pb2.Receipt:
        """Return one receipt with its outcome."""
        read = Violations()
        receipt_id = read.resource("name", request.name, "receipts")
        read.refuse()
        return _receipt_message(self._reader.receipt(receipt_id), with_body=True)

    def ListReceipts(
        self, request: pb.ListReceiptsRequest, context: grpc.ServicerContext
    ) -> pb.ListReceiptsResponse:
        """List receipts, newest first."""
        read = Violations()
        known = request.outcome in fact_pb2.Outcome.values()
        if not known:
            read.add("outcome", "send a known outcome")
        name = fact_pb2.Outcome.Name(request.outcome) if known and request.outcome else ""
        query = ReceiptQuery(
            page_size=read.number(
                "page_size", request.page_size, most=PAGE_SIZE_MAX, default=PAGE_SIZE
            ),
            page_token=request.page_token,
            outcome=Outcome(name.removeprefix("OUTCOME_")) if name else None,
            waiting=request.waiting,
            source=read.word("source", request.source, needed=False),
        )
        read.refuse()
        page = self._reader.receipts(query)
        return pb.ListReceiptsResponse(
            receipts=[_receipt_message(each, with_body=False) for each in page.rows],
            next_page_token=page.next_token,
        )

    def RetryReceipts(
        self, request: pb.RetryReceiptsRequest, context: grpc.ServicerContext
    ) -> pb.RetryReceiptsResponse:
        """Publish receipts again."""
        read = Violations()
        if len(request.names) > BATCH_MAX:
            read.add("names", f"send at most {BATCH_MAX} names")
        names = [
            read.resource(f"names[{index}]", each, "receipts")
            for index, each in enumerate(request.names[:BATCH_MAX])
        ]
        known = request.rejected_for in receipt_pb2.Rejection.Reason.values()
        if not known:
            read.add("rejected_for", "send a known reason")
        read.refuse()
        reason = ""
        if request.rejected_for:
            reason = receipt_pb2.Rejection.Reason.Name(request.rejected_for)
        retried = self._intake.retry(names, reason.removeprefix("REASON_"), waiting=request.waiting)
        return pb.RetryReceiptsResponse(retried=retried)

    def _submit(
        self, receipts: list[receipt_pb2.Receipt], context: grpc.ServicerContext
    ) -> list[Submitted]:
        origin, _ = origin_of(context)
        batch = read_batch(receipts, address=origin.address, now=self._clock())
        contexts = begin_traces("take receipt", [each.traceparent for each in batch])
        traced = [
            each
            if each.traceparent == (context or "")
            else replace(each, traceparent=context or "")
            for each, context in zip(batch, contexts, strict=True)
        ]
        submitted = self._intake.submit(traced)
        came = Counter(
            (receipt.channel or receipt.source, "repeated" if each.repeated else "stored")
            for receipt, each in zip(batch, submitted, strict=True)
        )
        for labels, count in came.items():
            self._metrics.receipts.labels(*labels).inc(count)
        return submitted


def _tell(reading: Reading, applied: Applied, started: int, ended: int) -> None:
    contradicts = applied.outcome is Outcome.CONTRADICTING
    record_span(
        "weigh receipt",
        traceparent=reading.traceparent or None,
        start_ns=started,
        end_ns=ended,
        attributes={
            "concord.outcome": applied.outcome.value if applied.outcome else "UNKNOWN",
            **({"order.id": applied.orders[0]} if applied.orders else {}),
            **({"concord.keep": True} if contradicts else {}),
        },
    )


def _applied_message(applied: Applied) -> pb.ApplyFactsResponse.Applied:
    return pb.ApplyFactsResponse.Applied(
        receipt=f"receipts/{applied.receipt_id}",
        outcome=outcome_number(applied.outcome)
        if applied.outcome
        else fact_pb2.OUTCOME_UNSPECIFIED,
        facts=[weighed_fact(fact, each) for fact, each in applied.facts],
    )


def _receipt_message(view: ReceiptView, *, with_body: bool) -> receipt_pb2.Receipt:
    receipt = receipt_pb2.ReceiptEvent.FromString(view.event).received
    if not with_body:
        receipt.ClearField("body")
        receipt.ClearField("address")
    if view.outcome:
        receipt.outcome = outcome_number(view.outcome)
    if view.weighed:
        weighed = receipt_pb2.ReceiptWeighed.FromString(view.weighed)
        receipt.template_version = weighed.template_version
    if view.rejection:
        reason = f"REASON_{view.rejection.reason}"
        receipt.rejection.reason = receipt_pb2.Rejection.Reason.Value(reason)
        receipt.rejection.field = view.rejection.field
        receipt.rejection.advice = view.rejection.advice
    receipt.repeats = view.repeats
    receipt.orders.extend(f"orders/{each}" for each in view.orders)
    receipt.facts.extend(weighed_fact(fact, each) for fact, each in view.facts)
    return receipt
