"""What every mutation shares: who calls, the deadline, one answer to one request."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from concord.orders.v1 import order_pb2
from concord.orders.v1 import order_service_pb2 as pb
from service.domain.errors import (
    ContentionError,
    DeadlineExceededError,
    InvalidRequestError,
    OrderNotFoundError,
    RequestIdReusedError,
)
from service.kafka.encoding import ProtobufEncoder
from service.rpc.calling import Mutations, Work, is_wanted, origin_of
from tests.fakes import FakeClock, FakeIds, FakeStorage, FakeUnit

T = TypeVar("T")
REQUEST_ID = "2f1f52b4-6a3e-4a3c-9b53-0b9d9a1c3a4e"


class FakeContext:
    """A call, as the handler sees it."""

    def __init__(
        self,
        *metadata: tuple[str, str],
        peer: str = "ipv4:127.0.0.1:5000",
        remaining_s: float | None = None,
        is_active: bool = True,
    ) -> None:
        self._metadata, self._peer = metadata, peer
        self.remaining_s, self._is_active = remaining_s, is_active

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return self._metadata

    def peer(self) -> str:
        return self._peer

    def time_remaining(self) -> float | None:
        return self.remaining_s

    def is_active(self) -> bool:
        return self._is_active


class ForgetfulStorage(FakeStorage):
    """Commits, loses the connection before it hears of it, and tries again."""

    def transact(
        self,
        work: Callable[[FakeUnit], T],
        *,
        still_wanted: Callable[[], bool] = lambda: True,
        is_repeatable: bool = True,
    ) -> T:
        assert is_repeatable
        super().transact(work, still_wanted=still_wanted)
        return super().transact(work, still_wanted=still_wanted)


class Counter:
    """Work that counts how often it was done."""

    def __init__(self, refusal: Exception | None = None) -> None:
        self.works: list[Work] = []
        self._refusal = refusal

    def __call__(self, work: Work) -> order_pb2.Order:
        self.works.append(work)
        if self._refusal is not None:
            raise self._refusal
        return order_pb2.Order(name="orders/ord-1", sequence=len(self.works))


def run(
    work: Counter,
    storage: FakeStorage,
    request: object = None,
    context: FakeContext | None = None,
) -> order_pb2.Order:
    request = request or pb.CancelOrderRequest(name="orders/ord-1", request_id=REQUEST_ID)
    mutations = Mutations(storage, ProtobufEncoder(), FakeClock(), FakeIds())
    return mutations.run(request, context or FakeContext(), order_pb2.Order, work)  # type: ignore[arg-type]


def test_the_same_request_gets_the_same_bytes() -> None:
    storage, work = FakeStorage(), Counter()

    answers = [run(work, storage).SerializeToString(deterministic=True) for _ in range(3)]

    assert len(set(answers)) == 1
    assert len(work.works) == 1


@pytest.mark.parametrize(
    "other",
    [
        pb.CancelOrderRequest(name="orders/ord-2", request_id=REQUEST_ID),
        pb.CancelOrderRequest(name="orders/ord-1", request_id=REQUEST_ID, reason="why"),
        pb.CompleteOrderRequest(name="orders/ord-1", request_id=REQUEST_ID),
    ],
    ids=["another order", "another reason", "another method"],
)
def test_another_request_under_the_same_id_is_refused(other: object) -> None:
    storage, work = FakeStorage(), Counter()
    run(work, storage)

    with pytest.raises(RequestIdReusedError):
        run(work, storage, other)

    assert len(work.works) == 1


def test_a_refusal_is_repeated_without_doing_the_work_again() -> None:
    storage, work = FakeStorage(), Counter(OrderNotFoundError(order="ord-1"))

    for _ in range(2):
        with pytest.raises(OrderNotFoundError):
            run(work, storage)

    assert len(work.works) == 1


def test_a_failure_is_not_remembered() -> None:
    storage = FakeStorage()
    with pytest.raises(ContentionError):
        run(Counter(ContentionError()), storage)
    work = Counter()

    assert run(work, storage).sequence == 1


@pytest.mark.parametrize("request_id", ["", REQUEST_ID])
def test_work_whose_commit_was_not_heard_of_is_done_once(request_id: str) -> None:
    work = Counter()
    request = pb.CancelOrderRequest(name="orders/ord-1", request_id=request_id)

    answer = run(work, ForgetfulStorage(), request)

    assert answer.sequence == 1
    assert len(work.works) == 1


def test_two_requests_without_an_id_are_two_requests() -> None:
    storage, work = FakeStorage(), Counter()
    mutations = Mutations(storage, ProtobufEncoder(), FakeClock(), FakeIds())
    request = pb.CancelOrderRequest(name="orders/ord-1")

    for _ in range(2):
        mutations.run(request, FakeContext(), order_pb2.Order, work)  # type: ignore[arg-type]

    assert len(work.works) == 2
    assert len({each.fresh_id for each in work.works}) == 2


def test_an_id_that_is_no_uuid_is_refused_before_anything_is_done() -> None:
    storage, work = FakeStorage(), Counter()

    with pytest.raises(InvalidRequestError):
        run(work, storage, pb.CancelOrderRequest(name="orders/ord-1", request_id="1"))

    assert not work.works
    assert not storage.tables.requests


@pytest.mark.parametrize(
    "context", [FakeContext(remaining_s=0.0), FakeContext(is_active=False)], ids=["late", "gone"]
)
def test_a_caller_who_is_gone_gets_no_work_done(context: FakeContext) -> None:
    storage, work = FakeStorage(), Counter()

    with pytest.raises(DeadlineExceededError):
        run(work, storage, context=context)

    assert not work.works
    assert not is_wanted(context)  # type: ignore[arg-type]


def test_work_that_outlives_the_deadline_is_not_committed() -> None:
    storage, context = FakeStorage(), FakeContext(remaining_s=1.0)

    class Slow(Counter):
        def __call__(self, work: Work) -> order_pb2.Order:
            context.remaining_s = 0.0
            return super().__call__(work)

    with pytest.raises(DeadlineExceededError):
        run(Slow(), storage, context=context)

    assert not storage.tables.requests


def test_the_caller_tells_who_it_is() -> None:
    context = FakeContext(
        ("concord-actor", "clerk-7"), ("concord-role", "finance"), ("concord-source", "erp")
    )

    origin, source = origin_of(context)  # type: ignore[arg-type]

    assert (origin.actor, origin.role, source) == ("clerk-7", "finance", "erp")


def test_a_caller_who_tells_nothing_is_anonymous() -> None:
    origin, source = origin_of(FakeContext(("other", "x")))  # type: ignore[arg-type]

    assert (origin.actor, origin.role, source) == ("anonymous", "operator", "operator")


def test_a_name_that_is_not_ascii_comes_whole_and_control_characters_do_not() -> None:
    origin, _ = origin_of(FakeContext(("concord-actor", "%E7%8E%8B%00%0A%1B[31m")))  # type: ignore[arg-type]

    assert origin.actor == "王[31m"


def test_a_name_is_cut_where_it_is_too_long() -> None:
    origin, _ = origin_of(FakeContext(("concord-actor", "a" * 500)))  # type: ignore[arg-type]

    assert len(origin.actor) == 100


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:10.1.2.3:5000", "10.1.2.3"),
        ("ipv6:%5B::1%5D:5000", "::1"),
        ("ipv6:[::1]:5000", "::1"),
        ("unix:", ""),
    ],
)
def test_the_address_is_read_out_of_what_grpc_says(peer: str, address: str) -> None:
    assert origin_of(FakeContext(peer=peer))[0].address == address  # type: ignore[arg-type]
