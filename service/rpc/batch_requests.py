"""Reads requests about batches: every field checked, all violations at once."""

from collections.abc import Sequence
from typing import Final

from concord.batches.v1 import batch_service_pb2 as pb
from concord.orders.v1 import order_pb2
from service.application.batch_reading import BatchQuery, MemberQuery
from service.application.batches import NewBatch
from service.domain.desk.batches import BatchState, MemberState, Selection
from service.domain.lifecycle import State
from service.rpc.batch_answers import COLLECTION
from service.rpc.order_requests import read_ref
from service.rpc.tags import read_tag
from service.rpc.violations import REASON_MAX, Violations

PAGE_SIZE: Final = 50
PAGE_SIZE_MAX: Final = 500
MEMBERS: Final = 200
MEMBERS_MAX: Final = 1_000
SAMPLES: Final = 3
SAMPLES_MAX: Final = 20
# Named orders come from people's lists; longer ones are tagged first, 500 a call.
NAMED_MAX: Final = 5_000
FILTERS_MAX: Final = 20
CONDITION_MAX: Final = 2_000
VALUE_MAX: Final = 200


def batch_id(name: str) -> str:
    """Read a batch's name."""
    read = Violations()
    found = read.resource("name", name, COLLECTION)
    read.refuse()
    return found


def creation(request: pb.CreateBatchRequest) -> NewBatch:
    """Read what a batch is made of."""
    read = Violations()
    asked = NewBatch(
        template=read.word("template", request.template),
        selection=_selection(request.selection, read),
        inputs={
            name: read.text(f"inputs.{name[:VALUE_MAX]}", value, longest=VALUE_MAX)
            for name, value in request.inputs.items()
        },
        reason=read.text("reason", request.reason, longest=REASON_MAX),
    )
    read.refuse()
    return asked


def batch_query(request: pb.ListBatchesRequest) -> BatchQuery:
    """Read which batches to list."""
    read = Violations()
    states = []
    for index, number in enumerate(request.states):
        if number not in pb.Batch.State.values() or not number:
            read.add(f"states[{index}]", "send a known state")
        else:
            states.append(BatchState(pb.Batch.State.Name(number).removeprefix("STATE_")))
    query = BatchQuery(
        page_size=read.number(
            "page_size", request.page_size, most=PAGE_SIZE_MAX, default=PAGE_SIZE
        ),
        page_token=request.page_token,
        template=read.word("template", request.template, needed=False),
        states=tuple(states),
    )
    read.refuse()
    return query


def member_query(request: pb.ListBatchMembersRequest) -> MemberQuery:
    """Read which orders of a batch to list."""
    read = Violations()
    state = None
    if request.state not in pb.BatchMember.State.values():
        read.add("state", "send a known state")
    elif request.state:
        name = pb.BatchMember.State.Name(request.state)
        state = MemberState(name.removeprefix("STATE_"))
    query = MemberQuery(
        batch_id=read.resource("name", request.name, COLLECTION),
        page_size=read.number("page_size", request.page_size, most=MEMBERS_MAX, default=MEMBERS),
        page_token=request.page_token,
        state=state,
    )
    read.refuse()
    return query


def preview(request: pb.PreviewBatchRequest) -> tuple[str, int]:
    """Read whose preview is asked for, and how many samples."""
    read = Violations()
    size = read.number("sample_size", request.sample_size, most=SAMPLES_MAX, default=SAMPLES)
    found = read.resource("name", request.name, COLLECTION)
    read.refuse()
    return found, size


def coupon_filter(request: pb.ListCouponsRequest) -> dict[str, str]:
    """Read whose coupons are asked for."""
    read = Violations()
    if not (request.order or request.customer or request.batch):
        read.add("order", "send an order, a customer or a batch")
    where = {
        "order_id": read.resource("order", request.order, "orders") if request.order else "",
        "customer": read.text("customer", request.customer),
        "batch_id": read.resource("batch", request.batch, COLLECTION) if request.batch else "",
    }
    read.refuse()
    return where


def _selection(selection: pb.BatchSelection, read: Violations) -> Selection:
    at = "selection"
    named = len(selection.orders) + len(selection.refs)
    if named > NAMED_MAX:
        read.add(f"{at}.orders", f"send {NAMED_MAX} orders at most; or tag them, and send the tag")
    for name, values in (("tags", selection.tags), ("channels", selection.channels)):
        if len(values) > FILTERS_MAX:
            read.add(f"{at}.{name}", f"send {FILTERS_MAX} at most")
    return Selection(
        tags=tuple(
            read_tag(f"{at}.tags[{index}]", each, read)
            for index, each in enumerate(selection.tags[:FILTERS_MAX])
        ),
        channels=tuple(
            read.word(f"{at}.channels[{index}]", each)
            for index, each in enumerate(selection.channels[:FILTERS_MAX])
        ),
        states=_states(selection.states, read),
        orders=tuple(
            dict.fromkeys(
                read.resource(f"{at}.orders[{index}]", each, "orders")
                for index, each in enumerate(selection.orders[:NAMED_MAX])
            )
        ),
        refs=tuple(
            dict.fromkeys(
                read_ref(f"{at}.refs[{index}]", each, read)
                for index, each in enumerate(selection.refs[:NAMED_MAX])
            )
        ),
        condition=read.text(f"{at}.condition", selection.condition, longest=CONDITION_MAX),
    )


def _states(
    numbers: Sequence[order_pb2.Order.State.ValueType], read: Violations
) -> tuple[State, ...]:
    found = []
    for index, number in enumerate(numbers):
        if number not in order_pb2.Order.State.values() or not number:
            read.add(f"selection.states[{index}]", "send a known state")
        else:
            found.append(State(order_pb2.Order.State.Name(number).removeprefix("STATE_")))
    return tuple(found)
