"""Loads the catalogue: what is shipped, and over it a folder of one's own.

A folder has `desk.yaml`, and files in `calendars/`, `types/`, `workflows/` and `messages/`, any of
them. What it names anew replaces what is shipped; a workflow is replaced by a higher version.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Final

from yaml.nodes import Node

from service.application.conditions import Conditions
from service.catalogue.calendar_files import Holidays, calendars, holidays
from service.catalogue.effect_files import Known
from service.catalogue.folders import SHIPPED, documents, entries, opened, roots
from service.catalogue.marked import UPPER, Mistake, Reading
from service.catalogue.type_files import Desk, World, case_types, desk
from service.catalogue.workflow_files import workflow
from service.cel import CelConditions
from service.domain.desk.calendars import Calendar
from service.domain.desk.catalogue import Catalogue
from service.domain.desk.taxonomy import CaseType
from service.domain.desk.workflows import Workflow

# Mistakes that are told at once; the rest follows when these are mended.
TOLD_MAX: Final = 50


class CatalogueError(ValueError):
    """The catalogue has mistakes; one line for each, with file, line and advice."""

    def __init__(self, mistakes: Collection[Mistake]) -> None:
        """Take every mistake at once."""
        self.mistakes = tuple(sorted(mistakes))
        super().__init__("\n".join(str(each) for each in self.mistakes[:TOLD_MAX]))


@dataclass(slots=True)
class _Files:
    """Documents by what they are about, in the order in which they replace each other."""

    calendars: list[tuple[Reading, Node]] = field(default_factory=list)
    desk: list[tuple[Reading, Node]] = field(default_factory=list)
    types: list[tuple[Reading, Node]] = field(default_factory=list)
    workflows: list[tuple[Reading, Node]] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    templates: set[str] = field(default_factory=set)

    def read(self, found: Iterable[tuple[Reading, Node | None]]) -> Iterator[tuple[Reading, Node]]:
        """Yield the documents that could be opened, and keep what was wrong with the others."""
        for reading, node in found:
            self.readings.append(reading)
            if node:
                yield reading, node

    @property
    def mistakes(self) -> list[Mistake]:
        return [mistake for each in self.readings for mistake in each.mistakes]


def load(name: str = SHIPPED) -> Catalogue:
    """Return the shipped catalogue, or with a folder's over it.

    Raises:
        CatalogueError: with everything that is wrong, each with file, line and advice.
        ValueError: the folder cannot be read.
    """
    return _loaded(name)


@cache
def _loaded(name: str) -> Catalogue:
    files = _Files()
    for part, into in (
        ("calendars", files.calendars),
        ("types", files.types),
        ("workflows", files.workflows),
    ):
        into.extend(files.read(documents(name, part)))
    desks = ((root.joinpath("desk.yaml"), prefix) for root, prefix in roots(name))
    files.desk.extend(
        files.read(opened(file, f"{prefix}desk.yaml") for file, prefix in desks if file.is_file())
    )
    for _, node in documents(name, "messages"):
        files.templates.update(_template_names(node))
    return _built(files, CelConditions())


def check_workflow(
    text: str, file: str, catalogue: Catalogue, conditions: Conditions
) -> tuple[Workflow | None, tuple[Mistake, ...]]:
    """Return the workflow of a text as the catalogue would take it, and its mistakes."""
    reading = Reading(file)
    node = reading.document(text)
    if node is None:
        return None, tuple(reading.mistakes)
    found = workflow(reading, node, known_of(catalogue), conditions)
    there = catalogue.workflows.get(found.key) if found else None
    if found and there and there.digest != found.digest:
        _note_changed(reading, node, found)
        return None, tuple(sorted(reading.mistakes))
    return found, tuple(sorted(reading.mistakes))


def remembered(body: str, key: str) -> Workflow:
    """Return a version that ran before: what it names may be gone from the catalogue.

    Raises:
        CatalogueError: the body is none of ours.
    """
    reading = Reading(key)
    node = reading.document(body)
    found = workflow(reading, node, Known(), CelConditions()) if node else None
    if found is None:
        raise CatalogueError(reading.mistakes)
    return found


def known_of(catalogue: Catalogue) -> Known:
    """Return what files may name beside a catalogue."""
    return Known(
        catalogue.roles,
        catalogue.documents,
        catalogue.templates or None,
        catalogue.coupons,
        catalogue.types,
    )


def _note_changed(reading: Reading, node: Node, found: Workflow) -> None:
    parts = {key.value: value for key, value in entries(node)}
    reading.wrong(
        parts.get("version", node),
        f"version {found.version} of `{found.name}` is known with another text",
        f"write `version: {found.version + 1}`; cases that run keep what they began with",
    )


def _template_names(node: Node | None) -> Iterator[str]:
    """Yield the names of the templates of a file of messages; who reads them checks them."""
    for key, value in entries(node):
        if key.value == "templates":
            yield from (str(name.value) for name, _ in entries(value))


def _built(files: _Files, conditions: Conditions) -> Catalogue:
    free: dict[str, Holidays] = {}
    times: dict[str, Calendar] = {}
    parts = []
    for reading, node in files.calendars:
        fields = reading.fields(node, (), ("holidays", "calendars"), noun="file")
        if "holidays" in fields:
            free |= holidays(reading, fields["holidays"])
        parts.append((reading, fields))
    for reading, fields in parts:
        if "calendars" in fields:
            times |= calendars(reading, fields["calendars"], free)
    said = Desk()
    for reading, node in files.desk:
        desk(reading, node, said, times)
    known = Known(
        said.roles, said.documents, files.templates or None, said.coupons, _type_names(files)
    )
    workflows = _workflows(files, known, conditions)
    newest = {each.name: each for each in sorted(workflows.values(), key=lambda each: each.version)}
    world = World(said.roles, times, newest, _workflow_names(files) - set(newest))
    types: dict[str, CaseType] = {}
    for reading, node in files.types:
        types |= case_types(reading, node, world)
    if files.mistakes:
        raise CatalogueError(files.mistakes)
    return Catalogue(
        types=MappingProxyType(types),
        calendars=MappingProxyType(times),
        workflows=MappingProxyType(workflows),
        promise=said.promise,
        load_caps=MappingProxyType(said.load_caps),
        roles=MappingProxyType(said.roles),
        documents=MappingProxyType(said.documents),
        coupons=MappingProxyType(said.coupons),
        templates=frozenset(files.templates),
    )


def _type_names(files: _Files) -> set[str]:
    """Return the names of types before types are read: workflows name types, and they those."""
    return {
        str(name.value)
        for _, node in files.types
        for key, value in entries(node)
        if key.value == "types"
        for name, _ in entries(value)
        if UPPER.fullmatch(name.value)
    }


def _workflow_names(files: _Files) -> set[str]:
    return {
        str(value.value)
        for _, node in files.workflows
        for key, value in entries(node)
        if key.value == "workflow"
    }


def _workflows(files: _Files, known: Known, conditions: Conditions) -> Mapping[str, Workflow]:
    found: dict[str, Workflow] = {}
    for reading, node in files.workflows:
        each = workflow(reading, node, known, conditions)
        if each is None:
            continue
        if each.key in found and found[each.key].digest != each.digest:
            _note_changed(reading, node, each)
        found[each.key] = each
    return found
