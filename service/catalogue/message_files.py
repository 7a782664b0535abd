"""Reads the files of `messages/`: templates of notices, in every language, with what fills them.

    templates:
      delay_expected:
        needs: {order_number: text}
        may_have: {delay_days: number}
        zh: {title: "订单 {order_number} 会晚些发出", body: "…[[预计延迟 {delay_days} 天。]]…"}
        en: {title: "…", body: "…"}

What `may_have` names stands between `[[` and `]]`, and is left out with them where it is not given.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from yaml.nodes import Node, ScalarNode

from service.catalogue.folders import SHIPPED, documents
from service.catalogue.marked import LANGUAGES, Reading
from service.domain.desk.messages import (
    PLACEHOLDER,
    SECTION,
    Kind,
    Messages,
    Placeholder,
    Template,
    Text,
)

# A subject line, and what a phone shows of a message.
TITLE_MAX: Final = 80
KINDS: Final = tuple(each.value for each in Kind)


@cache
def load(name: str = SHIPPED) -> Messages:
    """Return the shipped templates, or with those of a catalogue's folder over them.

    Raises:
        ValueError: with everything that is wrong, each with file, line and advice.
    """
    found: dict[str, Template] = {}
    mistakes: list[str] = []
    for reading, node in documents(name, "messages"):
        found.update(read(reading, node) if node else {})
        mistakes += map(str, sorted(reading.mistakes))
    if mistakes:
        raise ValueError("\n".join(mistakes))
    return Messages(MappingProxyType(found))


def read(reading: Reading, node: Node) -> Mapping[str, Template]:
    """Return the templates of one file; `reading` has what is wrong in it."""
    whole = reading.fields(node, ("templates",), noun="file")
    return {
        key.value: _template(reading, reading.name(key), value)
        for key, value in reading.pairs(whole["templates"], "list of templates")
    }


def _template(reading: Reading, name: str, node: Node) -> Template:
    parts = reading.fields(node, LANGUAGES, ("needs", "may_have"), noun="template")
    placeholders: dict[str, Placeholder] = {}
    for key, is_optional in (("needs", False), ("may_have", True)):
        for named, kind in reading.pairs(parts[key], key) if key in parts else ():
            if named.value in placeholders:
                reading.wrong(named, f"`{named.value}` is named twice", "name it in one of them")
            of = reading.one_of(kind, KINDS, "kind of placeholder") or Kind.TEXT.value
            placeholders[named.value] = Placeholder(
                reading.name(named), Kind(of), is_optional=is_optional
            )
    texts = {each: _text(reading, parts[each], placeholders) for each in LANGUAGES}
    used = {name for text in texts.values() for name in _named(text)}
    for unused in sorted(placeholders.keys() - used):
        reading.wrong(node, f"`{unused}` is never used", "take it out, or use it in a text")
    return Template(name, MappingProxyType(placeholders), MappingProxyType(texts))


def _text(reading: Reading, node: Node, placeholders: Mapping[str, Placeholder]) -> Text:
    parts = reading.fields(node, ("title", "body"), noun="text")
    title, body = (reading.text(parts[each]) for each in ("title", "body"))
    if len(title) > TITLE_MAX:
        reading.wrong(parts["title"], "the title is too long", f"write {TITLE_MAX} characters")
    for part in parts.values():
        _check(reading, part, placeholders)
    return Text(title, body)


def _check(reading: Reading, node: Node, placeholders: Mapping[str, Placeholder]) -> None:
    raw = node.value if isinstance(node, ScalarNode) else ""
    for name in PLACEHOLDER.findall(raw):
        if name not in placeholders:
            reading.wrong(node, f"`{{{name}}}` is not named", "add it to `needs` or `may_have`")
    without = SECTION.sub("", raw)
    for name in PLACEHOLDER.findall(without):
        if name in placeholders and placeholders[name].is_optional:
            advice = f"write it between `[[` and `]]`, or move `{name}` to `needs`"
            reading.wrong(node, f"`{{{name}}}` may be missing", advice)
    rest = PLACEHOLDER.sub("", without)
    if any(each in rest for each in ("{", "}", "[[", "]]")):
        reading.wrong(node, "a brace or bracket is alone", "write `{name}`, and `[[` with `]]`")


def _named(text: Text) -> set[str]:
    return {*PLACEHOLDER.findall(text.title), *PLACEHOLDER.findall(text.body)}
