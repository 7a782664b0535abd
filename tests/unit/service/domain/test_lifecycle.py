"""The lifecycle, drawn as a picture and compared with the table, cell by cell."""

import pytest

from service.domain.errors import IllegalTransitionError
from service.domain.expectations import MOVERS, STAGE_LIMITS
from service.domain.facts import FACT_OF_ACTION, PROVES
from service.domain.lifecycle import (
    CORRECTIONS,
    FINAL,
    LIFECYCLE,
    ROAD,
    STAGES,
    Action,
    State,
    next_state,
    walk,
)
from service.domain.overdue import MISSING
from service.domain.sentences import STATES_ZH

COLUMNS = {
    "start": Action.START_PAYMENT,
    "confirm": Action.CONFIRM_PAYMENT,
    "allocate": Action.ALLOCATE,
    "approve": Action.APPROVE_OUTBOUND,
    "ship": Action.SHIP,
    "deliver": Action.CONFIRM_DELIVERY,
    "complete": Action.COMPLETE,
    "cancel": Action.CANCEL,
    "reinstate": Action.REINSTATE,
}
MATRIX = """
                   start   confirm  allocate           approve  ship      deliver    complete   cancel         reinstate
pending_payment    paying  -        -                  -        -         -          -          cancelled      -
paying             -       paid     -                  -        -         -          -          cancelled      -
paid               -       -        awaiting_outbound  -        -         -          -          cancelled      -
awaiting_outbound  -       -        -                  stays    shipping  -          -          cancelled      -
shipping           -       -        -                  -        -         delivered  -          -              -
delivered          -       -        -                  -        -         -          completed  -              -
completed          -       -        -                  -        -         -          -          -              -
cancelled          -       -        -                  -        -         -          -          -              paid
"""  # noqa: E501  # A picture is as wide as it is.

HEAD, *ROWS = (row.split() for row in MATRIX.strip("\n").splitlines())
DRAWN = {
    State(name.upper()): dict(zip((COLUMNS[each] for each in HEAD), cells, strict=True))
    for name, *cells in ROWS
}
CELLS = [(state, action) for state in State for action in Action]


def test_the_picture_has_a_row_for_every_state_and_a_column_for_every_action() -> None:
    assert set(DRAWN) == set(State)
    assert {COLUMNS[each] for each in HEAD} == set(Action)


@pytest.mark.parametrize(("state", "action"), CELLS, ids=lambda each: each.value)
def test_each_cell_of_the_picture_is_what_the_table_does(state: State, action: Action) -> None:
    drawn = DRAWN[state][action]

    if drawn == "-":
        with pytest.raises(IllegalTransitionError) as refused:
            next_state(state, action, order="ord-1")
        assert refused.value.metadata() == {
            "order": "ord-1",
            "state": state.value,
            "action": action.value,
            "allowedActions": ",".join(each.value for each in LIFECYCLE[state]),
        }
    else:
        expected = state if drawn == "stays" else State(drawn.upper())
        assert next_state(state, action) is expected


def reachable(start: State) -> set[State]:
    """Return where legal moves lead from a state."""
    found, left = {start}, [start]
    while left:
        for target in LIFECYCLE[left.pop()].values():
            if target not in found:
                found.add(target)
                left.append(target)
    return found


@pytest.mark.parametrize("state", State, ids=lambda each: each.value)
def test_every_state_reaches_a_final_one(state: State) -> None:
    assert reachable(state) & FINAL


def test_every_state_is_reached_from_the_first() -> None:
    assert reachable(State.PENDING_PAYMENT) == set(State)


def test_the_final_states_are_completed_and_cancelled() -> None:
    assert {State.COMPLETED, State.CANCELLED} == FINAL


def test_only_a_parcel_that_left_corrects_a_final_state() -> None:
    assert dict(CORRECTIONS) == {State.CANCELLED: {Action.SHIP: State.SHIPPING}}


def test_no_correction_repeats_a_move_that_commands_may_ask_for() -> None:
    assert not [
        (state, action)
        for state, moves in CORRECTIONS.items()
        for action in moves
        if action in LIFECYCLE[state]
    ]


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        *((begin, end) for at, begin in enumerate(ROAD) for end in ROAD[at:]),
        *((begin, State.CANCELLED) for begin in ROAD[:4]),
        *((State.CANCELLED, end) for end in ROAD[4:]),
    ],
    ids=lambda each: each.value,
)
def test_a_walk_goes_step_by_step_along_declared_moves(begin: State, end: State) -> None:
    steps = walk(begin, end)

    at = begin
    for come_from, action, target in steps:
        assert come_from is at
        assert {**LIFECYCLE[at], **CORRECTIONS.get(at, {})}[action] is target
        at = target
    assert at is end


@pytest.mark.parametrize(
    ("begin", "end"),
    [(begin, end) for at, begin in enumerate(ROAD) for end in ROAD[:at]]
    + [(begin, State.CANCELLED) for begin in ROAD[4:]]
    + [(State.CANCELLED, end) for end in ROAD[:2]],
    ids=lambda each: each.value,
)
def test_no_walk_leads_back(begin: State, end: State) -> None:
    with pytest.raises(ValueError, match="no legal walk"):
        walk(begin, end)


def test_stages_are_neighbours_on_the_road() -> None:
    assert [begin for begin, _ in STAGES] == list(ROAD[:-1])
    assert [end for _, end in STAGES] == list(ROAD[1:])


def test_every_action_becomes_a_fact_that_proves_where_the_action_leads() -> None:
    for state, moves in LIFECYCLE.items():
        for action, target in moves.items():
            proven = PROVES[FACT_OF_ACTION[action]]
            assert proven is target, f"{state.value} {action.value}"


@pytest.mark.parametrize("table", [STAGE_LIMITS, MOVERS, MISSING])
def test_every_state_that_waits_has_a_limit_an_owner_and_a_cause(
    table: dict[State, object],
) -> None:
    assert set(table) == set(State) - FINAL


def test_every_state_has_a_name_in_chinese() -> None:
    assert set(STATES_ZH) == set(State)


def test_the_table_cannot_be_changed_by_whoever_imports_it() -> None:
    with pytest.raises(TypeError):
        LIFECYCLE[State.COMPLETED] = {}  # type: ignore[index]  # that is the point
