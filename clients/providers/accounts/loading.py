"""Reads the accounts file: all of it, or every problem of it at once."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import yaml

from clients.providers.accounts.account import Account
from clients.providers.accounts.kind import Kind
from clients.providers.accounts.kinds import KINDS
from clients.providers.accounts.values import Sources, ValueProblemsError, address

NAME: Final = re.compile(r"[a-z0-9-]{1,40}")
KEYS: Final = ("public_url", "accounts")


class AccountsError(Exception):
    """The accounts file cannot be used; `problems` names all that is wrong, and what to do."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Accounts:
    """Every merchant account, as the file and the keys were when they were read."""

    public_url: str
    all: tuple[Account, ...]
    files: frozenset[Path] = field(repr=False)
    """What was read; when one of them changes, this is out of date."""

    def find(self, provider: str, name: str) -> Account | None:
        """Return the account of that name, if there is one."""
        return self._by_name.get((provider, name))

    def of(self, provider: str) -> tuple[Account, ...]:
        """Return a provider's accounts, in the order of the file."""
        return tuple(each for each in self.all if each.provider == provider)

    @cached_property
    def _by_name(self) -> Mapping[tuple[str, str], Account]:
        return {(each.provider, each.name): each for each in self.all}


def load(path: Path, environ: Mapping[str, str]) -> Accounts:
    """Read the accounts file, and the secrets that it names.

    Raises:
        AccountsError: with every problem of the file and of the secrets.
    """
    accounts, problems, _ = read(path, environ)
    if accounts is None:
        raise AccountsError(problems)
    return accounts


def read(
    path: Path, environ: Mapping[str, str]
) -> tuple[Accounts | None, tuple[str, ...], frozenset[Path]]:
    """Return the accounts or the problems, and which files were asked for either way."""
    sources = Sources(path.parent, environ, {path})
    problems: list[str] = []
    content = _content(path, problems)
    public_url = ""
    accounts: list[Account] = []
    if content is not None:
        public_url = _public_url(content, sources, problems)
        problems += [
            f"{key} is no setting; there are {', '.join(KEYS)}"
            for key in content
            if key not in KEYS
        ]
        accounts = _accounts(content.get("accounts"), public_url, sources, problems)
    files = frozenset(sources.files)
    if problems:
        return None, tuple(problems), files
    return Accounts(public_url, tuple(accounts), files), (), files


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice: YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002  # PyYAML's signature.
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for index, key in enumerate(keys):
            if key in keys[:index]:
                problem = f"{key!r} stands twice"
                raise yaml.constructor.ConstructorError(
                    None, None, problem, node.value[index][0].start_mark
                )
        return super().construct_mapping(node, deep=deep)


def _content(path: Path, problems: list[str]) -> dict[str, object] | None:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506  # A SafeLoader.
    except OSError as error:
        problems.append(f"{path} cannot be read: {error.strerror or type(error).__name__}")
        return None
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark is not None else ""
        # Only our own words: the parser's may repeat a secret that stands in the file.
        twice = getattr(error, "problem", "") or ""
        reason = twice if twice.endswith("stands twice") else "is no readable YAML"
        problems.append(f"{path}{place}: {reason}")
        return None
    if not isinstance(content, dict):
        problems.append(f"{path} must have public_url and accounts")
        return None
    return content


def _public_url(content: dict[str, object], sources: Sources, problems: list[str]) -> str:
    try:
        return address(content.get("public_url"), sources)
    except ValueProblemsError as error:
        problems += [f"public_url {text}" for _, text in error.problems]
        return ""


def _accounts(
    entries: object, public_url: str, sources: Sources, problems: list[str]
) -> list[Account]:
    if not isinstance(entries, list):
        problems.append("accounts must be a list, each with name and provider")
        return []
    found: list[Account] = []
    seen: dict[tuple[str, str], int] = {}
    for index, entry in enumerate(entries):
        place = f"accounts[{index}]"
        head = _head(entry, place, problems)
        if head is None:
            continue
        name, kind = head
        if (kind.provider, name) in seen:
            earlier = seen[kind.provider, name]
            problems.append(f"{place}.name is that of accounts[{earlier}] already; choose another")
        seen.setdefault((kind.provider, name), index)
        values = _values(entry, kind, place, sources, problems)
        if values is not None:
            callback_url = f"{public_url}/callbacks/{kind.provider}/{name}"
            found.append(kind.make(name=name, callback_url=callback_url, **values))
    return found


def _head(entry: object, place: str, problems: list[str]) -> tuple[str, Kind] | None:
    if not isinstance(entry, dict):
        problems.append(f"{place} must be a mapping with name and provider")
        return None
    name, provider = entry.get("name"), entry.get("provider")
    if not isinstance(name, str) or NAME.fullmatch(name) is None:
        name = None
        problems.append(f"{place}.name must be 1 to 40 lower-case letters, digits and `-`")
    kind = KINDS.get(provider) if isinstance(provider, str) else None
    if kind is None:
        problems.append(f"{place}.provider must be one of {', '.join(KINDS)}")
    return None if name is None or kind is None else (name, kind)


def _values(
    entry: dict[str, object], kind: Kind, place: str, sources: Sources, problems: list[str]
) -> dict[str, Any] | None:
    """Return the values of an account, read by its kind's table; None after a problem."""
    found: dict[str, Any] = {}
    own: list[str] = []
    for key, setting in kind.settings.items():
        if key not in entry:
            if setting.is_needed:
                own.append(f".{key} is missing: {setting.meaning}")
            continue
        try:
            found[key] = setting.read(entry[key], sources)
        except ValueProblemsError as error:
            own += [f".{key}{deeper} {text}" for deeper, text in error.problems]
    known = ("name", "provider", *kind.settings)
    own += [
        f".{key} is no setting of {kind.provider}; there are {', '.join(known)}"
        for key in entry
        if key not in known
    ]
    if not own:
        try:
            return kind.settle(found)
        except ValueProblemsError as error:
            own += [f"{deeper} {text}" for deeper, text in error.problems]
    problems += [place + each for each in own]
    return None
