"""What worlds reached, beside what there is to reach."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from service import catalogue
from service.application.idempotency import REFUSALS
from service.domain import stock_errors
from service.domain.channels import errors as channel_errors
from service.domain.customers import errors as customer_errors
from service.domain.desk import batch_errors
from service.domain.desk import errors as desk_errors
from service.domain.errors import OrderError
from service.domain.facts import Outcome
from service.domain.imports import errors as import_errors
from service.domain.lifecycle import CORRECTIONS, LIFECYCLE
from service.domain.reconciling import errors as reconciling_errors

# Readers and the outbox's desk raise these; nothing that is simulated does.
OF_THE_EDGES: Final = frozenset({"CURSOR_INVALID", "RECEIPT_NOT_FOUND", "STREAM_NOT_PARKED"})
# Worlds have plain cases, and neither workflows nor batches nor notices: these have tests of their
# own, with their data.
OF_THE_DESK: Final = frozenset(
    each.reason
    for module in (
        batch_errors,
        channel_errors,
        customer_errors,
        desk_errors,
        import_errors,
        reconciling_errors,
        stock_errors,
    )
    for each in vars(module).values()
    if isinstance(each, type) and issubclass(each, OrderError) and each is not OrderError
) | {
    "CONDITION_FAILED",
    "NOTICE_NOT_FOUND",
    "NOTICE_NOT_RESENDABLE",
    "NOTICE_NOT_UNCERTAIN",
    "SENDING_ENDED",
    "WORKFLOW_NOT_FOUND",
}
MOVES_LEAST: Final = 0.95

# What must have gone wrong now and then.
FAULTS: Final = (
    "conflict",
    "unknown",
    "dies before",
    "dies after",
    "outage",
    "broker lost",
    "relay replaced",
    "repeat dropped",
    "gap left alone",
)

DECLARED: Final = {
    "move": frozenset(
        f"{begin.value} {action.value} {end.value}"
        for table in (LIFECYCLE, CORRECTIONS)
        for begin, moves in table.items()
        for action, end in moves.items()
    ),
    "refusal": frozenset(REFUSALS) - OF_THE_EDGES - OF_THE_DESK,
    "receipt": frozenset(each.value for each in Outcome),
    "case": frozenset(catalogue.load().types),
}


def missing(reached: Counter[str], kind: str) -> list[str]:
    """Return what of a kind was never reached."""
    return sorted(each for each in DECLARED[kind] if not reached[f"{kind} {each}"])


def shortfalls(reached: Counter[str]) -> Iterator[str]:
    """Yield why so little was reached that a clean run proves little."""
    moves = missing(reached, "move")
    if len(moves) > len(DECLARED["move"]) * (1 - MOVES_LEAST):
        yield f"moves never made: {', '.join(moves)}"
    if refusals := missing(reached, "refusal"):
        yield f"refusals never given: {', '.join(refusals)}"
    if faults := [each for each in FAULTS if not reached[each]]:
        yield f"faults never injected: {', '.join(faults)}"


def report(reached: Counter[str]) -> Iterator[str]:
    """Yield lines: how much of each kind was reached, and how often the rest happened."""
    for kind, declared in DECLARED.items():
        lacking = missing(reached, kind)
        told = f"; never: {', '.join(lacking)}" if lacking else ""
        yield f"{kind + 's':<10} {len(declared) - len(lacking)} of {len(declared)}{told}"
    kinds = tuple(f"{kind} " for kind in DECLARED)
    others = {name: count for name, count in reached.items() if not name.startswith(kinds)}
    yield ", ".join(f"{name} {count:,}" for name, count in sorted(others.items()))
