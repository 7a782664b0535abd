"""Turns what CEL's compiler says into what to write instead."""

import difflib
import re
from collections.abc import Collection
from typing import Final

from service.application.conditions import ConditionProblem
from service.cel.facts import FACTS

_ERROR: Final = re.compile(r"ERROR: [^:]*:(\d+):(\d+): (.*)")
_NAME: Final = re.compile(r"undeclared reference to '([\w.]+)'")
_OVERLOAD: Final = re.compile(r"no matching overload for '([^']+)' applied to '\(([^']*)\)'")
_WHOLE: Final = re.compile(r"(?<![\w.])(\d+)(?![\w.])")
# What other languages write, and CEL does not know.
_FOREIGN: Final = (
    (re.compile(r"\band\b"), "write `&&` for `and`"),
    (re.compile(r"\bor\b"), "write `||` for `or`"),
    (re.compile(r"\bnot\b"), "write `!` for `not`, as in `!order.is_paid`"),
    (re.compile(r"(?<![=!<>])=(?!=)"), "write `==` for `=`"),
    (re.compile(r"<>"), "write `!=` for `<>`"),
)
_USUAL: Final = 'write a condition such as `order.amount > 500.0 && order.state == "PAID"`'


def problem_of(bare: str, told: str) -> ConditionProblem:
    """Return the first thing that is wrong, with advice. `bare` is the text without strings."""
    found = _ERROR.search(told)
    line, column, what = (int(found[1]), int(found[2]), found[3]) if found else (1, 1, told)
    what = what.removesuffix("[INVALID_ARGUMENT]").strip()
    # CEL counts columns from 1, and names the point before a name's last part.
    if name := _NAME.search(what):
        advice = f"write {nearest(name[1], FACTS)}"
        return ConditionProblem(line, column, f"there is no `{name[1]}`", advice)
    if overload := _OVERLOAD.search(what):
        return ConditionProblem(line, column, *_of_types(bare, overload[1], overload[2]))
    advice = next((advice for sign, advice in _FOREIGN if sign.search(bare)), _USUAL)
    return ConditionProblem(line, column, "this is no condition", advice)


def _of_types(bare: str, operator: str, types: str) -> tuple[str, str]:
    sides = types.split(", ")
    what = f"`{operator.strip('_')}` does not take {' and '.join(sides)}"
    if set(sides) == {"int", "double"}:
        if whole := _WHOLE.search(bare):
            return what, f"write {whole[1]}.0 instead of {whole[1]}"
        return what, "write `double(…)` around the whole number"
    if "bool" in sides:
        return what, "write `order.is_paid`, or `!order.is_paid`: it is true or false already"
    return what, "compare what is of one kind: texts in quotes, amounts as 500.0, counts as 3"


def nearest(name: str, known: Collection[str]) -> str:
    """Return what was likely meant, or everything that is known."""
    near = difflib.get_close_matches(name, known, n=1)
    return ", ".join(f"`{each}`" for each in near or sorted(known))
