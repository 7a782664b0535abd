"""Takes template data apart, and says of data that does not fit where it stands and what would fit.

A misspelt key in a template would silently lose a field of every message; so every mapping names
the keys that it may have.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TypeVar

from streams.logic.normalising.refusals import TemplateError

_T = TypeVar("_T")


@contextmanager
def within(key: str | int) -> Iterator[None]:
    """Add a key or an index to the trail of what is refused inside."""
    try:
        yield
    except TemplateError as error:
        for each in error.all:
            each.trail.insert(0, key)
        raise


def maybe(make: Callable[[object], _T], data: Mapping[str, object], key: str) -> _T | None:
    """Return what is made of the value under a key; None where there is none."""
    if data.get(key) is None:
        return None
    with within(key):
        return make(data[key])


def needed(make: Callable[[object], _T], data: Mapping[str, object], key: str) -> _T:
    """Return what is made of the value under a key that must be there."""
    if data.get(key) is None:
        raise TemplateError(f"{key} is missing here.")
    with within(key):
        return make(data[key])


def every(make: Callable[[object], _T], data: Mapping[str, object], key: str) -> tuple[_T, ...]:
    """Return what is made of each element of the list under a key; none where there is no list."""
    with within(key):
        return each_of(make, listed(data.get(key)))


def each_of(make: Callable[[object], _T], values: Iterable[object]) -> tuple[_T, ...]:
    """Return what is made of each value; mistakes in several are told together."""
    made: list[_T] = []
    wrong: list[TemplateError] = []
    for index, value in enumerate(values):
        try:
            with within(index):
                made.append(make(value))
        except TemplateError as error:
            wrong += error.all
    together(wrong)
    return tuple(made)


def together(wrong: Sequence[TemplateError]) -> None:
    """Refuse mistakes as one, if there are any."""
    if wrong:
        first, *rest = wrong
        first.others = rest
        raise first


def mapping(value: object, allowed: set[str] | None) -> dict[str, object]:
    """Return a mapping that has no other keys than these; None allows any text."""
    if not isinstance(value, dict):
        told = "nothing is here" if value is None else f"not {value!r}"
        raise TemplateError(f"Names with values (name: value) belong here; {told}.")
    for key in value:
        if not isinstance(key, str):
            with within(str(key)):
                raise TemplateError(f'A name is text: write "{key}" with quotes around it.')
    unknown = [key for key in value if allowed is not None and key not in allowed]
    wrong = [TemplateError(f"Unknown key {key}. {_instead(key, allowed or ())}") for key in unknown]
    for error, key in zip(wrong, unknown, strict=True):
        error.trail.append(key)
    together(wrong)
    return value


def member(members: Mapping[str, _T], name: str) -> _T:
    """Return the member of this name."""
    if name not in members:
        raise TemplateError(f"{name!r} is not known here. {_instead(name, members)}")
    return members[name]


def _instead(name: str, known: Iterable[str]) -> str:
    words = sorted(known)
    near = get_close_matches(name, words, n=1)
    return f"Write {near[0]}." if near else f"Write one of: {', '.join(words)}."


def listed(value: object) -> list[object]:
    """Return a list; nothing is an empty one."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise TemplateError(f"A list belongs here, not {value!r}.")
    return value


def strings(value: object) -> tuple[str, ...]:
    """Return one text or several."""
    found = tuple(value) if isinstance(value, list) else (value,)
    if not found or not all(isinstance(each, str) for each in found):
        raise TemplateError(f"A text, or a list of them, belongs here, not {value!r}.")
    return found


def string(data: Mapping[str, object], key: str, default: str | None = None) -> str:
    """Return the text under a key."""
    value = data.get(key, default)
    if isinstance(value, str):
        return value
    if key not in data:
        raise TemplateError(f"{key} is missing here.")
    with within(key):
        raise TemplateError(f"{key} is text, not {value!r}.")
