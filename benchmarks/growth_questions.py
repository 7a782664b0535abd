"""What callers ask and tell while the database grows, as bytes made beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import Message

from benchmarks import told
from benchmarks.growth_orders import Orders
from benchmarks.serving import BATCH, Serving
from concord.cases.v1 import case_service_pb2 as cases_pb
from concord.fulfilment.v1 import fulfilment_service_pb2 as picks_pb
from concord.insights.v1 import insight_service_pb2 as insights_pb
from concord.intake.v1 import fact_pb2
from concord.intake.v1 import intake_service_pb2 as intake_pb
from concord.orders.v1 import order_pb2
from concord.orders.v1 import order_service_pb2 as orders_pb
from concord.probes.v1 import probe_service_pb2 as probes_pb

PAGE: Final = 50
# More than there is time for.
AGAIN: Final = 2_000
COMMANDS: Final = 300
BATCHES: Final = 4


@dataclass(frozen=True, slots=True)
class Question:
    """One kind of call: the first request warms up, the others count."""

    what: str
    method: str
    requests: Sequence[bytes]
    # How many things one request is about.
    items: int = 1
    # Whether all must be sent, however long that takes: others build on it.
    is_whole: bool = False


def all_of_them(world: Serving, orders: Orders) -> Iterator[Question]:
    """Make the requests of each kind when its turn comes."""
    yield from _commands(world, orders)
    yield from _single(orders)
    for what, request in _lists():
        if "page_size" in request.DESCRIPTOR.fields_by_name:
            setattr(request, "page_size", PAGE)  # noqa: B010  # Not every message has it.
        yield Question(what, _method(request), [request.SerializeToString()] * AGAIN)


def _commands(world: Serving, orders: Orders) -> Iterator[Question]:
    paying = world.orders_about_to_be_paid(f"grown{orders.count}", COMMANDS)
    yield Question("ConfirmPayment", told.CONFIRM, [told.confirmation(each) for each in paying])
    names = [f"told{orders.count}-{index:07}" for index in range(BATCH * BATCHES)]
    parts = list(told.parts(names, BATCH))
    submitted = told.submissions([told.receipts(part, 1) for part in parts])
    yield Question("SubmitReceipts, a receipt", told.SUBMIT, submitted, BATCH, is_whole=True)
    yield Question("ApplyFacts, a fact", told.APPLY, _readings(world, parts), BATCH)
    claim = probes_pb.ClaimProbesRequest(worker="benchmark", limit=10, lease_s=60)
    yield Question("ClaimProbes, ten", _method(claim), [claim.SerializeToString()] * AGAIN)


def _readings(world: Serving, parts: Sequence[Sequence[str]]) -> list[bytes]:
    found = world.rows(
        "SELECT order_hint, receipt_id FROM receipts WHERE order_hint = ANY(%s)",
        ([name for part in parts for name in part],),
    )
    ids = {str(name): str(receipt) for name, receipt in found}
    created = fact_pb2.Fact.KIND_ORDER_CREATED
    return told.applications(
        [[told.reading(f"receipts/{ids[name]}", name, created) for name in part] for part in parts]
    )


def _single(orders: Orders) -> Iterator[Question]:
    ids = orders.some(AGAIN)
    asked: dict[str, list[Message]] = {
        "GetOrder": [orders_pb.GetOrderRequest(name=f"orders/{each}") for each in ids],
        "ExplainOrder": [orders_pb.ExplainOrderRequest(name=f"orders/{each}") for each in ids],
        "ListJournal": [orders_pb.ListJournalRequest(name=f"orders/{each}") for each in ids],
    }
    for what, requests in asked.items():
        sent = [each.SerializeToString() for each in requests]
        yield Question(what, _method(requests[0]), sent)


def _lists() -> Iterator[tuple[str, Message]]:
    """Each list of the desks, as it is opened; and those of which hardly anything is in it."""
    order = orders_pb.ListOrdersRequest
    yield "ListOrders", order()
    yield "ListOrders, paying", order(states=[order_pb2.Order.STATE_PAYING])
    yield "ListOrders, delivered", order(states=[order_pb2.Order.STATE_DELIVERED])
    yield "ListOrders, of a channel", order(channel="douyin")
    yield "ListOrders, of a channel without any", order(channel="none")
    yield "ListOrders, held", order(hold_reason="*")
    yield "ListOrders, held for a reason", order(hold_reason="RISK")
    yield "ListOrders, discrepant", order(discrepancy="*")
    yield "ListOrders, overdue", order(overdue=True)
    yield "ListOverdueOrders", insights_pb.ListOverdueOrdersRequest()
    receipt = intake_pb.ListReceiptsRequest
    yield "ListReceipts", receipt()
    yield "ListReceipts, waiting", receipt(waiting=True)
    yield "ListReceipts, rejected", receipt(outcome=fact_pb2.OUTCOME_REJECTED)
    yield "ListReceipts, of a source", receipt(source="nobody")
    case = cases_pb.ListCasesRequest
    yield "ListCases", case()
    yield "ListCases, of a role", case(owner_role="customer_service")
    yield "ListCases, of a type", case(type="OUT_OF_STOCK")
    probe = probes_pb.ListProbesRequest
    yield "ListProbes", probe()
    yield "ListProbes, exhausted", probe(state=probes_pb.Probe.STATE_EXHAUSTED)
    yield "ListFlags", insights_pb.ListFlagsRequest()
    yield "ListFlags, to be reviewed", insights_pb.ListFlagsRequest(review_pool=True)
    picks = picks_pb.ListPickListsRequest
    yield "ListPickLists, open", picks(state=picks_pb.PickList.STATE_OPEN)
    yield "ListPickLists, void", picks(state=picks_pb.PickList.STATE_VOID)
    yield "GetChannelBoard", insights_pb.GetChannelBoardRequest()


def _method(request: Message) -> str:
    """Return the path of the one method that takes this message."""
    file = request.DESCRIPTOR.file
    for service in file.services_by_name.values():
        for method in service.methods:
            if method.input_type is request.DESCRIPTOR:
                return f"/{service.full_name}/{method.name}"
    raise LookupError(request.DESCRIPTOR.full_name)
