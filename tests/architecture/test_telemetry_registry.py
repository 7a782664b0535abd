"""`docs/telemetry.md` lists what leaves our processes, and our processes send what it lists.

To add a name: use it in the code, run this test, add the row that it asks for.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from clients.telemetry.logs import FIELDS as CLIENTS_FIELDS
from service.telemetry.logs import FIELDS as SERVICE_FIELDS
from streams.telemetry.logs import FIELDS as STREAMS_FIELDS

ROOT: Final = Path(__file__).parents[2]
REGISTRY: Final = ROOT / "docs" / "telemetry.md"
PACKAGES: Final = ("service", "streams", "clients", "deploy")
METRICS: Final = frozenset({"Counter", "Gauge", "Histogram"})
LEVELS: Final = frozenset({"debug", "info", "warning", "error", "critical", "exception"})
SPANS: Final = frozenset(
    {"span", "begin_span", "begin_traces", "record_span", "start_span", "_begin"}
)
ATTRIBUTE: Final = re.compile(
    r"order\.id|error\.type|http\.(request|response|route)(\.[a-z_]+)*"
    r"|(concord|rpc|db|messaging|server|network)(\.[a-z_]+)+"
)
# Dotted names of ours that are no attributes: proto packages and topics, modules.
NO_ATTRIBUTE: Final = re.compile(r".*\.v\d+(\..*)?")
# Always there.
IMPLICIT_FIELDS: Final = frozenset({"event", "level", "timestamp", "trace_id", "span_id"})


@dataclass(frozen=True)
class Used:
    """A name in the code."""

    name: str
    where: str
    parts: frozenset[str] = frozenset()
    """Labels of a metric, fields of a log event."""


@cache
def modules() -> tuple[tuple[str, ast.Module], ...]:
    paths = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return tuple((str(path.relative_to(ROOT)), ast.parse(path.read_bytes())) for path in paths)


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    """Yield place, called name and call."""
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = node.func
                if isinstance(called, ast.Attribute):
                    yield f"{path}:{node.lineno}", called.attr, node
                elif isinstance(called, ast.Name):
                    yield f"{path}:{node.lineno}", called.id, node


def metrics_used() -> Iterator[Used]:
    for where, called, call in calls():
        if called in METRICS and call.args and (name := _text(call.args[0])):
            exposed = f"{name}_total" if called == "Counter" else name
            labels = next((one for one in call.args[2:] if isinstance(one, ast.List)), None)
            named = [text for one in labels.elts if (text := _text(one))] if labels else []
            yield Used(exposed, where, frozenset(named))


def log_events_used() -> Iterator[Used]:
    for where, called, call in calls():
        is_log = (
            called in LEVELS
            and isinstance(call.func, ast.Attribute)
            and isinstance(call.func.value, ast.Name)
            and call.func.value.id == "log"
        )
        if (is_log or called == "_say") and call.args and (event := _text(call.args[0])):
            fields = {one.arg for one in call.keywords if one.arg} - {"exc_info"}
            yield Used(event, where, frozenset(fields))


def span_names_used() -> Iterator[Used]:
    for where, called, call in calls():
        if called in SPANS and call.args and (name := _pattern(call.args[0])):
            yield Used(name, where)


def attributes_used() -> Iterator[Used]:
    for path, tree in modules():
        if not _speaks_of_spans(tree):
            continue
        for node in ast.walk(tree):
            text = _text(node)
            if text and ATTRIBUTE.fullmatch(text) and not NO_ATTRIBUTE.fullmatch(text):
                yield Used(text, path)


def _speaks_of_spans(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module is not None
        and re.match(r"opentelemetry|(service|streams|clients)\.telemetry", node.module)
        for node in ast.walk(tree)
    )


def _text(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _pattern(node: ast.AST) -> str | None:
    """Return a text, with `<>` for what is filled in; None for what is only known at run time."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or "<>" for part in node.values)
    return _text(node)


@dataclass(frozen=True)
class Registered:
    """A row of the registry."""

    name: str
    parts: frozenset[str]
    is_spelled: bool


def registered(heading: str, parts_column: int | None = None) -> dict[str, Registered]:
    """Return the rows of the table under a heading, by name."""
    text = REGISTRY.read_text(encoding="utf-8")
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section, f"docs/telemetry.md has no section {heading}"
    rows = {}
    for line in section[1].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        name = re.fullmatch(r"`([^`]+)`( \*)?", cells[0])
        if not line.startswith("|") or name is None:
            continue
        parts = re.findall(r"`([^`]+)`", cells[parts_column]) if parts_column else []
        rows[name[1]] = Registered(name[1], frozenset(parts), is_spelled=not name[2])
    return rows


def compare(used: list[Used], rows: dict[str, Registered]) -> list[str]:
    """Return what the registry lacks and what it has in excess."""
    missing = sorted({f"{one.name} ({one.where})" for one in used if one.name not in rows})
    names = {one.name for one in used}
    excess = sorted(key for key, row in rows.items() if row.is_spelled and key not in names)
    return [f"not registered: {one}" for one in missing] + [
        f"registered, and not in the code: {one}" for one in excess
    ]


def test_every_metric_is_registered_with_its_labels_and_the_other_way_round() -> None:
    rows = registered("Metrics", parts_column=2)
    used = list(metrics_used())

    problems = compare(used, rows)
    problems += [
        f"{one.name}: labels {sorted(one.parts)} in {one.where}, "
        f"{sorted(rows[one.name].parts)} in the registry"
        for one in used
        if one.name in rows and one.parts != rows[one.name].parts
    ]
    assert problems == []


def test_every_log_event_is_registered_with_its_fields_and_the_other_way_round() -> None:
    rows = registered("Log events", parts_column=3)
    used = list(log_events_used())

    problems = compare(used, rows)
    problems += [
        f"{one.name}: {sorted(one.parts - rows[one.name].parts)} in {one.where} not in its row"
        for one in used
        if one.name in rows and not one.parts <= rows[one.name].parts
    ]
    assert problems == []


def test_every_field_of_a_log_event_passes_the_allow_list() -> None:
    fields = {field for row in registered("Log events", 3).values() for field in row.parts}
    fields |= IMPLICIT_FIELDS

    assert sorted(fields - SERVICE_FIELDS) == []
    assert SERVICE_FIELDS == STREAMS_FIELDS == CLIENTS_FIELDS


def test_every_span_is_registered_and_the_other_way_round() -> None:
    rows = {re.sub(r"<[^>]+>", "<>", name): row for name, row in registered("Spans").items()}

    assert compare(list(span_names_used()), rows) == []


def test_every_attribute_is_registered_and_the_other_way_round() -> None:
    assert compare(list(attributes_used()), registered("Attributes")) == []


@pytest.mark.parametrize("label", ["order", "order_id", "receipt", "customer", "trace_id", "case"])
def test_no_metric_has_an_id_for_a_label(label: str) -> None:
    assert [one for one in metrics_used() if label in one.parts] == []
