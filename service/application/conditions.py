"""What judges the conditions of workflows and batches: CEL, behind a port."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class ConditionProblem:
    """What is wrong with a condition, where in its text, and what to write instead."""

    line: int
    column: int
    what: str
    advice: str


class Conditions(Protocol):
    """Checks and judges conditions on `order`, `case`, `customer`, `stock` and `now`."""

    def check(self, text: str) -> ConditionProblem | None:
        """Return what is wrong with a condition, or None."""

    def holds(self, text: str, context: Mapping[str, Any]) -> bool:
        """Tell whether a condition holds; one without text always does.

        `context` has a mapping for each of `order`, `case`, `customer`, `stock`, and the moment
        `now`; what it leaves out is empty, or zero.

        Raises:
            ConditionFailedError: it cannot be judged, as where it divides by zero.
        """
