"""Loads the rules that ship with Concord: `streams/rules/*.yaml`."""

from __future__ import annotations

from importlib import resources
from typing import Final

import yaml

from streams.logic.rules import PERSON_VALUES, Rule, RuleEngine, RuleError

# Whom a rule is about: one account at one channel, or the person behind all of theirs.
ABOUT: Final = ("account", "person")


def load_rules() -> RuleEngine:
    """Return the rules about accounts, compiled and type-checked, or raise `RuleError`."""
    return RuleEngine(_shipped("account"))


def load_person_rules() -> RuleEngine:
    """Return the rules about people, compiled and type-checked, or raise `RuleError`."""
    return RuleEngine(_shipped("person"), PERSON_VALUES)


def _shipped(about: str) -> list[Rule]:
    rules: list[Rule] = []
    folder = resources.files("streams").joinpath("rules")
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if file.name.endswith(".yaml"):
            for entry in yaml.safe_load(file.read_text(encoding="utf-8")):
                told = entry.get("about", "account")
                if told not in ABOUT:
                    raise RuleError(f"{entry.get('id')}: about {told} is none of {ABOUT}")
                if told == about:
                    rules.append(_rule(entry))
    return rules


def _rule(entry: dict[str, object]) -> Rule:
    try:
        inputs = entry["inputs"]
        if not isinstance(inputs, list):
            raise RuleError(f"{entry['id']}: inputs is no list")
        return Rule(
            id=str(entry["id"]),
            version=int(str(entry["version"])),
            when=str(entry["when"]),
            action=str(entry["action"]),
            inputs=tuple(str(name) for name in inputs),
        )
    except KeyError as error:
        raise RuleError(f"{entry.get('id', 'a rule')}: {error} is missing") from error
