"""What every call that only reads is about; and the calls of which no boundary can be cut.

Cut anywhere, a read answers what it answers uncut, or UNAVAILABLE: never half of it, and never
an answer that only looks like one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from concord.audit.v1 import audit_service_pb2 as audit
from concord.batches.v1 import batch_service_pb2 as batches
from concord.cases.v1 import case_service_pb2 as cases
from concord.cases.v1 import queue_service_pb2 as queues
from concord.channels.v1 import channel_service_pb2 as channels
from concord.customers.v1 import customer_service_pb2 as customers
from concord.fulfilment.v1 import fulfilment_service_pb2 as fulfilment
from concord.imports.v1 import import_service_pb2 as imports
from concord.insights.v1 import insight_service_pb2 as insights
from concord.intake.v1 import intake_service_pb2 as intake
from concord.inventory.v1 import inventory_service_pb2 as inventory
from concord.notices.v1 import notice_service_pb2 as notices
from concord.orders.v1 import order_service_pb2 as orders
from concord.outbox.v1 import outbox_service_pb2 as outbox
from concord.probes.v1 import probe_service_pb2 as probes
from concord.reconciliations.v1 import reconciliation_service_pb2 as reconciliations
from service.domain.lifecycle import State
from tests.faults.wire import (
    batch_calls,
    case_calls,
    channel_calls,
    customer_calls,
    import_calls,
    reconciliation_calls,
    stock_calls,
)
from tests.faults.wire.acts import Prepare
from tests.faults.wire.preparing import WAREHOUSE, Preparing, Target

# A span in which the prepared facts happened, and that does not move.
BEGIN: Final = Timestamp(seconds=1_795_341_600)
END: Final = Timestamp(seconds=1_795_363_200)
RECONCILING: Final = "concord.reconciliations.v1.ReconciliationService"


@dataclass(frozen=True, slots=True)
class Reading:
    """One call: what must be there, what is asked, and which fields tell the time of day."""

    rpc: str
    prepare: Prepare
    request: Callable[[Target], Message]
    passing: tuple[str, ...] = ()


def _in(state: State) -> Prepare:
    return lambda preparing, count: preparing.orders(count, state)


def _order(method: str, kind: type[Message]) -> Reading:
    return Reading(
        f"concord.orders.v1.OrderService.{method}",
        _in(State.PAYING),
        lambda target: kind(name=f"orders/{target.order}"),  # type: ignore[call-arg]  # each has it
    )


def _pick_list(method: str, kind: type[Message]) -> Reading:
    return Reading(
        f"concord.fulfilment.v1.FulfilmentService.{method}",
        Preparing.listed,
        lambda target: kind(name=f"pickLists/{target.pick_list}"),  # type: ignore[call-arg]  # each has it
    )


def _planned(method: str, request: Callable[[Target], Message]) -> Reading:
    return Reading(f"concord.{stock_calls.SERVICE}.{method}", stock_calls.planned, request)


READINGS: Final[Mapping[str, Reading]] = {
    each.rpc: each
    for each in (
        _order("GetOrder", orders.GetOrderRequest),
        _order("ExplainOrder", orders.ExplainOrderRequest),
        _order("ListJournal", orders.ListJournalRequest),
        _order("VerifyJournal", orders.VerifyJournalRequest),
        Reading("concord.orders.v1.OrderService.ListOrders", _in(State.PAYING),
                lambda _: orders.ListOrdersRequest(page_size=3, channel="douyin")),
        Reading("concord.audit.v1.AuditService.CheckInvariants", _in(State.PAYING),
                lambda target: audit.CheckInvariantsRequest(order=f"orders/{target.order}")),
        Reading("concord.intake.v1.IntakeService.GetReceipt", _in(State.PAYING),
                lambda target: intake.GetReceiptRequest(name=f"receipts/{target.receipt}")),
        Reading("concord.intake.v1.IntakeService.ListReceipts", _in(State.PAYING),
                lambda _: intake.ListReceiptsRequest(page_size=3)),
        Reading("concord.cases.v1.CaseService.GetCase", Preparing.cases,
                lambda target: cases.GetCaseRequest(name=f"cases/{target.case}")),
        Reading("concord.cases.v1.CaseService.ListCases", Preparing.cases,
                lambda _: cases.ListCasesRequest(page_size=3)),
        Reading("concord.cases.v1.CaseService.GetCaseDocument", case_calls.documented,
                lambda target: cases.GetCaseDocumentRequest(
                    name=f"cases/{target.case}", number=1)),
        Reading("concord.cases.v1.CaseService.ListPurchaseRequests", case_calls.handled,
                lambda target: cases.ListPurchaseRequestsRequest(case=f"cases/{target.case}")),
        Reading("concord.cases.v1.QueueService.CountQueue", Preparing.cases,
                lambda _: queues.CountQueueRequest(), ("read_time",)),
        Reading("concord.cases.v1.QueueService.WatchQueue", Preparing.cases,
                lambda _: queues.WatchQueueRequest(size=3), ("counts",)),
        Reading("concord.cases.v1.QueueService.GetDeskStatistics", Preparing.cases,
                lambda _: queues.GetDeskStatisticsRequest(start_time=BEGIN, end_time=END),
                ("steps.longest_wait",)),
        Reading("concord.batches.v1.BatchService.GetBatch", batch_calls.frozen,
                lambda target: batches.GetBatchRequest(name=batch_calls.name_of(target))),
        Reading("concord.batches.v1.BatchService.ListBatches", batch_calls.frozen,
                lambda _: batches.ListBatchesRequest(page_size=3)),
        Reading("concord.batches.v1.BatchService.PreviewBatch", batch_calls.frozen,
                lambda target: batches.PreviewBatchRequest(name=batch_calls.name_of(target))),
        Reading("concord.batches.v1.BatchService.ListBatchMembers", batch_calls.failed,
                lambda target: batches.ListBatchMembersRequest(name=batch_calls.name_of(target))),
        Reading("concord.batches.v1.BatchService.WatchBatch", batch_calls.failed,
                lambda target: batches.WatchBatchRequest(name=batch_calls.name_of(target))),
        Reading("concord.batches.v1.BatchService.ListCoupons", batch_calls.frozen,
                lambda target: batches.ListCouponsRequest(order=f"orders/{target.order}")),
        Reading(f"concord.{import_calls.SERVICE}.GetImport", import_calls.kept,
                lambda target: imports.GetImportRequest(name=import_calls.name_of(target))),
        Reading(f"concord.{import_calls.SERVICE}.ListImports", import_calls.kept,
                lambda _: imports.ListImportsRequest(page_size=3)),
        Reading(f"concord.{import_calls.SERVICE}.ListImportRows", import_calls.kept,
                lambda target: imports.ListImportRowsRequest(name=import_calls.name_of(target))),
        Reading(f"concord.{import_calls.SERVICE}.ListExpectedFiles", import_calls.kept,
                lambda _: imports.ListExpectedFilesRequest(feed="feeds/none")),
        Reading("concord.channels.v1.ChannelService.GetFeed", channel_calls.registered,
                lambda target: channels.GetFeedRequest(name=f"feeds/{target.tag}")),
        Reading("concord.channels.v1.ChannelService.ListFeeds", channel_calls.registered,
                lambda _: channels.ListFeedsRequest(page_size=3)),
        Reading("concord.channels.v1.ChannelService.GetRun", channel_calls.running,
                lambda target: channels.GetRunRequest(name=f"runs/{target.run}")),
        Reading("concord.channels.v1.ChannelService.ListRuns", channel_calls.running,
                lambda _: channels.ListRunsRequest(page_size=3)),
        Reading("concord.channels.v1.ChannelService.GetIncident", channel_calls.running,
                lambda target: channels.GetIncidentRequest(name=f"incidents/{target.incident}")),
        Reading("concord.channels.v1.ChannelService.ListIncidents", channel_calls.running,
                lambda _: channels.ListIncidentsRequest(page_size=3)),
        Reading("concord.channels.v1.ChannelService.GetFeedHealth", channel_calls.registered,
                lambda target: channels.GetFeedHealthRequest(name=f"feeds/{target.tag}"),
                ("reason_zh", "reason_en")),
        Reading("concord.channels.v1.ChannelService.ListFeedHealth", channel_calls.registered,
                lambda _: channels.ListFeedHealthRequest(channel="none")),
        Reading(f"{RECONCILING}.ListStatements", reconciliation_calls.compared,
                lambda _: reconciliations.ListStatementsRequest(page_size=3)),
        Reading(f"{RECONCILING}.GetReconciliation", reconciliation_calls.compared,
                lambda target: reconciliations.GetReconciliationRequest(
                    name=reconciliation_calls.comparison_of(target))),
        Reading(f"{RECONCILING}.ListReconciliations", reconciliation_calls.compared,
                lambda _: reconciliations.ListReconciliationsRequest(page_size=3)),
        Reading(f"{RECONCILING}.GetDifference", reconciliation_calls.compared,
                lambda target: reconciliations.GetDifferenceRequest(
                    name=reconciliation_calls.difference_of(target))),
        Reading(f"{RECONCILING}.ListDifferences", reconciliation_calls.compared,
                lambda target: reconciliations.ListDifferencesRequest(
                    reconciliation=reconciliation_calls.comparison_of(target))),
        Reading(f"concord.{customer_calls.SERVICE}.GetCustomer", customer_calls.merged,
                lambda target: customers.GetCustomerRequest(
                    name=customer_calls.customer_of(target))),
        Reading(f"concord.{customer_calls.SERVICE}.ListCustomers", customer_calls.merged,
                lambda _: customers.ListCustomersRequest(page_size=3)),
        Reading(f"concord.{customer_calls.SERVICE}.ListCustomerOrders", customer_calls.merged,
                lambda target: customers.ListCustomerOrdersRequest(
                    customer=customer_calls.customer_of(target))),
        Reading(f"concord.{customer_calls.SERVICE}.GetMerge", customer_calls.merged,
                lambda target: customers.GetMergeRequest(name=customer_calls.merge_of(target))),
        Reading(f"concord.{customer_calls.SERVICE}.ListMerges", customer_calls.merged,
                lambda _: customers.ListMergesRequest(page_size=3)),
        Reading(f"concord.{customer_calls.SERVICE}.ListReturns", customer_calls.merged,
                lambda _: customers.ListReturnsRequest(channel="none")),
        Reading(f"concord.{customer_calls.SERVICE}.ListCouponUses", customer_calls.merged,
                lambda _: customers.ListCouponUsesRequest(code="none")),
        Reading(f"concord.{customer_calls.SERVICE}.VerifyProfiles", customer_calls.merged,
                lambda _: customers.VerifyProfilesRequest()),
        _pick_list("GetPickList", fulfilment.GetPickListRequest),
        _pick_list("PrintPickList", fulfilment.PrintPickListRequest),
        Reading("concord.fulfilment.v1.FulfilmentService.ListPickLists", Preparing.listed,
                lambda _: fulfilment.ListPickListsRequest(page_size=3)),
        Reading("concord.inventory.v1.InventoryService.GetStock", Preparing.stocked,
                lambda target: inventory.GetStockRequest(sku=target.tag, warehouse=WAREHOUSE)),
        Reading("concord.inventory.v1.InventoryService.ListStock", Preparing.stocked,
                lambda _: inventory.ListStockRequest(page_size=3)),
        _planned("ListSkuMappings", lambda _: inventory.ListSkuMappingsRequest(page_size=3)),
        _planned("ListUnmappedSkus", lambda _: inventory.ListUnmappedSkusRequest(page_size=3)),
        _planned("ListArticles", lambda _: inventory.ListArticlesRequest(page_size=3)),
        _planned("GetPurchasePlan", lambda target: inventory.GetPurchasePlanRequest(
            name=stock_calls.name_of(target))),
        _planned("ListPurchasePlans", lambda _: inventory.ListPurchasePlansRequest(page_size=3)),
        _planned("GetAllocation", lambda target: inventory.GetAllocationRequest(sku=target.tag)),
        _planned("GetChannelLevel", lambda target: inventory.GetChannelLevelRequest(
            channel=stock_calls.CHANNEL, channel_sku=target.tag)),
        _planned("ListChannelLevels", lambda _: inventory.ListChannelLevelsRequest(
            channel=stock_calls.CHANNEL, page_size=3)),
        _planned("ListOversales", lambda _: inventory.ListOversalesRequest(page_size=3)),
        Reading("concord.notices.v1.NoticeService.GetNotice", Preparing.notices,
                lambda target: notices.GetNoticeRequest(name=f"notices/{target.notice}")),
        Reading("concord.notices.v1.NoticeService.ListNotices", Preparing.notices,
                lambda _: notices.ListNoticesRequest(page_size=3)),
        Reading("concord.notices.v1.NoticeService.ListInbox", Preparing.notices,
                lambda target: notices.ListInboxRequest(recipient=f"role:{target.tag}")),
        Reading("concord.probes.v1.ProbeService.GetProbe", Preparing.probed,
                lambda target: probes.GetProbeRequest(name=f"probes/{target.probe}")),
        Reading("concord.probes.v1.ProbeService.ListProbes", Preparing.probed,
                lambda _: probes.ListProbesRequest(page_size=3)),
        Reading("concord.outbox.v1.OutboxService.GetOutbox", Preparing.parked,
                lambda _: outbox.GetOutboxRequest(), ("age",)),
        Reading("concord.outbox.v1.OutboxService.ListParkedStreams", Preparing.parked,
                lambda _: outbox.ListParkedStreamsRequest(page_size=3)),
        Reading("concord.insights.v1.InsightService.GetStageBoard", _in(State.SHIPPING),
                lambda _: insights.GetStageBoardRequest(
                    start_time=BEGIN, end_time=END, from_journal=True)),
        Reading("concord.insights.v1.InsightService.WatchStageBoard", _in(State.SHIPPING),
                lambda _: insights.WatchStageBoardRequest(span=Duration(seconds=86_400 * 365)),
                ("start_time", "end_time")),
        Reading("concord.insights.v1.InsightService.GetChannelBoard", _in(State.SHIPPING),
                lambda _: insights.GetChannelBoardRequest(start_time=BEGIN, end_time=END)),
        Reading("concord.insights.v1.InsightService.ListOverdueOrders", _in(State.SHIPPING),
                lambda _: insights.ListOverdueOrdersRequest(page_size=3)),
        Reading("concord.insights.v1.InsightService.ListFlags", Preparing.flagged,
                lambda target: insights.ListFlagsRequest(order=f"orders/{target.order}")),
        Reading("concord.insights.v1.InsightService.VerifyInsights", _in(State.SHIPPING),
                lambda _: insights.VerifyInsightsRequest()),
    )
}  # fmt: skip

# Tested by themselves: a stream, and a call that does more each time it is made.
ELSEWHERE: Final = {
    "concord.orders.v1.OrderService.WatchOrders",
    "concord.outbox.v1.OutboxService.RepublishHistory",
}
# The lifecycle and the register of invariants are code; kinds of cases and workflows are files that
# were read at the start; spans are kept in a file, by a process of the embedded stack.
WITHOUT_DATABASE: Final = {
    "concord.audit.v1.AuditService.ListInvariants",
    "concord.batches.v1.BatchService.ListBatchTemplates",
    "concord.orders.v1.OrderService.ListTransitions",
    "concord.traces.v1.TraceService.ListSpans",
    "concord.workflows.v1.WorkflowService.CheckWorkflow",
    "concord.workflows.v1.WorkflowService.DrawWorkflow",
    "concord.workflows.v1.WorkflowService.GetWorkflow",
    "concord.workflows.v1.WorkflowService.ListCaseTypes",
    "concord.workflows.v1.WorkflowService.ListWorkflows",
}
