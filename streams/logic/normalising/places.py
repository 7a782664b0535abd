"""Finds values in a message: paths, and the record that a path starts from.

A path is field names with dots between them. `^` before it starts from the record around this
one, `[]` after a name means every element of a list, `.` alone is the record itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

from streams.logic.normalising.refusals import TemplateError

MISSING: Final = object()


@dataclass(frozen=True, slots=True)
class Path:
    """A parsed path: how far up, then which names; a name of None means every element."""

    written: str
    up: int
    steps: tuple[str | None, ...]

    @classmethod
    def parse(cls, written: str) -> Self:
        """Return the path, or raise TemplateError."""
        names = written.lstrip("^")
        up = len(written) - len(names)
        steps: list[str | None] = []
        for name in () if names == "." else names.split("."):
            plain = name.removesuffix("[]")
            if not plain or "[" in plain:
                raise TemplateError(f"No path: {written!r}")
            steps.append(plain)
            if plain != name:
                steps.append(None)
        return cls(written, up, tuple(steps))


@dataclass(frozen=True, slots=True)
class Record:
    """One object of a message: what a template's paths start from. `label` says where it was."""

    value: object
    label: str = ""
    around: "Record | None" = None

    def get(self, path: Path) -> object:
        """Return the value there; MISSING where there is none. Null and "" are none."""
        if None in path.steps:
            return next(self.all(path), MISSING)
        # The same for a place that there is once, as almost all are: every value of every message
        # is found here, and a loop takes a third of the time of generators inside each other.
        base = self._base(path)
        value = base.value if base is not None else None
        for step in path.steps:
            value = value.get(step) if isinstance(value, dict) else None
        return MISSING if value is None or value == "" else value

    def is_null(self, path: Path) -> bool:
        """Return whether null is written there, which is another thing than nothing at all."""
        base = self._base(path)
        return base is not None and None in _walk(base.value, path.steps)

    def has(self, path: Path) -> bool:
        """Return whether there is a value; an empty list or object is none."""
        return any(value not in ([], {}) for value in self.all(path))

    def all(self, path: Path) -> Iterator[object]:
        """Yield every value at the path."""
        base = self._base(path)
        if base is not None:
            for value in _walk(base.value, path.steps):
                if value is not None and value != "":
                    yield value

    def label_of(self, path: Path) -> str:
        """Return the path as it reads from the top of the message."""
        base = self._base(path)
        names = path.written.lstrip("^")
        prefix = base.label if base is not None else ""
        if names == ".":
            return prefix or "body"
        return f"{prefix}.{names}" if prefix else names

    def inside(self, path: Path) -> Iterator["Record"]:
        """Yield the records at the path: each element of a list, or the lone object.

        A path through lists leads to one record in each of their elements.
        """
        if None in path.steps:
            for index, each in enumerate(self.all(path)):
                yield Record(each, f"{self.label_of(path)}[{index}]", self)
            return
        value = self.get(path)
        label = "" if path.steps == () and not self.label else self.label_of(path)
        if isinstance(value, list):
            for index, each in enumerate(value):
                yield Record(each, f"{label}[{index}]", self)
        elif value is not MISSING:
            yield Record(value, label, self)

    def _base(self, path: Path) -> "Record | None":
        base: Record | None = self
        for _ in range(path.up):
            base = base.around if base is not None else None
        return base


def _walk(value: object, steps: tuple[str | None, ...]) -> Iterator[object]:
    if not steps:
        yield value
        return
    step, rest = steps[0], steps[1:]
    if step is None:
        for each in value if isinstance(value, list) else ():
            yield from _walk(each, rest)
    elif isinstance(value, dict) and step in value:
        yield from _walk(value[step], rest)
