"""The one table of an order's life; everything else that knows states derives from it."""

from collections.abc import Mapping
from enum import unique
from functools import cache
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from service.domain.errors import IllegalTransitionError
from service.domain.words import Word


@unique
class State(Word):
    """Where an order is. The value is what is stored and what the wire enum is named for."""

    PENDING_PAYMENT = "PENDING_PAYMENT"
    """Placed. The buyer moves it on; unpaid beyond the limit it is listed as overdue."""
    PAYING = "PAYING"
    """The buyer is paying. The provider moves it on; silence is a missing callback."""
    PAID = "PAID"
    """The money came. Stock allocation moves it on."""
    AWAITING_OUTBOUND = "AWAITING_OUTBOUND"
    """Stock is reserved. Review and picking move it on."""
    SHIPPING = "SHIPPING"
    """A parcel left. The carrier moves it on."""
    DELIVERED = "DELIVERED"
    """A parcel arrived. The buyer or the channel's own rule completes it."""
    COMPLETED = "COMPLETED"
    """Done; nothing moves it."""
    CANCELLED = "CANCELLED"
    """Called off before anything left. It goes on if somebody reinstates it, or a parcel left."""


@unique
class Action(Word):
    """What moves an order."""

    START_PAYMENT = "START_PAYMENT"
    CONFIRM_PAYMENT = "CONFIRM_PAYMENT"
    ALLOCATE = "ALLOCATE"
    APPROVE_OUTBOUND = "APPROVE_OUTBOUND"
    SHIP = "SHIP"
    CONFIRM_DELIVERY = "CONFIRM_DELIVERY"
    COMPLETE = "COMPLETE"
    CANCEL = "CANCEL"
    REINSTATE = "REINSTATE"


LIFECYCLE: Final[Mapping[State, Mapping[Action, State]]] = MappingProxyType(
    {
        State.PENDING_PAYMENT: {
            Action.START_PAYMENT: State.PAYING,
            Action.CANCEL: State.CANCELLED,
        },
        State.PAYING: {
            Action.CONFIRM_PAYMENT: State.PAID,
            Action.CANCEL: State.CANCELLED,
        },
        State.PAID: {
            Action.ALLOCATE: State.AWAITING_OUTBOUND,
            Action.CANCEL: State.CANCELLED,
        },
        State.AWAITING_OUTBOUND: {
            Action.APPROVE_OUTBOUND: State.AWAITING_OUTBOUND,
            Action.SHIP: State.SHIPPING,
            Action.CANCEL: State.CANCELLED,
        },
        State.SHIPPING: {Action.CONFIRM_DELIVERY: State.DELIVERED},
        State.DELIVERED: {Action.COMPLETE: State.COMPLETED},
        State.COMPLETED: {},
        State.CANCELLED: {Action.REINSTATE: State.PAID},
    }
)

# What no command may ask for and evidence may still prove: a parcel that left outweighs a cancel.
CORRECTIONS: Final[Mapping[State, Mapping[Action, State]]] = MappingProxyType(
    {State.CANCELLED: {Action.SHIP: State.SHIPPING}}
)

# Where nothing is awaited any more.
FINAL: Final = frozenset({State.COMPLETED, State.CANCELLED})

# The road an order takes when nothing goes wrong, in order.
ROAD: Final = tuple(state for state in State if state is not State.CANCELLED)

# Neighbours on the road: the stages whose times are measured.
STAGES: Final = tuple(pairwise(ROAD))


def next_state(current: State, action: Action, *, order: str = "") -> State:
    """Return the state that `action` leads to, or raise `IllegalTransitionError`."""
    try:
        return LIFECYCLE[current][action]
    except KeyError:
        raise IllegalTransitionError(
            order=order,
            state=current.value,
            action=action.value,
            allowed=tuple(each.value for each in LIFECYCLE[current]),
        ) from None


@cache
def walk(current: State, goal: State) -> tuple[tuple[State, Action, State], ...]:
    """Return the legal steps from `current` to `goal`; empty when it is there.

    Raises:
        ValueError: no legal walk exists, so the caller derived an impossible state.
    """
    steps: list[tuple[State, Action, State]] = []
    at = current
    while at is not goal:
        step = _step_towards(at, goal)
        steps.append(step)
        at = step[2]
    return tuple(steps)


def _step_towards(at: State, goal: State) -> tuple[State, Action, State]:
    # Evidence first: what left is further on than what may go on.
    moves = {**CORRECTIONS.get(at, {}), **LIFECYCLE[at]}
    for action, target in moves.items():
        if target is goal and target is not at:
            return at, action, target
    for action, target in moves.items():
        onward = target not in {at, State.CANCELLED}
        if onward and goal is not State.CANCELLED and ROAD.index(target) <= ROAD.index(goal):
            return at, action, target
    message = f"no legal walk from {at.value} to {goal.value}"
    raise ValueError(message)
