"""What every call about batches and tags is about, for those who cut its connection."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from google.protobuf.message import Message

from concord.batches.v1 import batch_service_pb2 as batches
from concord.orders.v1 import order_service_pb2 as orders
from service import bootstrap, catalogue
from service.application.batches import BatchBook, Batching, NewBatch
from service.application.ports import Unit
from service.catalogue import batch_files
from service.cel import CelConditions
from service.domain.desk.batches import Batch, BatchAct, Limits, Member, MemberState, Selection
from service.domain.journal import Origin
from service.domain.lifecycle import State
from tests.faults.wire.preparing import Preparing, Target

TEMPLATE: Final = "customs_delay"
# Callers that say nothing of themselves are operators.
ORIGIN: Final = Origin("preparer", "operations")


def frozen(preparing: Preparing, count: int) -> list[Target]:
    """Make orders, each on the list of a batch of its own."""
    return _made(preparing, count, ())


def running(preparing: Preparing, count: int) -> list[Target]:
    """Make batches that run."""
    return _made(preparing, count, ("confirm",))


def paused(preparing: Preparing, count: int) -> list[Target]:
    """Make batches that stand still."""
    return _made(preparing, count, ("confirm", "pause"))


def failed(preparing: Preparing, count: int) -> list[Target]:
    """Make batches that are done, and whose order failed."""
    return _made(preparing, count, ("confirm", "fail", "finish"))


def _made(preparing: Preparing, count: int, acts: tuple[str, ...]) -> list[Target]:
    targets = [replace(each, tag=uuid.uuid4().hex) for each in preparing.orders(count, State.PAID)]
    coupons = catalogue.load().coupons
    book = BatchBook(batch_files.load(), coupons, CelConditions(), Limits())

    def work(unit: Unit) -> None:
        batching = Batching(unit, book, ORIGIN, bootstrap.now())
        for each in targets:
            asked = NewBatch(TEMPLATE, Selection(orders=(each.order,)), {})
            batch = batching.create(asked, each.tag)
            for act in acts:
                _act(unit, batching, batch, each, act)

    preparing.transact(work)
    return targets


def _act(unit: Unit, batching: Batching, batch: Batch, target: Target, act: str) -> None:
    at = batching.at
    if act == "confirm":
        batching.confirm(batch.batch_id, "")
    elif act == "fail":
        member = Member(
            batch_id=batch.batch_id,
            order_id=target.order,
            position=1,
            number=target.tag,
            state=MemberState.WAITING,
            due_at=at,
            changed_at=at,
        )
        unit.save_members([member.failed("ORDER_MOVED_ON", "it is CANCELLED", at=at)])
    else:
        batching.act(batch.batch_id, BatchAct(act.upper()))


def name_of(target: Target) -> str:
    """Return a target's batch."""
    return f"batches/bat-{target.tag}"


def creation(target: Target, rid: str) -> Message:
    """Ask for a batch."""
    return batches.CreateBatchRequest(
        template=TEMPLATE,
        selection=batches.BatchSelection(orders=[f"orders/{target.order}"]),
        request_id=rid,
    )


def tagging(target: Target, rid: str) -> Message:
    """Ask for a tag."""
    return orders.TagOrdersRequest(names=[f"orders/{target.order}"], tag="清关", request_id=rid)


def untagging(target: Target, rid: str) -> Message:
    """Ask that a tag be taken off."""
    return orders.UntagOrdersRequest(names=[f"orders/{target.order}"], tag="清关", request_id=rid)


def _named(kind: type[Message]) -> Callable[[Target, str], Message]:
    return lambda target, rid: kind(name=name_of(target), request_id=rid)  # type: ignore[call-arg]  # every one has them


# What is called of a batch that is there, how it comes to be, and what is asked.
CALLS: Final = tuple(
    (f"batches.v1.BatchService.{method}", prepare, _named(kind))
    for method, prepare, kind in (
        ("ConfirmBatch", frozen, batches.ConfirmBatchRequest),
        ("PauseBatch", running, batches.PauseBatchRequest),
        ("ResumeBatch", paused, batches.ResumeBatchRequest),
        ("CancelBatch", frozen, batches.CancelBatchRequest),
        ("RetryBatch", failed, batches.RetryBatchRequest),
    )
)
