"""The same request gets the same answer, be it an answer or a refusal."""

import pytest

from service.application.idempotency import REFUSALS, once, open_answer
from service.application.ports import Answer
from service.domain import errors
from service.domain.errors import (
    IllegalTransitionError,
    InvalidRequestError,
    OrderError,
    OrderNotFoundError,
    RequestIdReusedError,
)
from tests.fakes import FakeStorage

EXAMPLES: dict[type[OrderError], OrderError] = {
    each: each(**{name: f"the {name}" for name in each.fields})
    for each in OrderError.__subclasses__()
    if each not in {IllegalTransitionError, InvalidRequestError}
} | {
    IllegalTransitionError: IllegalTransitionError(
        order="ord-1", state="PAID", action="SHIP", allowed=("ALLOCATE", "CANCEL")
    ),
    InvalidRequestError: InvalidRequestError((("a", "send a"), ("a", "again"), ("b", "send b"))),
}


class Counter:
    """Work that counts how often it was done."""

    def __init__(self, refusal: OrderError | None = None) -> None:
        self.times = 0
        self._refusal = refusal

    def __call__(self) -> bytes:
        self.times += 1
        if self._refusal is not None:
            raise self._refusal
        return f"answer {self.times}".encode()


def ask(storage: FakeStorage, work: Counter, *, body: bytes = b"f") -> Answer:
    return storage.transact(lambda unit: once(unit, "request-1", body, work))


def test_work_is_done_once_and_answered_alike() -> None:
    storage, work = FakeStorage(), Counter()

    answers = [open_answer(ask(storage, work)) for _ in range(3)]

    assert answers == [b"answer 1"] * 3
    assert work.times == 1


@pytest.mark.parametrize("kind", OrderError.__subclasses__(), ids=lambda each: each.reason)
def test_a_refusal_is_repeated_with_all_it_said(kind: type[OrderError]) -> None:
    storage, work = FakeStorage(), Counter(EXAMPLES[kind])

    told = []
    for _ in range(2):
        with pytest.raises(kind) as refused:
            open_answer(ask(storage, work))
        told.append(refused.value)

    assert work.times == 1
    assert type(told[0]) is type(told[1]) is kind
    assert str(told[0]) == str(told[1]) == str(EXAMPLES[kind])
    assert told[0].metadata() == told[1].metadata() == EXAMPLES[kind].metadata()
    if isinstance(told[1], InvalidRequestError):
        assert told[1].violations == EXAMPLES[kind].violations  # type: ignore[attr-defined]


def test_another_body_under_the_same_id_is_refused_and_changes_nothing() -> None:
    storage, work = FakeStorage(), Counter()
    ask(storage, work)

    with pytest.raises(RequestIdReusedError):
        ask(storage, work, body=b"other")

    assert work.times == 1
    assert open_answer(ask(storage, work)) == b"answer 1"


def test_a_failure_is_forgotten_so_that_the_retry_does_the_work() -> None:
    storage, work = FakeStorage(), Counter()

    def failing() -> bytes:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        storage.transact(lambda unit: once(unit, "request-1", b"f", failing))

    assert open_answer(ask(storage, work)) == b"answer 1"


def test_every_refusal_can_be_restored() -> None:
    assert set(REFUSALS.values()) == set(OrderError.__subclasses__())
    assert REFUSALS[OrderNotFoundError.reason] is OrderNotFoundError
    assert vars(errors)["OrderNotFoundError"] is OrderNotFoundError
