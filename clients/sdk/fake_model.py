"""A small Concord in memory, for `clients.sdk.testing`: what a caller sees, nothing behind it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import grpc
from grpc_health.v1 import health_pb2

from clients.sdk.fake_batches import FakeBatches
from clients.sdk.fake_cases import FakeCases
from clients.sdk.fake_memory import TICK_S, page_of, refusal, stamp
from clients.sdk.fake_notices import FakeNotices
from clients.sdk.fake_probes import FakeProbes
from clients.sdk.fake_stock import FakeStock
from clients.sdk.fake_workflows import FakeWorkflows
from concord.insights.v1 import flag_pb2
from concord.insights.v1 import insight_service_pb2 as insights
from concord.intake.v1 import fact_pb2, receipt_pb2
from concord.intake.v1 import intake_service_pb2 as intake
from concord.outbox.v1 import outbox_service_pb2 as outbox
from concord.traces.v1 import trace_service_pb2 as traces


class FakeModel(FakeProbes, FakeStock, FakeCases, FakeNotices, FakeBatches, FakeWorkflows):
    """Orders, probes, stock, receipts, cases, flags; facts are counted, not weighed."""

    def __init__(self) -> None:
        super().__init__()
        self.receipts: dict[str, receipt_pb2.Receipt] = {}
        self.flags: dict[str, flag_pb2.Flag] = {}

    # Intake.

    def submit_receipts(
        self, request: intake.SubmitReceiptsRequest
    ) -> intake.SubmitReceiptsResponse:
        answer = intake.SubmitReceiptsResponse()
        for receipt in request.receipts:
            known = next((kept for kept in self.receipts.values() if is_same(kept, receipt)), None)
            answer.submitted.add(receipt=(known or self._keep(receipt)).name, repeated=bool(known))
            if known is not None:
                known.repeats += 1
        return answer

    def stream_receipts(
        self, requests: list[intake.StreamReceiptsRequest]
    ) -> intake.StreamReceiptsResponse:
        answers = [
            self.submit_receipts(intake.SubmitReceiptsRequest(receipts=request.receipts))
            for request in requests
        ]
        repeated = sum(each.repeated for answer in answers for each in answer.submitted)
        total = sum(len(answer.submitted) for answer in answers)
        return intake.StreamReceiptsResponse(stored=total - repeated, repeated=repeated)

    def apply_facts(self, request: intake.ApplyFactsRequest) -> intake.ApplyFactsResponse:
        answer = intake.ApplyFactsResponse()
        for reading in request.readings:
            outcome = fact_pb2.OUTCOME_APPLIED if reading.facts else fact_pb2.OUTCOME_IGNORED
            if reading.HasField("rejection"):
                outcome = fact_pb2.OUTCOME_REJECTED
            facts = [
                fact_pb2.WeighedFact(fact_id=fact.fact_id, kind=fact.kind, outcome=outcome)
                for fact in reading.facts
            ]
            if reading.receipt in self.receipts:
                self.receipts[reading.receipt].outcome = outcome
            answer.applied.add(receipt=reading.receipt, outcome=outcome, facts=facts)
        return answer

    def get_receipt(self, request: intake.GetReceiptRequest) -> receipt_pb2.Receipt:
        if request.name not in self.receipts:
            raise refusal("RECEIPT_NOT_FOUND", receipt=request.name)
        return self.receipts[request.name]

    def list_receipts(self, request: intake.ListReceiptsRequest) -> intake.ListReceiptsResponse:
        chosen = [
            receipt
            for receipt in reversed(self.receipts.values())
            if request.outcome in {0, receipt.outcome}
            and request.source in {"", receipt.source}
            and not (request.waiting and receipt.outcome)
        ]
        page, following = page_of(chosen, request)
        return intake.ListReceiptsResponse(receipts=page, next_page_token=following)

    def retry_receipts(self, request: intake.RetryReceiptsRequest) -> intake.RetryReceiptsResponse:
        return intake.RetryReceiptsResponse(retried=len(request.names))

    def _keep(self, receipt: receipt_pb2.Receipt) -> receipt_pb2.Receipt:
        kept = receipt_pb2.Receipt()
        kept.CopyFrom(receipt)
        kept.name = f"receipts/rcp-{len(self.receipts) + 1}"
        self.receipts[kept.name] = kept
        return kept

    # Insights, outbox, traces, health: quiet and well.

    def get_stage_board(self, _: insights.GetStageBoardRequest) -> insights.StageBoard:
        now = stamp(self._now())
        return insights.StageBoard(
            start_time=stamp(self._now() - timedelta(hours=1)),
            end_time=now,
            source=insights.StageBoard.SOURCE_VIEW,
            watermark=now,
        )

    def watch_stage_board(
        self, _: insights.WatchStageBoardRequest, context: grpc.ServicerContext
    ) -> Iterator[insights.StageBoard]:
        yield self.get_stage_board(insights.GetStageBoardRequest())
        while not self._closed and context.is_active():
            with self._changed:
                self._changed.wait_for(lambda: self._closed, TICK_S)

    def list_overdue_orders(
        self, _: insights.ListOverdueOrdersRequest
    ) -> insights.ListOverdueOrdersResponse:
        return insights.ListOverdueOrdersResponse()

    def get_channel_board(self, _: insights.GetChannelBoardRequest) -> insights.ChannelBoard:
        return insights.ChannelBoard()

    def list_flags(self, request: insights.ListFlagsRequest) -> insights.ListFlagsResponse:
        chosen = [flag for flag in self.flags.values() if request.order in {"", flag.order}]
        page, following = page_of(chosen, request)
        return insights.ListFlagsResponse(flags=page, next_page_token=following)

    def act_on_flag(self, request: insights.ActOnFlagRequest) -> flag_pb2.Flag:
        dismissed = request.action == flag_pb2.Flag.ACTION_DISMISS
        if dismissed and request.flag.name not in self.flags:
            raise refusal("FLAG_NOT_FOUND", flag=request.flag.name)
        flag = self.flags.setdefault(request.flag.name, request.flag)
        acts = {
            flag_pb2.Flag.ACTION_HOLD: "HELD",
            flag_pb2.Flag.ACTION_REVIEW: "SENT_TO_REVIEW",
            flag_pb2.Flag.ACTION_DISMISS: "DISMISSED",
        }
        flag.act = acts[request.action]
        return flag

    def verify_insights(self, _: insights.VerifyInsightsRequest) -> insights.VerifyInsightsResponse:
        return insights.VerifyInsightsResponse()

    def get_outbox(self, _: outbox.GetOutboxRequest) -> outbox.Outbox:
        return outbox.Outbox(epoch=1)

    def list_parked_streams(
        self, _: outbox.ListParkedStreamsRequest
    ) -> outbox.ListParkedStreamsResponse:
        return outbox.ListParkedStreamsResponse()

    def resend_stream(self, request: outbox.ResendStreamRequest) -> outbox.ParkedStream:
        raise refusal("STREAM_NOT_PARKED", topic=request.topic, key=request.key)

    def republish_history(
        self, _: outbox.RepublishHistoryRequest
    ) -> outbox.RepublishHistoryResponse:
        return outbox.RepublishHistoryResponse(epoch=2, messages=len(self.journal))

    def list_spans(self, _: traces.ListSpansRequest) -> traces.ListSpansResponse:
        return traces.ListSpansResponse()

    def check(self, _: health_pb2.HealthCheckRequest) -> health_pb2.HealthCheckResponse:
        return health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)


def is_same(kept: receipt_pb2.Receipt, receipt: receipt_pb2.Receipt) -> bool:
    """Return whether the receipt came before: by message id, or else by body."""
    if kept.source != receipt.source:
        return False
    if receipt.message_id:
        return kept.message_id == receipt.message_id
    return kept.body == receipt.body
