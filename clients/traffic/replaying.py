"""Reads an event log from a file and feeds it to the service, each row in its own event time."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

import yaml

from clients.traffic.eventlog import Relations, Row, Template, TemplateError, messages
from clients.traffic.wording import Message

TEMPLATES: Final = resources.files("clients.traffic") / "eventlogs"


class LogError(Exception):
    """The file cannot be read as the template says; the text says why."""


@dataclass(frozen=True, slots=True)
class Log:
    """An event log in a file, and the orders that its objects belong to."""

    template: Template
    path: Path
    relations: Relations
    rows: int

    @classmethod
    def open(cls, path: Path, template: Template) -> Log:
        """Read the file once: count its rows, and learn what belongs to what.

        Raises:
            LogError: the file cannot be read, or lacks a column of the template.
        """
        relations = Relations(template)
        count = 0

        def counted(rows: Iterator[Row]) -> Iterator[Row]:
            nonlocal count
            for row in rows:
                count += 1
                yield row

        with _rows_of(path, template) as rows:
            relations.learn(counted(rows))
        return cls(template, path, relations, count)

    def messages(self, arrives_us: int) -> Iterator[Message]:
        """Word each row as one message that arrives at the moment given."""
        with _rows_of(self.path, self.template) as rows:
            yield from messages(self.template, rows, self.relations, arrives_us)


def template_names() -> list[str]:
    """Return the names of the templates that there are."""
    return sorted(
        entry.name.removesuffix(".yaml")
        for entry in TEMPLATES.iterdir()
        if entry.name.endswith(".yaml")
    )


def template_named(name: str) -> Template:
    """Return a template that comes with Concord, or the one in a file.

    Raises:
        TemplateError: there is none of that name, or it is not complete.
    """
    own = Path(name)
    place = own if own.suffix in {".yaml", ".yml"} else TEMPLATES / f"{name}.yaml"
    if not place.is_file():
        known = ", ".join(template_names())
        raise TemplateError(f"There is no template {name!r}: name a YAML file, or one of {known}.")
    return Template.from_mapping(yaml.safe_load(place.read_text("utf-8")))


@contextmanager
def _rows_of(path: Path, template: Template) -> Iterator[Iterator[Row]]:
    try:
        with path.open(encoding=template.encoding, newline="") as file:
            # Cells beyond the header are kept beside the row; cells that are missing are empty.
            reader = csv.DictReader(
                file, delimiter=template.delimiter, restkey="beyond_header", restval=""
            )
            missing = template.missing_columns(reader.fieldnames or ())
            if missing:
                raise LogError(f"{path.name} lacks the columns {', '.join(missing)}.")
            yield iter(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LogError(f"{path.name} cannot be read: {error}") from error
