"""Should the transaction fail that commands share, each is done alone and fails by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from concord.orders.v1 import order_pb2
from concord.orders.v1 import order_service_pb2 as pb
from service.kafka.encoding import ProtobufEncoder
from service.rpc.calling import Mutations, Work
from tests.fakes import FakeClock, FakeIds, FakeStorage, FakeUnit
from tests.unit.service.rpc.test_calling import REQUEST_ID, FakeContext

T = TypeVar("T")


class OurBugError(Exception):
    """What nobody expected."""


class BrokenSharing(FakeStorage):
    """Storage in which shared transactions fail: whatever keeps several answers at once."""

    def transact(self, work: Callable[[FakeUnit], T], **given: Any) -> T:  # noqa: ANN401  # as given
        def failing(unit: FakeUnit) -> T:
            def fail(_answers: object) -> None:
                raise OurBugError

            unit.keep_answers = fail  # type: ignore[method-assign]  # the point of this storage
            return work(unit)

        return super().transact(failing, **given)


def change(storage: FakeStorage, work: Callable[[Work], order_pb2.Order]) -> order_pb2.Order:
    mutations = Mutations(storage, ProtobufEncoder(), FakeClock(), FakeIds())
    request = pb.CancelOrderRequest(name="orders/ord-1", request_id=REQUEST_ID)
    return mutations.change(request, FakeContext(), order_pb2.Order, work)  # type: ignore[arg-type]


def test_a_shared_transaction_that_fails_is_done_alone() -> None:
    storage = BrokenSharing()

    answer = change(storage, lambda _: order_pb2.Order(name="orders/ord-1", sequence=7))

    assert answer.sequence == 7
    assert storage.tables.requests[REQUEST_ID].answer is not None


def test_a_bug_reaches_its_own_caller_and_leaves_nothing() -> None:
    storage = FakeStorage()

    def work(_: Work) -> order_pb2.Order:
        raise OurBugError

    with pytest.raises(OurBugError):
        change(storage, work)

    assert not storage.tables.requests
    assert change(storage, lambda _: order_pb2.Order(sequence=1)).sequence == 1
