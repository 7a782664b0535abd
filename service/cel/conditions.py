"""Checks and judges conditions with Google's CEL, on the names of `facts.py`.

What fails while it is judged comes back from CEL as a value: it is an error here, never true.
Macros that loop are refused, so that a condition takes time by its length alone.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from cel_expr_python import cel  # type: ignore[import-untyped]  # it has types, and no py.typed

from service.application.conditions import ConditionProblem
from service.cel.advice import problem_of
from service.cel.facts import FACTS, Kind
from service.domain.errors import ConditionFailedError

# A condition is a line or two; what is longer belongs into several steps.
LENGTH_MAX: Final = 1_000
# Workflows of one installation have some hundred conditions.
COMPILED_MAX: Final = 2_048

_TYPES: Final[Mapping[Kind, cel.Type]] = {
    Kind.TEXT: cel.Type.STRING,
    Kind.DECIMAL: cel.Type.DOUBLE,
    Kind.WHOLE: cel.Type.INT,
    Kind.TRUTH: cel.Type.BOOL,
    Kind.TEXTS: cel.Type.List(cel.Type.STRING),
    Kind.MOMENT: cel.Type.TIMESTAMP,
}
# What stands for what is not known; CEL has no empty moment.
_READ: Final[Mapping[Kind, Callable[[Any], object]]] = {
    Kind.TEXT: lambda value: str(value or ""),
    Kind.DECIMAL: lambda value: float(value or 0),
    Kind.WHOLE: lambda value: int(value or 0),
    Kind.TRUTH: bool,
    Kind.TEXTS: lambda value: list(value or ()),
    Kind.MOMENT: lambda value: value or datetime(1970, 1, 1, tzinfo=UTC),
}

_STRINGS: Final = re.compile(r"""\"(?:\\.|[^"\\])*\"|'(?:\\.|[^'\\])*'""")
_LOOPS: Final = re.compile(r"\.\s*(all|exists|exists_one|map|filter)\s*\(")


class CelConditions:
    """Judges conditions; each text is compiled once."""

    def __init__(self) -> None:
        """Declare what conditions may name."""
        self._env = cel.NewEnv(variables={name: _TYPES[of.kind] for name, of in FACTS.items()})
        self._compiled = lru_cache(maxsize=COMPILED_MAX)(self._env.compile)

    def check(self, text: str) -> ConditionProblem | None:
        """Return what is wrong with a condition, or None."""
        if len(text) > LENGTH_MAX:
            what = f"the condition has {len(text)} characters"
            return ConditionProblem(1, 1, what, f"write {LENGTH_MAX} at most, or two steps")
        bare = _STRINGS.sub(lambda found: " " * len(found[0]), text)
        if loop := _LOOPS.search(bare):
            return ConditionProblem(
                *_place(text, loop.start() + 1),
                f"`{loop[1]}` goes through a list, which takes too long on a long one",
                'write `"DUPLICATE_CHARGE" in order.discrepancies`, or `size(order.skus) > 3`',
            )
        try:
            found = self._compiled(text).return_type()
        except RuntimeError as error:
            return problem_of(bare, str(error))
        if found != cel.Type.BOOL:
            return ConditionProblem(
                1,
                1,
                f"the condition gives {found.name().lower()}, not true or false",
                "compare it with something, as in `order.amount > 500.0`",
            )
        return None

    def holds(self, text: str, context: Mapping[str, Any]) -> bool:
        """Tell whether a condition holds, or raise `ConditionFailedError`."""
        if not text:
            return True
        if problem := self.check(text):
            raise ConditionFailedError(condition=text, problem=problem.what)
        judged = self._compiled(text).eval(data=_values(context))
        if judged.type() != cel.Type.BOOL:
            raise ConditionFailedError(condition=text, problem=str(judged.value()))
        return bool(judged.value())


def _values(context: Mapping[str, Any]) -> dict[str, object]:
    values = {}
    for name, of in FACTS.items():
        whole, _, part = name.partition(".")
        told = context.get(whole)
        values[name] = _READ[of.kind]((told or {}).get(part) if part else told)
    return values


def _place(text: str, at: int) -> tuple[int, int]:
    before = text[:at]
    return before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1
