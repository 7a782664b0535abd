"""The fake service that we give to users of the SDK moves orders as the real one does."""

from __future__ import annotations

from clients.sdk.fake_orders import MOVES
from service.domain.lifecycle import LIFECYCLE


def test_the_fakes_moves_are_the_lifecycle() -> None:
    table = {
        (state.value, action.value, target.value)
        for state, moves in LIFECYCLE.items()
        for action, target in moves.items()
    }
    fakes = {
        (start, action, target or start)
        for action, starts, target in MOVES.values()
        for start in starts
    }

    assert fakes == table


def test_every_move_is_asked_for_by_one_method() -> None:
    actions = [action for action, _, _ in MOVES.values()]

    assert len(actions) == len(set(actions))
