"""What tests of batches hold in their hands: orders in numbers, stubs, and what came of it all."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from concord.batches.v1 import batch_service_pb2 as pb
from concord.orders.v1 import order_pb2
from service.domain.facts import Fact, FactKind, OrderRef
from tests.builders import a_fact
from tests.integration.service.world import Storing

STATE = pb.Batch.State
MEMBER = pb.BatchMember.State
PAID = (FactKind.ORDER_CREATED, FactKind.PAYMENT_STARTED, FactKind.PAYMENT_SUCCEEDED)


def identity(actor: str, role: str = "operations") -> list[tuple[str, str]]:
    """Return who calls."""
    return [("concord-actor", actor), ("concord-role", role)]


def paid_orders(storing: Storing, count: int) -> list[OrderRef]:
    """Make orders known that are paid; return their names."""
    run = uuid.uuid4().hex[:8]
    refs = [OrderRef("douyin", f"{run}-{number:04}") for number in range(count)]
    storing.tell_each([fact for ref in refs for fact in _facts(ref, PAID)])
    return refs


def cancelled(storing: Storing, ref: OrderRef) -> None:
    """Let an order be called off."""
    storing.tell(
        a_fact(FactKind.ORDER_CANCELLED, minute=9, fact_id=f"{ref.value}-cancelled", ref=ref)
    )


def _facts(ref: OrderRef, kinds: tuple[FactKind, ...]) -> Iterator[Fact]:
    for minute, kind in enumerate(kinds):
        yield a_fact(kind, minute=minute, fact_id=f"{ref.value}-{kind.value}", ref=ref)


def ref_message(ref: OrderRef) -> order_pb2.OrderRef:
    return order_pb2.OrderRef(namespace=ref.namespace, value=ref.value)


@dataclass(frozen=True)
class Desk:
    """`BatchService`, asked by one person."""

    stub: Any
    actor: str = "li"
    role: str = "operations"

    def ask(self, method: str, request: object) -> Any:  # noqa: ANN401  # any answer
        """Make a call as this person."""
        call = getattr(self.stub, method)
        return call(request, timeout=60, metadata=identity(self.actor, self.role))

    def create(self, template: str, **selection: object) -> pb.Batch:
        inputs = selection.pop("inputs", {})
        request = pb.CreateBatchRequest(
            template=template,
            selection=pb.BatchSelection(**selection),
            inputs=inputs,
            request_id=str(uuid.uuid4()),
        )
        made: pb.Batch = self.ask("CreateBatch", request)
        return made

    def act(self, act: str, name: str, **more: object) -> pb.Batch:
        """`Confirm`, `Pause`, `Resume`, `Cancel` or `Retry`."""
        kind = getattr(pb, f"{act}BatchRequest")
        done: pb.Batch = self.ask(
            f"{act}Batch", kind(name=name, request_id=str(uuid.uuid4()), **more)
        )
        return done

    def get(self, name: str) -> pb.Batch:
        found: pb.Batch = self.ask("GetBatch", pb.GetBatchRequest(name=name))
        return found

    def members(self, name: str, state: int = 0) -> list[pb.BatchMember]:
        found: list[pb.BatchMember] = []
        token = ""
        while True:
            page = self.ask(
                "ListBatchMembers",
                pb.ListBatchMembersRequest(
                    name=name, page_size=1000, page_token=token, state=state
                ),
            )
            found += page.members
            token = page.next_page_token
            if not token:
                return found


@dataclass(frozen=True)
class Ledger:
    """What a batch left behind, read from the tables themselves."""

    engine: sa.Engine
    batch_id: str

    def count(self, table: str) -> tuple[int, int]:
        """Return how many rows are the batch's, and of how many orders."""
        with self.engine.connect() as connection:
            row = connection.execute(
                sa.text(
                    f"SELECT count(*), count(DISTINCT order_id) FROM {table}"  # noqa: S608
                    " WHERE batch_id = :batch"
                ),
                {"batch": self.batch_id},
            ).one()
        return row[0], row[1]

    def milestones(self) -> tuple[int, int]:
        """Return how many rows of journals tell of a milestone by the batch, of how many orders."""
        with self.engine.connect() as connection:
            row = connection.execute(
                sa.text(
                    "SELECT count(*), count(DISTINCT order_id) FROM journal"
                    " WHERE kind = 'MILESTONE_CHANGED' AND reason LIKE :reason"
                ),
                {"reason": f"%{self.batch_id}"},
            ).one()
        return row[0], row[1]
