"""Makes frozen values as quickly as others, in processes that only simulate.

A frozen dataclass sets each field through `object.__setattr__`, which takes most of the time of
making one; here that is a sixth of everything. Nobody changes a value all the same: mypy looks
at every assignment, and the worlds of `make test` run on frozen values.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from dataclasses import Field, field, fields, is_dataclass, make_dataclass
from functools import cache
from operator import attrgetter
from typing import Any, Final, TypeVar

T = TypeVar("T")

OURS: Final = ("service.", "streams.", "tests.")


def thaw() -> int:
    """Give every frozen dataclass of ours a plain `__init__`; return how many there were."""
    ours = [module for name, module in sys.modules.items() if name.startswith(OURS)]
    found = {each for module in ours for each in vars(module).values() if _is_frozen(each)}
    for kind in found:
        del kind.__setattr__, kind.__delattr__
        kind.__init__ = _plain_init(kind)
    for module in ours:
        if vars(module).get("replace") is dataclasses.replace:
            vars(module)["replace"] = replace
    return len(found)


def replace(value: T, /, **changes: object) -> T:
    """Return the value with some fields changed, as `dataclasses.replace` does."""
    kind: type[Any] = type(value)
    changed: T = kind(*_values_of(kind)(value))
    for name, each in changes.items():
        setattr(changed, name, each)
    if hasattr(kind, "__post_init__"):
        changed.__post_init__()  # type: ignore[attr-defined]  # It has one.
    return changed


@cache
def _values_of(kind: type[Any]) -> Callable[[Any], tuple[Any, ...]]:
    names = [each.name for each in fields(kind)]
    if len(names) == 1:
        return lambda value: (getattr(value, names[0]),)
    return attrgetter(*names)


def _is_frozen(thing: object) -> bool:
    return (
        isinstance(thing, type)
        and is_dataclass(thing)
        and thing.__module__.startswith(OURS)
        # The class itself, not one that it inherits from.
        and "__setattr__" in vars(thing)
    )


def _plain_init(kind: type[Any]) -> Any:  # noqa: ANN401  # As `__init__` is typed.
    given = {"__post_init__": kind.__post_init__} if hasattr(kind, "__post_init__") else {}
    twin = make_dataclass(
        kind.__name__, [(each.name, object, _again(each)) for each in fields(kind)], namespace=given
    )
    return vars(twin)["__init__"]


def _again(each: Field[Any]) -> Any:  # noqa: ANN401  # As `field` is typed.
    if each.default_factory is not dataclasses.MISSING:
        return field(default_factory=each.default_factory, init=each.init, kw_only=each.kw_only)
    return field(default=each.default, init=each.init, kw_only=each.kw_only)
