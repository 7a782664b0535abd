"""What every call that changes something is about, and what it may tell: one `Act` for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import grpc
from google.protobuf.message import Message
from google.type.money_pb2 import Money

from concord.cases.v1 import case_service_pb2 as cases
from concord.channels.v1 import channel_service_pb2 as channels
from concord.channels.v1 import run_pb2
from concord.fulfilment.v1 import fulfilment_service_pb2 as fulfilment
from concord.insights.v1 import flag_pb2
from concord.insights.v1 import insight_service_pb2 as insights
from concord.intake.v1 import fact_pb2, receipt_pb2
from concord.intake.v1 import intake_service_pb2 as intake
from concord.inventory.v1 import inventory_service_pb2 as inventory
from concord.notices.v1 import notice_service_pb2 as notices
from concord.orders.v1 import order_pb2
from concord.orders.v1 import order_service_pb2 as orders
from concord.outbox.v1 import outbox_service_pb2 as outbox
from concord.probes.v1 import probe_service_pb2 as probes
from service.domain.desk.notices import SendResult
from service.domain.facts import FactKind
from service.domain.lifecycle import State
from tests.builders import TOTAL
from tests.faults.wire import (
    batch_calls,
    case_calls,
    channel_calls,
    customer_calls,
    import_calls,
    reconciliation_calls,
    stock_calls,
)
from tests.faults.wire.preparing import WAREHOUSE, Preparing, Target
from tests.faults.wire.world import Told

K, S = FactKind, State
ALL: Final = Money(currency_code="CNY", units=TOTAL.minor // 100, nanos=TOTAL.minor % 100 * 10**7)
PART: Final = Money(currency_code="CNY", units=10)

Prepare = Callable[[Preparing, int], list[Target]]
Request = Callable[[Target, str], Message | Sequence[Message]]
# From the first answer and the repeat's: how often the work was done, as the caller has it. Where
# the caller cannot tell, the database is asked before the repeat.
Story = Callable[[Told, Told], str]

ONCE: Final = "once"
TWICE: Final = "twice"
EITHER: Final = "once or twice"
UNKNOWN_YET: Final = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED}


@dataclass(frozen=True, slots=True)
class Act:
    """One call: what must be there before, what is asked, and what its answers mean."""

    rpc: str
    prepare: Prepare
    request: Request
    story: Story
    # Whether what the first answer says is in the database; it is asked right after it.
    proof: str
    values: Callable[[Target, str], tuple[object, ...]]


def same_answer(first: Told, second: Told) -> str:
    """Read two answers under one request id: the same, and a success in the end."""
    assert second.is_ok, f"the repeat got {second}"
    if first.is_ok:
        assert first.body == second.body, "the repeat got another answer"
    else:
        assert first.code in UNKNOWN_YET, f"the first got {first}"
    return ONCE


def stored_before(first: Told, second: Told) -> str:
    """Read the answers for a receipt: the repeat tells whether the first had stored it."""
    assert second.is_ok, f"the repeat got {second}"
    was_known = _is_repeat(second)
    if first.is_ok:
        assert not _is_repeat(first), "nobody had stored it before"
        assert was_known, "the repeat knows nothing of what was acknowledged"
    else:
        assert first.code in UNKNOWN_YET, f"the first got {first}"
    return TWICE if was_known else ONCE


def done_again(first: Told, second: Told) -> str:
    """Read the answers of a call that does its work anew each time; the first may have."""
    assert second.is_ok, f"the repeat got {second}"
    if first.is_ok:
        return TWICE
    assert first.code in UNKNOWN_YET, f"the first got {first}"
    return EITHER


def freed(first: Told, second: Told) -> str:
    """Read the answers for a parked stream: whoever frees it is told so, or it is not parked."""
    told_so = second.reason == "STREAM_NOT_PARKED"
    assert second.is_ok or told_so, f"the repeat got {second}"
    if first.is_ok:
        assert told_so, "it was freed twice"
    else:
        assert first.code in UNKNOWN_YET, f"the first got {first}"
    return ONCE


def _is_repeat(told: Told) -> bool:
    if isinstance(told.answer, intake.StreamReceiptsResponse):
        return bool(told.answer.repeated)
    return bool(told.answer.submitted[0].repeated)


ANSWERED: Final = "SELECT answer FROM requests WHERE request_id = %s AND answer IS NOT NULL"


def _act(rpc: str, prepare: Prepare, request: Request) -> Act:
    return Act(
        f"concord.{rpc}", prepare, request, same_answer, ANSWERED, lambda _target, rid: (rid,)
    )


def _in(state: State, *more: FactKind) -> Prepare:
    return lambda preparing, count: preparing.orders(count, state, *more)


def _on_order(method: str, prepare: Prepare, kind: type[Message], **more: object) -> Act:
    def request(target: Target, rid: str) -> Message:
        return kind(name=f"orders/{target.order}", request_id=rid, **more)  # type: ignore[call-arg]  # every one has them

    return _act(f"orders.v1.OrderService.{method}", prepare, request)


def _creation(target: Target, rid: str) -> Message:
    order = order_pb2.Order(
        channel="douyin",
        refs=[order_pb2.OrderRef(namespace="douyin", value=target.tag)],
        total=ALL,
        customer=f"c-{target.tag}",
        lines=[order_pb2.OrderLine(sku="sku-1", quantity=1)],
    )
    return orders.CreateOrderRequest(order=order, request_id=rid)


ORDERS: Final = (
    _act("orders.v1.OrderService.CreateOrder", Preparing.names, _creation),
    _on_order("StartPayment", _in(S.PENDING_PAYMENT), orders.StartPaymentRequest),
    _on_order("ConfirmPayment", _in(S.PAYING), orders.ConfirmPaymentRequest,
              voucher="p-1", amount=ALL),
    _on_order("AllocateOrder", _in(S.PAID), orders.AllocateOrderRequest, voucher="r-1"),
    _on_order("ApproveOutbound", _in(S.AWAITING_OUTBOUND), orders.ApproveOutboundRequest),
    _on_order("ShipOrder", _in(S.AWAITING_OUTBOUND, K.OUTBOUND_APPROVED), orders.ShipOrderRequest,
              voucher="w-1"),
    _on_order("ConfirmDelivery", _in(S.SHIPPING), orders.ConfirmDeliveryRequest, voucher="w-1"),
    _on_order("CompleteOrder", _in(S.DELIVERED), orders.CompleteOrderRequest),
    _on_order("CancelOrder", _in(S.PAID), orders.CancelOrderRequest, reason="buyer"),
    _on_order("RequestRefund", _in(S.PAID), orders.RequestRefundRequest,
              voucher="refund-2", amount=PART),
    _on_order("RefundOrder", _in(S.PAID), orders.RefundOrderRequest, amount=PART),
    _on_order("ReinstateOrder", _in(S.PAID, K.ORDER_CANCELLED), orders.ReinstateOrderRequest),
    _on_order("ConfirmRefund", _in(S.PAID, K.REFUND_REQUESTED), orders.ConfirmRefundRequest,
              voucher="refund-1", amount=ALL),
    _on_order("PlaceHold", _in(S.PAID), orders.PlaceHoldRequest, hold_reason="RISK"),
    _act("orders.v1.OrderService.ReleaseHold", Preparing.held,
         lambda target, rid: orders.ReleaseHoldRequest(
             name=f"orders/{target.order}", hold_id=target.hold, request_id=rid)),
    _on_order("SetMilestone", _in(S.PAID), orders.SetMilestoneRequest, milestone="PACKED"),
)  # fmt: skip


def _case(
    method: str, message: type[Message], prepare: Prepare = Preparing.cases, **more: object
) -> Act:
    def request(target: Target, rid: str) -> Message:
        return message(name=f"cases/{target.case}", request_id=rid, **more)  # type: ignore[call-arg]  # every one has them

    return _act(f"cases.v1.CaseService.{method}", prepare, request)


def _pick_list(method: str, kind: type[Message], **more: object) -> Act:
    def request(target: Target, rid: str) -> Message:
        return kind(name=f"pickLists/{target.pick_list}", request_id=rid, **more)  # type: ignore[call-arg]  # every one has them

    return _act(f"fulfilment.v1.FulfilmentService.{method}", Preparing.listed, request)


def _flag(target: Target, rid: str) -> Message:
    flag = flag_pb2.Flag(
        name=f"flags/{target.tag}", order=f"orders/{target.order}", rule="rule", rule_version=1,
        action=flag_pb2.Flag.ACTION_HOLD,
    )  # fmt: skip
    return insights.ActOnFlagRequest(flag=flag, action=flag_pb2.Flag.ACTION_HOLD, request_id=rid)


DESKS: Final = (
    _act("cases.v1.CaseService.OpenCase", _in(S.PAID),
         lambda target, rid: cases.OpenCaseRequest(
             order=f"orders/{target.order}", type=case_calls.TYPE, request_id=rid)),
    _case("AddCaseNote", cases.AddCaseNoteRequest, text="called the buyer"),
    _case("AssignCase", cases.AssignCaseRequest, assignee="wang"),
    _case("ResolveCase", cases.ResolveCaseRequest, outcome="EXCHANGED"),
    _case("ActOnCase", cases.ActOnCaseRequest, case_calls.handled, act="cannot",
          documents=[cases.GivenDocument(kind="cause", text="gone")]),
    _case("AddCaseDocument", cases.AddCaseDocumentRequest, case_calls.handled,
          kind="cause", text="gone"),
    _case("EscalateCase", cases.EscalateCaseRequest, case_calls.handled, note="urgent"),
    _case("PauseCase", cases.PauseCaseRequest, case_calls.handled, reason="asks"),
    _case("ResumeCase", cases.ResumeCaseRequest, case_calls.paused),
    _case("ReopenCase", cases.ReopenCaseRequest, case_calls.ended, note="again"),
    _act("cases.v1.CaseService.MergeCases", case_calls.twins,
         lambda target, rid: cases.MergeCasesRequest(
             name=case_calls.twin_of(target), into=f"cases/{target.case}", request_id=rid)),
    _act("cases.v1.CaseService.LinkCases", case_calls.twins,
         lambda target, rid: cases.LinkCasesRequest(
             name=case_calls.twin_of(target), other=f"cases/{target.case}", request_id=rid)),
    _act("cases.v1.CaseService.AnswerPurchaseRequest", case_calls.handled,
         lambda target, rid: cases.AnswerPurchaseRequestRequest(
             name=case_calls.purchase_of(target), request_id=rid,
             state=cases.PurchaseRequest.STATE_ORDERED)),
    _pick_list("StartPicking", fulfilment.StartPickingRequest, picker="Han Meimei"),
    _pick_list("CompletePickList", fulfilment.CompletePickListRequest),
    _act("insights.v1.InsightService.ActOnFlag", _in(S.PAID), _flag),
    _act("inventory.v1.InventoryService.SetStock", Preparing.names,
         lambda target, rid: inventory.SetStockRequest(
             sku=target.tag, warehouse=WAREHOUSE, on_hand=5, request_id=rid)),
    _act("inventory.v1.InventoryService.AdjustStock", Preparing.stocked,
         lambda target, rid: inventory.AdjustStockRequest(
             sku=target.tag, warehouse=WAREHOUSE, delta=3, request_id=rid)),
)  # fmt: skip


def _receipt(target: Target) -> receipt_pb2.Receipt:
    return receipt_pb2.Receipt(
        source="douyin", message_id=target.tag, template="t", body=b"{}", channel="douyin"
    )


def _reading(target: Target, _rid: str) -> Message:
    fact = fact_pb2.Fact(
        fact_id=target.tag, kind=fact_pb2.Fact.KIND_ORDER_CREATED, source="douyin",
        ref=order_pb2.OrderRef(namespace="douyin", value=target.tag), amount=ALL,
        channel="douyin", customer=f"c-{target.tag}",
    )  # fmt: skip
    fact.occurred_time.FromSeconds(1_795_348_800)
    reading = intake.Reading(receipt=f"receipts/{target.receipt}", facts=[fact])
    return intake.ApplyFactsRequest(readings=[reading])


def _reading_told(first: Told, second: Told) -> str:
    """Read the answers for a reading: its receipt has its outcome, whoever asks again."""
    assert second.is_ok, f"the repeat got {second}"
    for each in (first, second):
        if each.is_ok:
            assert each.answer.applied[0].outcome == fact_pb2.OUTCOME_APPLIED
        else:
            assert each.code in UNKNOWN_YET, f"got {each}"
    return ONCE


STORED: Final = (
    "SELECT 1 FROM receipts JOIN outbox ON outbox.headers->>'ce_id' = receipt_id"
    " WHERE outbox.payload IS NOT NULL AND position(convert_to(%s, 'UTF8') IN receipts.event) > 0"
)
INTAKE: Final = (
    Act("concord.intake.v1.IntakeService.SubmitReceipts", Preparing.names,
        lambda target, _rid: intake.SubmitReceiptsRequest(receipts=[_receipt(target)]),
        stored_before, STORED, lambda target, _rid: (target.tag,)),
    Act("concord.intake.v1.IntakeService.StreamReceipts", Preparing.names,
        lambda target, _rid: [intake.StreamReceiptsRequest(receipts=[_receipt(target)])],
        stored_before, STORED, lambda target, _rid: (target.tag,)),
    Act("concord.intake.v1.IntakeService.ApplyFacts", Preparing.receipts, _reading,
        _reading_told, "SELECT 1 FROM facts WHERE fact_id = %s AND order_id IS NOT NULL",
        lambda target, _rid: (target.tag,)),
    Act("concord.intake.v1.IntakeService.RetryReceipts",
        lambda preparing, count: preparing.receipts(count, rejected=True),
        lambda target, _rid: intake.RetryReceiptsRequest(names=[f"receipts/{target.receipt}"]),
        done_again, "SELECT 1 FROM receipts WHERE receipt_id = %s AND published > 1",
        lambda target, _rid: (target.receipt,)),
)  # fmt: skip


def _claims(first: Told, second: Told) -> str:
    """Read two claims: each gets a probe; one that got no answer may have leased one, too."""
    assert len(second.answer.probes) == 1
    if first.is_ok:
        assert len(first.answer.probes) == 1
        assert first.answer.probes[0].name != second.answer.probes[0].name
    return done_again(first, second)


OTHERS: Final = (
    Act("concord.probes.v1.ProbeService.ClaimProbes",
        # The repeat takes another one.
        Preparing.waiting,
        lambda _target, rid: probes.ClaimProbesRequest(worker=rid, limit=1),
        _claims, "SELECT 1 FROM probes WHERE lease LIKE %s || ':%%'", lambda _target, rid: (rid,)),
    Act("concord.probes.v1.ProbeService.ReportProbe", Preparing.probed,
        lambda target, _rid: probes.ReportProbeRequest(
            name=f"probes/{target.probe}", lease=target.lease, code="X",
            result=probes.ReportProbeRequest.RESULT_NOT_FOUND),
        same_answer, "SELECT 1 FROM probes WHERE probe_id = %s AND asked = 1",
        lambda target, _rid: (target.probe,)),
    Act("concord.probes.v1.ProbeService.RunProbes", Preparing.asked,
        lambda target, _rid: probes.RunProbesRequest(order=f"orders/{target.order}"),
        done_again, "SELECT 1 FROM probes WHERE order_id = %s",
        lambda target, _rid: (target.order,)),
    Act("concord.outbox.v1.OutboxService.ResendStream", Preparing.parked,
        lambda target, _rid: outbox.ResendStreamRequest(topic="some.topic", key=target.tag),
        freed, "SELECT 1 WHERE NOT EXISTS (SELECT FROM parked_streams WHERE key = %s)",
        lambda target, _rid: (target.tag,)),
)  # fmt: skip


def _notice(method: str, kind: type[Message], state: SendResult, **more: object) -> Act:
    def request(target: Target, rid: str) -> Message:
        return kind(name=f"notices/{target.notice}", request_id=rid, **more)  # type: ignore[call-arg]  # every one has them

    return _act(
        f"notices.v1.NoticeService.{method}",
        lambda preparing, count: preparing.reported(count, state),
        request,
    )


NOTICES: Final = (
    _notice("ResendNotice", notices.ResendNoticeRequest, SendResult.REFUSED),
    _notice("SettleNotice", notices.SettleNoticeRequest, SendResult.UNCERTAIN,
            finding=notices.SettleNoticeRequest.FINDING_NOT_ARRIVED),
    _act("notices.v1.NoticeService.SetContact", Preparing.names,
         lambda target, rid: notices.SetContactRequest(
             contact=notices.Contact(recipient=f"role:{target.tag}", addresses=["sms:1"]),
             request_id=rid)),
    # The repeat is given the same messages: the lease is what it is known by.
    Act("concord.notices.v1.NoticeService.ClaimDeliveries", Preparing.notices,
        lambda _target, rid: notices.ClaimDeliveriesRequest(lease=rid, channels=["sms"], limit=1),
        same_answer, "SELECT 1 FROM notice_sendings WHERE lease = %s",
        lambda _target, rid: (rid,)),
    Act("concord.notices.v1.NoticeService.ReportDelivery", Preparing.sendings,
        lambda target, _rid: notices.ReportDeliveryRequest(
            name=f"sendings/{target.sending}", lease=target.lease,
            result=notices.ReportDeliveryRequest.RESULT_NOT_SENT, code="CONNECT"),
        same_answer, "SELECT 1 FROM notice_sendings WHERE sending_id = %s AND result <> ''",
        lambda target, _rid: (target.sending,)),
)  # fmt: skip


BATCHES: Final = (
    _act("orders.v1.OrderService.TagOrders", _in(S.PAID), batch_calls.tagging),
    _act("orders.v1.OrderService.UntagOrders", _in(S.PAID), batch_calls.untagging),
    _act("batches.v1.BatchService.CreateBatch", _in(S.PAID), batch_calls.creation),
)


def _runs(first: Told, second: Told) -> str:
    """Read the answers of two claims: each has a run of its own."""
    if first.is_ok and second.is_ok:
        assert len(first.answer.claimed) == 1
        assert first.answer.claimed[0].run.name != second.answer.claimed[0].run.name
    return done_again(first, second)


CHANNELS: Final = (
    _act("channels.v1.ChannelService.CreateFeed", Preparing.names, channel_calls.creation),
    _act("channels.v1.ChannelService.UpdateFeed", channel_calls.registered, channel_calls.change),
    _act("channels.v1.ChannelService.PauseFeed", channel_calls.registered,
         lambda target, rid: channels.PauseFeedRequest(
             name=f"feeds/{target.tag}", request_id=rid)),
    _act("channels.v1.ChannelService.ResumeFeed", channel_calls.paused,
         lambda target, rid: channels.ResumeFeedRequest(
             name=f"feeds/{target.tag}", request_id=rid)),
    _act("channels.v1.ChannelService.StartRun", channel_calls.registered,
         lambda target, rid: channels.StartRunRequest(feed=f"feeds/{target.tag}", request_id=rid)),
    _act("channels.v1.ChannelService.ReportRun", channel_calls.running,
         lambda target, rid: run_pb2.ReportRunRequest(
             name=f"runs/{target.run}", lease=target.lease, request_id=rid,
             result=run_pb2.ReportRunRequest.RESULT_COMPLETED)),
    Act("concord.channels.v1.ChannelService.ClaimRuns", channel_calls.twice, channel_calls.claim,
        _runs, "SELECT 1 FROM feed_runs WHERE lease LIKE %s || ':%%'",
        lambda _target, rid: (rid,)),
)  # fmt: skip

# Where the repeat does not tell whether the first call did its work.
UNTOLD: Final = frozenset({done_again, _claims, _runs})
ACTS: Final[Mapping[str, Act]] = {
    each.rpc: each for each in (*ORDERS, *DESKS, *INTAKE, *OTHERS, *NOTICES, *BATCHES, *CHANNELS)
} | {
    each.rpc: each
    for part in (batch_calls, import_calls, reconciliation_calls, customer_calls, stock_calls)
    for calls in (part.CALLS,)
    for each in (_act(*call) for call in calls)
}
