"""How one value of the accounts file is read, and what is said when it is not what it should be.

A secret stands in a file or in the environment, never in the accounts file; and no text of a
problem repeats a value that could be one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from clients.providers.keys import KeyUnreadableError

# Keys are a few KiB, a bundle of roots some ten; more is the wrong file.
FILE_BYTES_MAX: Final = 256 * 1024
WHERE_SECRETS_ARE: Final = "must be {file: path} or {env: NAME}"

T = TypeVar("T")


class ValueProblemsError(Exception):
    """The value is not what it should be: problems, each with its place below the value."""

    def __init__(self, *problems: tuple[str, str]) -> None:
        super().__init__("; ".join(text for _, text in problems))
        self.problems = problems


@dataclass(frozen=True)
class Sources:
    """Where secrets come from, and which files were asked for."""

    folder: Path
    environ: Mapping[str, str]
    files: set[Path] = field(default_factory=set)

    def secret(self, value: object) -> bytes:
        """Return what the named file or variable holds, without white space around it."""
        if not isinstance(value, dict) or len(value) != 1 or not {"file", "env"} & value.keys():
            inline = "; a secret does not stand in this file" if isinstance(value, str) else ""
            raise ValueProblemsError(("", WHERE_SECRETS_ARE + inline))
        kind, name = next(iter(value.items()))
        if not isinstance(name, str) or not name:
            raise ValueProblemsError((f".{kind}", "must be a name"))
        content = self._variable(name) if kind == "env" else self._file(name)
        if not content.strip():
            raise ValueProblemsError((f".{kind}", f"{name} is empty; put the secret there"))
        return content.strip()

    def _variable(self, name: str) -> bytes:
        if name not in self.environ:
            raise ValueProblemsError((".env", f"{name} is not set; set it, or name a file"))
        return self.environ[name].encode("utf-8", "surrogateescape")

    def _file(self, name: str) -> bytes:
        path = self.folder / name
        self.files.add(path)
        try:
            with path.open("rb") as file:
                content = file.read(FILE_BYTES_MAX + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "that is no path"
            raise ValueProblemsError((".file", f"{name} cannot be read: {reason}")) from error
        if len(content) > FILE_BYTES_MAX:
            raise ValueProblemsError((".file", f"{name} is far too long for a key"))
        return content


Read = Callable[[object, Sources], Any]


def text(pattern: str, meaning: str) -> Read:
    """Read text of a pattern; numbers must be quoted, or YAML would spoil their zeros."""

    def read(value: object, _: Sources) -> str:
        if isinstance(value, int | float):
            raise ValueProblemsError(("", f"must be text, so put it in quotes: {meaning}"))
        if not isinstance(value, str) or re.fullmatch(pattern, value) is None:
            raise ValueProblemsError(("", f"must be {meaning}"))
        return value

    return read


def address(value: object, _: Sources) -> str:
    """Read an address with scheme and host; one slash at its end is dropped."""
    problem = ValueProblemsError(("", "must be an address such as https://host/path, no query"))
    if not isinstance(value, str) or not value.isascii():
        raise problem
    try:
        parts = urlsplit(value)
        port_is_sound = parts.port is None or parts.port > 0
    except ValueError:
        raise problem from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_sound:
        raise problem
    if parts.query or parts.fragment or parts.username is not None or " " in value:
        raise problem
    return value.removesuffix("/")


def secret_text(pattern: str, meaning: str) -> Read:
    """Read a secret of ASCII text."""

    def read(value: object, sources: Sources) -> str:
        content = sources.secret(value)
        if not content.isascii() or re.fullmatch(pattern, content.decode()) is None:
            raise ValueProblemsError(("", f"must hold {meaning}"))
        return content.decode()

    return read


def secret_of(parse: Callable[[bytes], T]) -> Read:
    """Read a key; `parse` makes it of the secret's bytes."""

    def read(value: object, sources: Sources) -> T:
        try:
            return parse(sources.secret(value))
        except KeyUnreadableError as error:
            raise ValueProblemsError(("", str(error))) from error

    return read


def several(one: Read) -> Read:
    """Read one value, or a list of them that is not empty; gives a tuple."""

    def read(value: object, sources: Sources) -> tuple[Any, ...]:
        values = value if isinstance(value, list) else [value]
        if not values:
            raise ValueProblemsError(("", "must name at least one"))
        places = [
            (f"[{index}]" if isinstance(value, list) else "", each)
            for index, each in enumerate(values)
        ]
        return tuple(_each(one, places, sources))

    return read


def by_name(one: Read) -> Read:
    """Read values under names; gives pairs."""

    def read(value: object, sources: Sources) -> tuple[tuple[str, Any], ...]:
        if not isinstance(value, dict) or not value:
            raise ValueProblemsError(("", "must name at least one, as name: {file: path}"))
        if not all(isinstance(name, str) for name in value):
            raise ValueProblemsError(("", "has a name that is no text; put it in quotes"))
        places = [(f'["{name}"]', each) for name, each in value.items()]
        return tuple(zip(value, _each(one, places, sources), strict=True))

    return read


def _each(one: Read, places: list[tuple[str, object]], sources: Sources) -> list[Any]:
    found, problems = [], []
    for place, value in places:
        try:
            found.append(one(value, sources))
        except ValueProblemsError as error:
            problems += [(place + deeper, what) for deeper, what in error.problems]
    if problems:
        raise ValueProblemsError(*problems)
    return found
