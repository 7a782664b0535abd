"""What may be asked of a batch in which state, and who must agree to a large one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.domain.desk.batch_errors import (
    BatchEmptyError,
    BatchNotConfirmedError,
    BatchNotInStateError,
    BatchRoleRefusedError,
    SecondPersonNeededError,
)
from service.domain.desk.batches import (
    ENDED,
    Batch,
    BatchAct,
    BatchState,
    BatchStep,
    BatchTemplate,
    Limits,
    Member,
    MemberState,
    Selection,
)
from service.domain.desk.workflows import Effect, EffectKind
from service.domain.lifecycle import State
from tests.builders import EVENING, NOON

LIMITS = Limits(typed_above=10, two_people_above=20)
MATRIX = """
            confirm  pause   resume   cancel     retry    finish
frozen      running  -       -        cancelled  -        -
running     -        paused  -        cancelled  -        done
paused      -        -       running  cancelled  -        -
done        -        -       -        -          running  -
cancelled   -        -       -        -          -        -
"""
HEADS, *ROWS = [line.split() for line in MATRIX.strip().splitlines()]
MOVES = [(row[0], head, row[1 + place]) for row in ROWS for place, head in enumerate(HEADS)]


def a_batch(size: int = 5, state: BatchState = BatchState.FROZEN) -> Batch:
    step = BatchStep("mark", Effect(EffectKind.MILESTONE, {"name": "late"}))
    template = BatchTemplate(
        "late", 1, {"en": "Late"}, frozenset({"operations"}), (State.PAID,), (step,)
    )
    return Batch(
        batch_id="bat-1",
        template=template,
        selection=Selection(tags=("late",)),
        inputs={},
        state=state,
        size=size,
        excluded=0,
        creator="li",
        role="operations",
        created_at=NOON,
    )


@pytest.mark.parametrize(("begin", "act", "end"), MOVES)
def test_a_batch_moves_as_drawn_and_no_other_way(begin: str, act: str, end: str) -> None:
    batch = a_batch(state=BatchState(begin.upper()))
    asked = BatchAct(act.upper())

    def move() -> Batch:
        if asked is BatchAct.CONFIRM:
            return batch.confirm("li", "", LIMITS, at=EVENING)
        return batch.acted(asked, at=EVENING)

    if end == "-":
        with pytest.raises(BatchNotInStateError) as refused:
            move()
        assert refused.value.values["allowed_acts"] == ",".join(batch.allowed)
    else:
        moved = move()
        assert moved.state.value == end.upper()
        assert moved.version == batch.version + 1
        assert (moved.ended_at is not None) == (moved.state in ENDED)


def test_a_small_batch_needs_no_more_than_a_yes() -> None:
    running = a_batch(10).confirm("li", "", LIMITS, at=EVENING)

    assert (running.state, running.confirmer) == (BatchState.RUNNING, "li")


def test_a_larger_batch_is_confirmed_by_typing_what_it_is() -> None:
    for typed in ("", "yes", "late 12", "11"):
        with pytest.raises(BatchNotConfirmedError):
            a_batch(11).confirm("li", typed, LIMITS, at=EVENING)

    assert a_batch(11).confirm("li", "late 11", LIMITS, at=EVENING).confirmer == "li"


def test_two_people_must_agree_to_the_largest() -> None:
    with pytest.raises(SecondPersonNeededError):
        a_batch(21).confirm("li", "late 21", LIMITS, at=EVENING)
    with pytest.raises(BatchNotConfirmedError):
        a_batch(21).confirm("wang", "", LIMITS, at=EVENING)

    running = a_batch(21).confirm("wang", "late 21", LIMITS, at=EVENING)
    assert (running.creator, running.confirmer) == ("li", "wang")


def test_nobody_runs_a_batch_of_nothing() -> None:
    with pytest.raises(BatchEmptyError):
        a_batch(0).confirm("li", "", LIMITS, at=EVENING)


def test_a_template_is_for_its_roles() -> None:
    a_batch().template.refuse_role("operations")
    with pytest.raises(BatchRoleRefusedError):
        a_batch().template.refuse_role("warehouse")


def test_a_selection_of_nothing_but_a_condition_would_take_every_order() -> None:
    assert Selection(condition="order.amount > 1.0").is_empty
    assert not Selection(tags=("late",)).is_empty


def test_an_order_that_failed_goes_on_at_its_step() -> None:
    member = Member(
        batch_id="bat-1",
        order_id="ord-1",
        position=1,
        number="1",
        state=MemberState.WAITING,
        due_at=NOON,
        changed_at=NOON,
    )

    half = member.after(1, of=3, at=EVENING)
    failed = half.failed("ORDER_ON_HOLD", "it is on hold", at=EVENING)
    done = replace(failed, state=MemberState.WAITING).after(3, of=3, at=EVENING)

    assert (half.state, half.next_step) == (MemberState.WAITING, 1)
    assert (failed.state, failed.next_step, failed.attempts) == (MemberState.FAILED, 1, 1)
    assert (done.state, done.reason, done.attempts) == (MemberState.DONE, "", 1)
