"""Loads the rules that ship with Concord: `streams/rules/*.yaml`."""

from __future__ import annotations

from importlib import resources

import yaml

from streams.logic.rules import Rule, RuleEngine, RuleError


def load_rules() -> RuleEngine:
    """Return the shipped rules, compiled and type-checked, or raise `RuleError`."""
    rules: list[Rule] = []
    folder = resources.files("streams").joinpath("rules")
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if file.name.endswith(".yaml"):
            for entry in yaml.safe_load(file.read_text(encoding="utf-8")):
                rules.append(_rule(entry))
    return RuleEngine(rules)


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
