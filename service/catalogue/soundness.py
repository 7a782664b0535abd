"""Finds what is wrong with a workflow as a whole, by walking every way that a case can take.

A case is at some steps at once, and some have ended. Every act of every step is tried, with every
condition both ways. There are few such positions: ours have up to a few dozen.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from service.domain.desk.workflows import Act, Workflow

# Ten parallel branches of five steps would have millions: nobody could follow such a case.
POSITIONS_MAX: Final = 5_000
# Begins that are tried, some microseconds each. Ours take up to a few hundred.
BEGINS_MAX: Final = 20_000

Problem = tuple[str, str, str]


class Position(NamedTuple):
    """Where a case can be: the steps it is at, and of those that others wait for, the ended."""

    active: frozenset[str]
    ended: frozenset[str]


# The case has ended, whatever its outcome.
OVER: Final = Position(frozenset(), frozenset({""}))


def problems(workflow: Workflow) -> Iterator[Problem]:
    """Yield (step, what is wrong, what to do instead)."""
    if not workflow.start:
        yield "", "no step begins", "write `start: STEP`"
        return
    ways = _Ways(workflow)
    try:
        moves = ways.all()
    except _TooManyError:
        yield "", "there are too many ways through it", "let fewer steps run beside each other"
        return
    for step in sorted(ways.doubled):
        advice = "add `joins:` with the steps that come together there"
        yield step, f"step `{step}` can begin while it runs already", advice
    begun = {step for position in moves for step in position.active} | ways.passed
    for step in workflow.steps:
        if step not in begun:
            yield (
                step,
                f"nothing leads to step `{step}`",
                "name it in `to` of an act, or remove it",
            )
    stuck = sorted(
        step
        for position in moves
        if position is not OVER and not position.active
        for step in ways.waiting
    )
    for step in sorted(set(stuck)):
        joined = ", ".join(f"`{each}`" for each in workflow.steps[step].joins)
        yield (
            step,
            f"a case can wait at step `{step}` for ever, because {joined} need not all have begun",
            "join only steps that always begin beside each other",
        )
    if not stuck:
        yield from _endless(moves)


def _endless(moves: Mapping[Position, frozenset[Position]]) -> Iterator[Problem]:
    before: dict[Position, set[Position]] = {}
    for at, nexts in moves.items():
        for each in nexts:
            before.setdefault(each, set()).add(at)
    ending, ahead = {OVER}, [OVER]
    while ahead:
        fresh = before.get(ahead.pop(), set()) - ending
        ending |= fresh
        ahead.extend(fresh)
    lost = sorted({step for at in moves if at not in ending for step in at.active})
    if lost:
        steps = ", ".join(f"`{each}`" for each in lost)
        yield lost[0], f"a case at {steps} can never end", "give one of their acts an `outcome`"


class _TooManyError(Exception):
    pass


class _Ways:
    def __init__(self, workflow: Workflow) -> None:
        self._workflow = workflow
        self._joined = {each for step in workflow.steps.values() for each in step.joins}
        # Steps that may be passed over, and steps that were asked to begin before their time.
        self.passed: set[str] = set()
        self.waiting: set[str] = set()
        # Steps that were asked to begin while they run.
        self.doubled: set[str] = set()
        self._left = BEGINS_MAX

    def all(self) -> Mapping[Position, frozenset[Position]]:
        """Return where each position leads to, or raise `_TooManyError`."""
        begins = self._begun(Position(frozenset(), frozenset()), self._workflow.start)
        found: dict[Position, frozenset[Position]] = {OVER: frozenset()}
        ahead = list(begins)
        while ahead:
            at = ahead.pop()
            if at in found:
                continue
            nexts = frozenset(
                each
                for step in at.active
                for act in self._workflow.steps[step].acts
                for each in self._after(at, step, act)
            )
            found[at] = nexts
            ahead.extend(nexts)
            if len(found) > POSITIONS_MAX:
                raise _TooManyError
        return found

    def _after(self, at: Position, step: str, act: Act) -> set[Position]:
        if act.outcome:
            return {OVER}
        left = Position(at.active - {step}, at.ended | ({step} & self._joined))
        return self._begun(left, act.to)

    def _begun(self, at: Position, steps: tuple[str, ...]) -> set[Position]:
        positions = {at}
        for name in steps:
            positions = {
                after for position in positions for after in self._begin(position, name, ())
            }
        return positions

    def _begin(self, at: Position, name: str, passed: tuple[str, ...]) -> set[Position]:
        self._left -= 1
        if self._left < 0:
            raise _TooManyError
        step = self._workflow.steps[name]
        if not set(step.joins) <= at.ended:
            self.waiting.add(name)
            return {at}
        if name in at.active:
            self.doubled.add(name)
        begun = Position(at.active | {name}, at.ended - {name})
        if not step.condition or name in passed:
            return {begun}
        self.passed.add(name)
        over = Position(at.active, at.ended | ({name} & self._joined))
        skipped = {over}
        for other in step.skip_to:
            skipped = {
                after
                for position in skipped
                for after in self._begin(position, other, (*passed, name))
            }
        return {begun, *skipped}
