"""Writes the lifecycle as the model checker reads it: names, moves, walks, and what facts prove."""

from __future__ import annotations

from collections.abc import Iterator

from service.domain.facts import FACT_OF_ACTION, PROVES, FactKind
from service.domain.lifecycle import LIFECYCLE, ROAD, Action, State, walk
from tests.builders import a_fact, a_truth

STATES = list(State)
ACTIONS = list(Action)
# What undoes a cancel proves no state of its own; its bit comes after those of the states.
LIFTED = 1 << (len(STATES) - 1)

# The facts behind the bits, in the order of their bits, each with the minute of its happening.
BITS = (
    (FactKind.PAYMENT_STARTED, 1),
    (FactKind.PAYMENT_SUCCEEDED, 2),
    (FactKind.STOCK_ALLOCATED, 3),
    (FactKind.PARCEL_SHIPPED, 4),
    (FactKind.PARCEL_DELIVERED, 5),
    (FactKind.ORDER_COMPLETED, 6),
    (FactKind.ORDER_CANCELLED, 7),
    (FactKind.ORDER_REINSTATED, 8),
)


def lifecycle_table() -> str:
    """Return definitions of the model's names, as the code has them."""
    assert [PROVES[kind] for kind, _ in BITS[:-1]] == STATES[1:]
    assert (*ROAD, State.CANCELLED) == tuple(STATES)
    return "\n".join(
        (
            *(f"#define {each.value} {number}" for number, each in enumerate(STATES)),
            *(f"#define F_{each.value} {bit(each)}" for each in STATES[1:]),
            f"#define F_LIFTED {LIFTED}",
            *(f"#define {each.value} {number}" for number, each in enumerate(ACTIONS)),
            f"#define ACTIONS {len(ACTIONS)}",
            "#define NO_STATE 255",
            f"#define TARGET(state, action) {chosen(targets(), 'NO_STATE')}",
            f"#define WALKS(begin, end) {either(walks())}",
            f"#define PROOF(action) {chosen(proofs(), '0')}",
            f"hidden byte proven[{1 << len(BITS)}];",
            "inline tabulate_truths() {",
            *(f"    proven[{number}] = {state.value};" for number, state in truths()),
            "    skip",
            "}",
            "",
        )
    )


def bit(state: State) -> int:
    """Return the bit of the fact that proves a state."""
    return 1 << (STATES.index(state) - 1)


def targets() -> Iterator[tuple[str, str]]:
    """Yield each legal move: when it applies, and where it leads."""
    for state, moves in LIFECYCLE.items():
        for action, target in moves.items():
            yield f"(state) == {state.value} && (action) == {action.value}", target.value


def walks() -> Iterator[str]:
    """Yield each pair of states between which there is a legal walk."""
    for begin in STATES:
        for end in STATES:
            try:
                walk(begin, end)
            except ValueError:
                continue
            yield f"((begin) == {begin.value} && (end) == {end.value})"


def proofs() -> Iterator[tuple[str, str]]:
    """Yield the bit of the fact that each accepted action becomes."""
    kinds = [kind for kind, _ in BITS]
    for action, kind in FACT_OF_ACTION.items():
        if kind in kinds:
            yield f"(action) == {action.value}", str(1 << kinds.index(kind))


def truths() -> Iterator[tuple[int, State]]:
    """Yield every set of facts, and what the code derives from it."""
    for number in range(1 << len(BITS)):
        facts = [
            a_fact(kind, minute=minute)
            for place, (kind, minute) in enumerate(BITS)
            if number >> place & 1
        ]
        yield number, a_truth(a_fact(), *facts).state


def chosen(cases: Iterator[tuple[str, str]], otherwise: str) -> str:
    """Return an expression that has the value of the first case that applies."""
    text = otherwise
    for condition, value in reversed(list(cases)):
        text = f"(({condition}) -> {value} : {text})"
    return text


def either(conditions: Iterator[str]) -> str:
    """Return an expression that is true where one of these is."""
    return f"({' || '.join(conditions)})"
