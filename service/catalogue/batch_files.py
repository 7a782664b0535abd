"""Reads the templates of batches (`batches/*.yaml`); each mistake has file, line and advice."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from yaml.nodes import MappingNode, Node, SequenceNode

from service.application.batches import ABOUT_CASES
from service.application.conditions import Conditions
from service.catalogue.effect_files import Known, effects
from service.catalogue.folders import SHIPPED, documents
from service.catalogue.loading import CatalogueError, known_of
from service.catalogue.loading import load as load_catalogue
from service.catalogue.marked import UPPER, Mistake, Reading
from service.cel import CelConditions
from service.domain.desk.batches import (
    STEP_KINDS,
    BatchStep,
    BatchTemplate,
    Exclusion,
    Input,
    InputKind,
)
from service.domain.desk.catalogue import Catalogue
from service.domain.lifecycle import State

NEEDED: Final = ("name", "version", "title", "roles", "states", "steps")
OTHERS: Final = ("inputs", "exclude", "condition")
_KINDS: Final = ", ".join(sorted(f"`{each.value}`" for each in STEP_KINDS))


@cache
def load(name: str = SHIPPED) -> Mapping[str, BatchTemplate]:
    """Return every template by name, as a catalogue has them; see `load_templates`."""
    return load_templates(name, load_catalogue(name), CelConditions())


def load_templates(
    name: str, catalogue: Catalogue, conditions: Conditions
) -> Mapping[str, BatchTemplate]:
    """Return the newest version of every template by name: the shipped, and a folder's over them.

    Raises:
        CatalogueError: with everything that is wrong, each with file, line and advice.
    """
    known = known_of(catalogue)
    found: dict[str, BatchTemplate] = {}
    mistakes: list[Mistake] = []
    for reading, node in documents(name, "batches"):
        template, wrong = read_template(reading, node, known, conditions)
        mistakes += wrong
        before = found.get(template.name) if template else None
        if template and (before is None or before.version <= template.version):
            found[template.name] = template
    if mistakes:
        raise CatalogueError(mistakes)
    return MappingProxyType(found)


def read_template(
    reading: Reading, node: Node | None, known: Known, conditions: Conditions
) -> tuple[BatchTemplate | None, tuple[Mistake, ...]]:
    """Return the template of a document, or everything that is wrong with it."""
    found = _Template(reading, known, conditions).read(node) if node else None
    return (None if reading.mistakes else found), tuple(reading.mistakes)


class _Template:
    def __init__(self, reading: Reading, known: Known, conditions: Conditions) -> None:
        self._reading, self._known, self._conditions = reading, known, conditions

    def read(self, node: Node) -> BatchTemplate:
        reading = self._reading
        parts = reading.fields(node, NEEDED, OTHERS, noun="batch template")
        states = [each.value for each in State]
        roles = self._known.roles or ()
        return BatchTemplate(
            name=reading.name(parts["name"]),
            version=reading.whole(parts["version"], most=10_000),
            title=reading.words(parts["title"]),
            roles=frozenset(reading.several(parts["roles"], roles, "role")),
            states=tuple(State(each) for each in reading.several(parts["states"], states, "state")),
            steps=self._steps(parts["steps"]),
            inputs=self._inputs(parts.get("inputs")),
            exclusions=self._exclusions(parts.get("exclude")),
            condition=self._condition(parts.get("condition")),
        )

    def _steps(self, node: Node) -> tuple[BatchStep, ...]:
        reading = self._reading
        found: dict[str, BatchStep] = {}
        entries = reading.items(node, "list of steps")
        if isinstance(node, MappingNode) or not entries:
            reading.wrong(node, "the template does nothing", "add steps: `- name: calm`, `do: …`")
        for each in entries:
            parts = reading.fields(each, ("name", "do"), noun="step")
            name = reading.name(parts["name"])
            done = effects(reading, _alone(parts["do"]), self._known)
            if name in found:
                reading.wrong(parts["name"], f"there are two steps `{name}`", "name one otherwise")
            for effect in done:
                if effect.kind not in STEP_KINDS:
                    what = f"`{effect.kind.value}` is not for many orders at once"
                    reading.wrong(parts["do"], what, f"write one of {_KINDS}")
                found[name] = BatchStep(name, effect)
        return tuple(found.values())

    def _inputs(self, node: Node | None) -> tuple[Input, ...]:
        if node is None:
            return ()
        reading = self._reading
        kinds = {each.value: each for each in InputKind}
        found = []
        for key, value in reading.pairs(node, "list of inputs"):
            parts = reading.fields(value, ("title",), ("kind", "default"), noun="input")
            kind = reading.one_of(parts["kind"], kinds, "kind") if "kind" in parts else ""
            default = reading.text(parts["default"]) if "default" in parts else None
            asked = kinds.get(kind, InputKind.TEXT)
            if default and asked is InputKind.NUMBER and not default.isdecimal():
                reading.wrong(parts["default"], f"`{default}` is no number", "write one such as 7")
            found.append(Input(reading.name(key), reading.words(parts["title"]), asked, default))
        return tuple(found)

    def _exclusions(self, node: Node | None) -> tuple[Exclusion, ...]:
        if node is None:
            return ()
        reading = self._reading
        found = []
        for each in reading.items(node, "list of exclusions"):
            parts = reading.fields(each, ("reason", "title", "when"), noun="exclusion")
            found.append(
                Exclusion(
                    reading.name(parts["reason"], UPPER),
                    reading.words(parts["title"]),
                    self._condition(parts["when"]),
                )
            )
        return tuple(found)

    def _condition(self, node: Node | None) -> str:
        if node is None:
            return ""
        text = self._reading.text(node, "condition")
        if ABOUT_CASES.search(text):
            advice = "write about `order`, `customer`, `stock` and `now`"
            self._reading.wrong(node, "a batch has no case", advice)
            return text
        problem = self._conditions.check(text) if text else None
        if problem:
            line, column = problem.line - 1, problem.column if problem.line > 1 else 0
            self._reading.wrong(node, problem.what, problem.advice, line=line, column=column)
        return text


def _alone(node: Node) -> Node:
    """Return a list of one: a step does one thing, so that its key stands for that."""
    there = node.start_mark is not None
    return SequenceNode("", [node] if there else [], node.start_mark, node.end_mark)
