"""`python -m streams.template_desk`: lists templates, checks a file, tries one on a message.

Answers in JSON on standard output, for the command line to show. Needs no server and no setting.
Without the installation's key no person can be hashed; that there is one is told all the same. Of
an export the first order is tried.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

import yaml

from streams.logic.normalising import Receipt, Rejection, Template, TemplateError, Templates
from streams.logic.normalising.compiling import templates_from
from streams.logic.normalising.explaining import Origin, Step, explain
from streams.template_files import shipped, shipped_data
from streams.template_places import position
from streams.template_rows import first_order
from streams.template_yaml import read_yaml

USAGE: Final = "usage: python -m streams.template_desk list | check FILE | try TEMPLATE FILE"
EXIT_USAGE: Final = 2
# A message has no time of receipt here; this one shows where the template falls back to it.
RECEIVED: Final = datetime(2000, 1, 1, tzinfo=UTC)

Answer = dict[str, object]


class MistakeError(Exception):
    """A file that is no template, or cannot be read: where, and what to do; `answer` has all."""

    def __init__(self, file: str, *mistakes: tuple[int, int, str]) -> None:
        super().__init__(file)
        self.answer: list[Answer] = [
            {"file": file, "line": line, "column": column, "what": what}
            for line, column, what in mistakes
        ]


def main(arguments: list[str]) -> int:
    """Answer one question, and return the exit code: 1 for a mistake in what was given."""
    asked = _ASKED.get(arguments[0] if arguments else "")
    if asked is None or len(arguments) != asked[0] + 1:
        print(USAGE, file=sys.stderr)  # noqa: T201
        return EXIT_USAGE
    try:
        answer = asked[1](*arguments[1:])
    except MistakeError as mistake:
        _print({"mistakes": mistake.answer})
        return 1
    _print(answer)
    return 0


def _print(answer: Answer) -> None:
    print(json.dumps(answer, ensure_ascii=False))  # noqa: T201


def names() -> Answer:
    """Return every shipped template: its name, its channel, and what its file says it is."""
    files = list(shipped())
    found = templates_from(data for _, _, data in files)
    about = {name: _about(text) for name, text, _ in files}
    return {
        "templates": [
            {
                "name": name,
                "version": each.version,
                "channel": each.channel,
                "about": about[name],
            }
            for name, each in sorted(found.items())
        ]
    }


def check(file: str) -> Answer:
    """Check a template's file as a worker would at its start."""
    template = _template(Path(file))
    return {
        "name": template.name,
        "version": template.version,
        "channel": template.channel,
        "mistakes": [],
    }


def attempt(template: str, file: str) -> Answer:
    """Tell what a message becomes by a template: a shipped one by name, or a file."""
    chosen = _chosen(template)
    receipt = Receipt(
        name="receipts/tried",
        source=chosen.name.partition(".")[0],
        template=chosen.name,
        channel="",
        body=_message(chosen, _bytes(Path(file))),
        content_type="",
        receive_time=RECEIVED,
    )
    told = explain(receipt, chosen, Templates({}))
    return {
        "template": chosen.name,
        "steps": [_step(each) for each in told.steps],
        "rejections": [_rejection(each) for each in told.rejections],
    }


def _message(template: Template, body: bytes) -> bytes:
    """Return the body, or what an export becomes for a template of files."""
    order = template.root.order
    if order is None or body.lstrip()[:1] in {b"{", b"["}:
        return body
    names = [step for path in order.value.paths for step in path.steps[-1:] if step]
    return first_order(body, names) or body


def _chosen(template: str) -> Template:
    if Path(template).suffix in {".yaml", ".yml"}:
        return _template(Path(template))
    data = shipped_data(template)
    if data is None:
        what = "There is no such template. `concord template list` shows what there is."
        raise MistakeError(template, (1, 1, what))
    return templates_from([*_base(data), data])[template]


def _template(file: Path) -> Template:
    text = _text(file)
    data = _data(file, text)
    name = _name(data)
    try:
        return templates_from([*_base(data), data])[name]
    except TemplateError as error:
        mistakes = [
            (*position(text, each.trail), str(each).removeprefix(f"Template {name}: "))
            for each in error.all
        ]
        raise MistakeError(str(file), *sorted(set(mistakes))) from error


def _base(data: object) -> list[object]:
    """Return the shipped template that this one is based on, if it is."""
    base = data.get("based_on") if isinstance(data, dict) else None
    found = shipped_data(base) if isinstance(base, str) else None
    return [] if found is None or base == _name(data) else [found]


def _data(file: Path, text: str) -> object:
    try:
        return read_yaml(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        what = f"No YAML: {error.problem}."
        raise MistakeError(str(file), (line, column, what)) from error
    except yaml.YAMLError as error:
        what = "No YAML: it has signs that none may have."
        raise MistakeError(str(file), (1, 1, what)) from error


def _text(file: Path) -> str:
    try:
        return _bytes(file).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MistakeError(str(file), (1, 1, "Not in UTF-8; save the file so.")) from None


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise MistakeError(str(file), (1, 1, f"Cannot be read: {error.strerror}.")) from error


def _name(data: object) -> str:
    found = data.get("name") if isinstance(data, dict) else None
    return found if isinstance(found, str) else ""


def _about(text: str) -> str:
    """Return the first sentence of the comment that a file begins with."""
    comment = [line.removeprefix("#").strip() for line in text.splitlines() if line.startswith("#")]
    return f"{' '.join(comment).partition('. ')[0].rstrip('.')}." if comment else ""


def _step(step: Step) -> Answer:
    return {
        "record": step.record,
        "kind": step.kind,
        "told": step.fact is not None,
        "why": list(step.why),
        "fields": [_origin(each) for each in step.origins],
    }


def _origin(origin: Origin) -> Answer:
    return {
        "name": origin.name,
        "value": origin.value,
        "place": origin.place,
        "sent": origin.sent,
    }


def _rejection(rejection: Rejection) -> Answer:
    return {
        "reason": rejection.reason.value,
        "field": rejection.field,
        "advice": rejection.advice,
    }


# How many arguments each question has, and who answers it.
_ASKED: Final[Mapping[str, tuple[int, Callable[..., Answer]]]] = MappingProxyType(
    {"list": (0, names), "check": (1, check), "try": (2, attempt)}
)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
