"""Commands that share a transaction get what each would get alone; for every implementation."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from service.application.commands import Ask, Commands, Details
from service.application.desks import Desk
from service.application.idempotency import once, open_answer
from service.application.ports import Answer, Unit
from service.application.shared_ports import Kept
from service.application.together import Asked, together
from service.domain.errors import ContentionError, IllegalTransitionError
from service.domain.lifecycle import Action, State
from service.domain.order import Order
from service.domain.terms import USUAL
from service.kafka.encoding import ProtobufEncoder
from tests.builders import an_origin
from tests.contract.conftest import Store


def asked(
    store: Store,
    order: Order,
    name: str,
    act: Callable[[Commands, Ask], Order] | None = None,
    *,
    wanted: bool = True,
    fingerprint: bytes = b"f",
) -> Asked:
    """Ask to set the order's milestone to the name of the request, or for something else."""

    def work(unit: Unit, desk: Desk) -> bytes:
        commands = Commands(unit, ProtobufEncoder(), desk.at, USUAL, desk)
        ask = Ask(order.order_id, an_origin(), f"{store.name}-{name}")
        done = act(commands, ask) if act else commands.set_milestone(ask, name)
        return f"{done.sequence}".encode()

    return Asked(f"{store.name}-{name}", fingerprint, order.order_id, work, lambda: wanted)


def ship(commands: Commands, ask: Ask) -> Order:
    return commands.advance(ask, Action.SHIP, Details())


def do(store: Store, *commands: Asked) -> dict[str, Answer]:
    answers = store.storage.transact(
        lambda unit: together(unit, commands, encoder=ProtobufEncoder(), at=store.clock())
    )
    told = zip(commands, answers, strict=True)
    return {one.request_id.removeprefix(f"{store.name}-"): each for one, each in told if each}


def test_each_order_is_changed_as_it_would_be_alone(store: Store) -> None:
    orders = [store.create(number) for number in range(5)]

    answers = do(store, *(asked(store, each, f"m{n}") for n, each in enumerate(orders)))

    assert answers == {f"m{n}": Answer(b"2") for n in range(5)}
    for number, each in enumerate(orders):
        assert store.reader.order(each.order_id).milestone == f"m{number}"
        assert store.reader.verify_chain(each.order_id).problem == ""


def test_a_refused_command_spoils_no_other(store: Store) -> None:
    first, second = store.create(1), store.create(2)

    answers = do(store, asked(store, first, "shipped", ship), asked(store, second, "m"))

    with pytest.raises(IllegalTransitionError):
        open_answer(answers["shipped"])
    assert store.reader.order(first.order_id) == first
    assert store.reader.order(second.order_id).milestone == "m"


def test_one_request_id_for_two_orders_is_answered_for_one(store: Store) -> None:
    first, second = store.create(1), store.create(2)
    one = asked(store, first, "m", fingerprint=b"first")
    other = asked(store, second, "m", fingerprint=b"second")

    answers = store.storage.transact(
        lambda unit: together(unit, [one, other], encoder=ProtobufEncoder(), at=store.clock())
    )

    assert answers == [Answer(b"2"), None]
    assert store.reader.order(second.order_id) == second


def test_what_was_answered_is_found_by_whoever_asks_again(store: Store) -> None:
    order = store.create()
    do(store, asked(store, order, "m"), asked(store, store.create(2), "shipped", ship))

    def again(name: str) -> Answer:
        request = f"{store.name}-{name}"
        return store.storage.transact(lambda unit: once(unit, request, b"f", lambda: b"done twice"))

    assert again("m") == Answer(b"2")
    with pytest.raises(IllegalTransitionError):
        open_answer(again("shipped"))


def test_who_was_answered_before_is_left_out(store: Store) -> None:
    order = store.create()
    do(store, asked(store, order, "m"))

    assert do(store, asked(store, order, "m")) == {}
    assert store.reader.order(order.order_id).sequence == 2


def test_of_two_about_one_order_the_second_is_left_out(store: Store) -> None:
    order = store.create()

    answers = do(store, asked(store, order, "first"), asked(store, order, "second"))

    assert answers == {"first": Answer(b"2")}
    assert store.reader.order(order.order_id).milestone == "first"


def test_an_order_that_nobody_knows_is_left_out(store: Store) -> None:
    order = store.create()
    other = Asked("other", b"f", f"ord-{store.name}", asked(store, order, "x").work, lambda: True)

    assert set(do(store, other, asked(store, order, "m"))) == {"m"}


def test_who_does_not_wait_any_more_is_left_out(store: Store) -> None:
    first, second = store.create(1), store.create(2)

    answers = do(store, asked(store, first, "gone", wanted=False), asked(store, second, "m"))

    assert set(answers) == {"m"}
    assert store.reader.order(first.order_id) == first


def test_a_failure_of_ours_leaves_nothing_behind(store: Store) -> None:
    first, second = store.create(1), store.create(2)

    def fail(commands: Commands, ask: Ask) -> Order:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        do(store, asked(store, first, "m"), asked(store, second, "fails", fail))

    assert store.reader.order(first.order_id).state is State.PENDING_PAYMENT
    assert store.reader.order(first.order_id).sequence == 1
    assert set(do(store, asked(store, first, "m"))) == {"m"}


def test_a_request_is_not_answered_twice(store: Store) -> None:
    kept = Kept(store.name, b"f", Answer(b"first"))
    store.storage.transact(lambda unit: unit.keep_answers([kept]))

    def answer_again(unit: Unit) -> None:
        unit.keep_answers([Kept(f"{store.name}-other", b"f", Answer(b"x")), kept])

    with pytest.raises(ContentionError):
        store.storage.transact(answer_again)

    names = [store.name, f"{store.name}-other"]
    known = store.storage.transact(lambda unit: unit.known_requests(names))
    assert known == {store.name}
