"""What tests of batches hold in their hands: orders in numbers, stubs, and what came of it all."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from concord.batches.v1 import batch_service_pb2 as pb
from concord.orders.v1 import order_pb2
from concord.orders.v1 import order_service_pb2 as orders
from service import catalogue
from service.application.batch_running import BatchRunning
from service.domain.facts import Fact, FactKind, OrderRef
from service.domain.terms import Terms
from service.failpoints import Failpoints
from service.kafka.encoding import ProtobufEncoder, ProtobufEnvelopes
from service.postgres.storage import PostgresStorage
from tests.builders import a_fact
from tests.fakes import FakeClock
from tests.integration.service.world import Service, Storing

STATE = pb.Batch.State
MEMBER = pb.BatchMember.State
PAID = (FactKind.ORDER_CREATED, FactKind.PAYMENT_STARTED, FactKind.PAYMENT_SUCCEEDED)


def identity(actor: str, role: str = "operations") -> list[tuple[str, str]]:
    """Return who calls."""
    return [("concord-actor", actor), ("concord-role", role)]


def paid_orders(storing: Storing, count: int, **given: object) -> list[OrderRef]:
    """Make orders known that are paid; return their names."""
    run = uuid.uuid4().hex[:8]
    refs = [OrderRef("douyin", f"{run}-{number:04}") for number in range(count)]
    storing.tell_each([fact for ref in refs for fact in _facts(ref, PAID, given)])
    return refs


def cancelled(storing: Storing, ref: OrderRef) -> None:
    """Let an order be called off."""
    storing.tell(
        a_fact(FactKind.ORDER_CANCELLED, minute=9, fact_id=f"{ref.value}-cancelled", ref=ref)
    )


def _facts(ref: OrderRef, kinds: tuple[FactKind, ...], given: dict[str, object]) -> Iterator[Fact]:
    for minute, kind in enumerate(kinds):
        told = given if kind is not FactKind.PAYMENT_STARTED else {}
        yield a_fact(kind, minute=minute, fact_id=f"{ref.value}-{kind.value}", ref=ref, **told)


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


def worker(engine: sa.Engine, failpoints: Failpoints | None = None) -> BatchRunning:
    """Return what works batches off, at a time when all that was asked for is due."""
    storage = PostgresStorage(engine, ProtobufEnvelopes(), failpoints=failpoints)
    now = FakeClock(soon(engine))
    return BatchRunning(storage, ProtobufEncoder(), now, Terms(catalogue=catalogue.load()))


def soon(engine: sa.Engine) -> datetime:
    with engine.connect() as connection:
        now = sa.text("SELECT clock_timestamp() + interval '1 h'")
        moment: datetime = connection.execute(now).scalar_one()
    return moment


class Death(BaseException):
    """The process is no more: nobody catches it."""


def dying(visit: int) -> Callable[[], None]:
    """Return what dies when somebody comes by so often."""
    visits = iter(range(1, 1_000))

    def come_by() -> None:
        if next(visits) == visit:
            raise Death

    return come_by


def work_off(running: BatchRunning) -> int:
    done = 0
    while count := running.work_off():
        done += count
    running.finish()
    return done


def tagged(service: Service, storing: Storing, count: int) -> tuple[str, list[OrderRef]]:
    """Make paid orders with a tag of their own."""
    refs, tag = paid_orders(storing, count), f"customs-{uuid.uuid4().hex[:8]}"
    for start in range(0, count, 500):
        service.orders.TagOrders(
            orders.TagOrdersRequest(
                refs=map(ref_message, refs[start : start + 500]),
                tag=tag,
                request_id=str(uuid.uuid4()),
            ),
            timeout=60,
        )
    return tag, refs


def order_of(service: Service, ref: OrderRef) -> order_pb2.Order:
    found: order_pb2.Order = service.orders.GetOrder(orders.GetOrderRequest(ref=ref_message(ref)))
    return found


def set_holds(engine: sa.Engine, order_id: str, holds: str) -> None:
    with engine.begin() as connection:
        connection.execute(
            sa.text("UPDATE orders SET holds = CAST(:holds AS jsonb) WHERE order_id = :order"),
            {"holds": holds, "order": order_id},
        )


def batch_id(batch: pb.Batch) -> str:
    return batch.name.removeprefix("batches/")
