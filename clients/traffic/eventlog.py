"""Turns the rows of an event log into messages, by a template that is data.

Every row becomes exactly one message, whatever is wrong with it: a row that concerns no order says
so with an empty list of events, and a time that cannot be read is passed on as it stands, for the
reader to reject by name. Nothing that the log says is dropped on the way in.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

from clients.traffic.wording import Message, event_id

Row = Mapping[str, str]

# What the rows of a relation are resolved to.
ORDER: Final = "order"
EVENT: Final = "event"
NOTED: Final = "noted"


class TemplateError(Exception):
    """The template lacks something; the text says what."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one activity means."""

    fact: str
    amount: bool = False
    voucher: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Relation:
    """In rows of the activity, each part belongs to each whole."""

    activity: str
    part: str
    whole: str


@dataclass(frozen=True, slots=True)
class Template:
    """How one kind of log is read."""

    name: str
    source: str
    channel: str
    namespace: str
    encoding: str
    delimiter: str
    columns: Mapping[str, str]
    time_format: str
    zone: ZoneInfo
    currency: str
    objects: Mapping[str, str]
    relations: tuple[Relation, ...]
    activities: Mapping[str, Meaning]

    @classmethod
    def from_mapping(cls, text: Mapping[str, Any]) -> Template:
        """Read a template.

        Raises:
            TemplateError: something is missing, or is not what it should be.
        """
        try:
            template = cls(
                name=text["name"],
                source=text["source"],
                channel=text["channel"],
                namespace=text["namespace"],
                encoding=text["file"]["encoding"],
                delimiter=text["file"]["delimiter"],
                columns=text["columns"],
                time_format=text["time"]["format"],
                zone=ZoneInfo(text["time"]["zone"]),
                currency=text["currency"],
                objects=text["objects"],
                relations=tuple(Relation(**relation) for relation in text["relations"]),
                activities={name: Meaning(**said) for name, said in text["activities"].items()},
            )
        except (KeyError, TypeError, ValueError) as error:
            raise TemplateError(f"The event log template is not complete: {error}") from error
        template._refuse_unknown_objects()
        return template

    def _refuse_unknown_objects(self) -> None:
        related = {kind for each in self.relations for kind in (each.part, each.whole)}
        vouchers = {meaning.voucher for meaning in self.activities.values()} - {"", EVENT}
        unknown = sorted(({ORDER} | related | vouchers) - set(self.objects))
        if unknown:
            raise TemplateError(f"No column holds these objects: {', '.join(unknown)}.")

    def missing_columns(self, header: Iterable[str]) -> list[str]:
        """Return the columns that the template reads and the file lacks."""
        there = set(header)
        return [
            name for name in (*self.columns.values(), *self.objects.values()) if name not in there
        ]


@dataclass(slots=True)
class Relations:
    """Which orders an object belongs to, over any number of steps."""

    template: Template
    wholes: dict[tuple[str, str], set[tuple[str, str]]] = field(
        default_factory=lambda: defaultdict(set)
    )

    def learn(self, rows: Iterable[Row]) -> None:
        """Take in the relations of all rows; they may stand in any order."""
        by_activity = {relation.activity: relation for relation in self.template.relations}
        for row in rows:
            relation = by_activity.get(row[self.template.columns["activity"]])
            if relation is None:
                continue
            wholes = {(relation.whole, name) for name in self.named(row, relation.whole)}
            for name in self.named(row, relation.part):
                self.wholes[relation.part, name] |= wholes

    def named(self, row: Row, kind: str) -> list[str]:
        """Return the objects of one kind that the row names itself."""
        return names_in(row.get(self.template.objects[kind], ""))

    def orders(self, row: Row) -> list[str]:
        """Return every order that the row concerns, in the order of their names."""
        reached = {(kind, name) for kind in self.template.objects for name in self.named(row, kind)}
        edge = set(reached)
        while edge:
            edge = {whole for part in edge for whole in self.wholes.get(part, ())} - reached
            reached |= edge
        return sorted(name for kind, name in reached if kind == ORDER)


def names_in(cell: str) -> list[str]:
    """Return the names in a cell: a written list, one bare name, or none."""
    text = cell.strip()
    if not text.startswith("["):
        return [text] if text else []
    try:
        return [str(name) for name in ast.literal_eval(text)]
    except (SyntaxError, ValueError, TypeError):
        return []


def messages(
    template: Template, rows: Iterable[Row], relations: Relations, arrives_us: int
) -> Iterator[Message]:
    """Word each row as one message."""
    for row in rows:
        yield _worded(template, row, relations, arrives_us)


def _worded(template: Template, row: Row, relations: Relations, arrives_us: int) -> Message:
    event = row[template.columns["event"]]
    orders = relations.orders(row)
    events = [_event(template, row, order, relations) for order in orders]
    return Message(
        arrives_us=arrives_us,
        source=template.source,
        message_id=f"{template.name}-{event}",
        body=orjson.dumps({"events": events, "row": dict(row)}),
        channel=template.channel,
        order_hint=orders[0] if len(orders) == 1 else "",
    )


def _event(template: Template, row: Row, order: str, relations: Relations) -> dict[str, object]:
    activity = row[template.columns["activity"]]
    meaning = template.activities.get(activity) or Meaning(NOTED, note=_word(activity))
    event = row[template.columns["event"]]
    told: dict[str, object] = {
        "id": event_id(template.name, event, order),
        "type": meaning.fact,
        "channel": template.channel,
        "source": template.source,
        "order": {"namespace": template.namespace, "value": order},
        "occurred_at": _occurred_at(template, row),
    }
    if meaning.amount:
        value = row[template.columns["amount"]].strip()
        told["amount"] = {"currency": template.currency, "value": value}
    if meaning.voucher == EVENT:
        told["voucher"] = f"{template.name}-{event}"
    elif meaning.voucher:
        told["voucher"] = ",".join(relations.named(row, meaning.voucher))
    if meaning.note:
        told["note"] = meaning.note
    return told


def _occurred_at(template: Template, row: Row) -> str:
    text = row[template.columns["time"]].strip()
    try:
        at = datetime.strptime(text, template.time_format)  # noqa: DTZ007  # The zone comes next.
    except ValueError:
        return text
    if at.tzinfo is None:
        at = at.replace(tzinfo=template.zone)
    return at.isoformat(timespec="microseconds")


def _word(activity: str) -> str:
    return re.sub(r"\W+", "_", activity.strip().lower()) or "unnamed"
