"""Reads YAML so that every mistake is told with its file, its line and what to write instead.

Every value is taken as the text that stands there, so `no` is a word and `08:00` a time of day.
All mistakes of a file are found at once; what could not be read gets an empty value meanwhile.
"""

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Protocol

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from service.domain.desk.taxonomy import Words

# The longest of ours has 8 KiB.
TEXT_MAX: Final = 256 * 1024
# Ours have ten; what reads them calls itself once for each.
DEPTH_MAX: Final = 40
LANGUAGES: Final = ("zh", "en")
LOWER: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
UPPER: Final = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
_SPAN: Final = re.compile(r"([1-9]\d{0,5})([mhd])")
_MINUTES: Final = MappingProxyType({"m": 1, "h": 60, "d": 24 * 60})
_NOTHING: Final = ScalarNode("tag:yaml.org,2002:null", "")


class _Mark(Protocol):
    line: int
    column: int


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing that is wrong in a file."""

    file: str
    line: int
    column: int
    what: str
    advice: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}; {self.advice}"


class Reading:
    """Reads one file; `mistakes` has everything that is wrong in it."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.mistakes: list[Mistake] = []

    def wrong(self, node: Node, what: str, advice: str, *, line: int = 0, column: int = 0) -> None:
        """Note a mistake at a node, or some lines into it."""
        mark = node.start_mark
        at = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        # A text over several lines begins after the sign that says so.
        deeper = isinstance(node, ScalarNode) and node.style in ("|", ">")
        self.mistakes.append(
            Mistake(self.file, at[0] + line + int(deeper), column or at[1], what, advice)
        )

    def document(self, text: str) -> Node | None:
        """Return the one document of a text, or None with the mistake noted."""
        if len(text) > TEXT_MAX:
            self.wrong(_NOTHING, "the file is too long", f"write {TEXT_MAX} characters at most")
            return None
        try:
            depth = 0
            for event in yaml.parse(text, Loader=yaml.CSafeLoader):
                depth += isinstance(event, yaml.CollectionStartEvent)
                depth -= isinstance(event, yaml.CollectionEndEvent)
                if depth > DEPTH_MAX:
                    what = f"lists and mappings stand {depth} deep in each other"
                    self._at(event.start_mark, what, "see docs/workflows.md for what a file takes")
                    return None
                if isinstance(event, yaml.AliasEvent):
                    self._at(event.start_mark, "`*` repeats something", "write it out instead")
                    return None
            node: Node | None = yaml.compose(text, Loader=yaml.CSafeLoader)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            problem = getattr(error, "problem", None) or "it cannot be read"
            self._at(
                mark, f"this is no YAML: {problem}", "indent by spaces, and quote `: ` and `#`"
            )
            return None
        if node is None:
            self.wrong(_NOTHING, "the file is empty", "see docs/workflows.md for what it takes")
        return node

    def _at(self, mark: _Mark | None, what: str, advice: str) -> None:
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        self.mistakes.append(Mistake(self.file, line, column, what, advice))

    def fields(
        self, node: Node, needed: Collection[str], others: Collection[str] = (), noun: str = "entry"
    ) -> Mapping[str, Node]:
        """Return the parts of a mapping; those that are needed are there, if only empty."""
        known = (*needed, *others)
        found: dict[str, Node] = {}
        misspelt: set[str] = set()
        for key, value in self.pairs(node, noun):
            if key.value in known:
                found[key.value] = value
            else:
                self.wrong(key, f"`{key.value}` is unknown here", _meant(key.value, known))
                misspelt.update(_near(key.value, known))
        for name in needed:
            if name not in found:
                if isinstance(node, MappingNode) and name not in misspelt:
                    self.wrong(node, f"the {noun} has no `{name}`", f"add `{name}: …`")
                found[name] = _NOTHING
        return found

    def pairs(self, node: Node, noun: str = "entry") -> Iterator[tuple[ScalarNode, Node]]:
        """Yield keys with values; a key that stands twice is a mistake."""
        if not isinstance(node, MappingNode):
            if node is not _NOTHING:
                self.wrong(node, f"the {noun} is no mapping", "write `name: value` lines, indented")
            return
        seen: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self.wrong(
                    key, "a name is a list or a mapping", "write a plain name before the `:`"
                )
            elif key.value in seen:
                first = seen[key.value]
                advice = f"keep one of them; the first is on line {first}"
                self.wrong(key, f"`{key.value}` stands here twice", advice)
            else:
                seen[key.value] = key.start_mark.line + 1
                yield key, value

    def items(self, node: Node, noun: str = "entry") -> list[Node]:
        """Return the entries of a list; a single value is a list of one."""
        if isinstance(node, SequenceNode):
            return list(node.value)
        if isinstance(node, MappingNode):
            self.wrong(node, f"the {noun} is no list", "begin each with `- `, or write [a, b]")
            return []
        return [node] if node.value else []

    def text(self, node: Node, noun: str = "text") -> str:
        """Return a text of at least one character."""
        if node is _NOTHING:
            return ""
        if node.tag.startswith("!"):
            self.wrong(node, f"YAML takes `{node.tag}` as a tag", f"put quotes around the {noun}")
            return ""
        if not isinstance(node, ScalarNode) or not node.value.strip():
            self.wrong(node, f"there is no {noun}", "write one in one line")
            return ""
        return str(node.value).strip()

    def words(self, node: Node) -> Words:
        """Return the same words in each language."""
        parts = self.fields(node, LANGUAGES, noun="title")
        return MappingProxyType({name: self.text(part) for name, part in parts.items()})

    def name(self, node: Node, form: re.Pattern[str] = LOWER) -> str:
        """Return a name of the form that names of its kind have."""
        text = self.text(node, "name")
        if text and not form.fullmatch(text):
            example = "out_of_stock" if form is LOWER else "OUT_OF_STOCK"
            self.wrong(node, f"`{text}` is no name", f"write one such as `{example}`")
            return ""
        return text

    def one_of(self, node: Node, known: Collection[str], noun: str) -> str:
        """Return one of the known texts."""
        text = self.text(node, noun)
        if text and text not in known:
            self.wrong(node, f"there is no {noun} `{text}`", _meant(text, known))
            return ""
        return text

    def several(self, node: Node, known: Collection[str], noun: str) -> tuple[str, ...]:
        """Return some of the known texts, each once."""
        found: list[str] = []
        for each in self.items(node):
            text = self.one_of(each, known, noun)
            if text in found:
                self.wrong(each, f"the {noun} `{text}` is there twice", "write it once")
            elif text:
                found.append(text)
        return tuple(found)

    def minutes(self, node: Node, units: str = "mh") -> int:
        """Return the minutes of a span such as `30m` or `2h`."""
        text = self.text(node, "span")
        found = _SPAN.fullmatch(text)
        if found and found[2] in units:
            return int(found[1]) * _MINUTES[found[2]]
        if text:
            days = "; a day has as many hours as its calendar says" if text.endswith("d") else ""
            example = "30m, 2h or 7d" if "d" in units else "30m or 2h"
            self.wrong(node, f"`{text}` is no span{days}", f"write one such as {example}")
        return 0

    def whole(self, node: Node, least: int = 1, most: int = 1_000_000_000) -> int:
        """Return a whole number."""
        text = self.text(node, "number")
        if re.fullmatch(r"\d{1,10}", text) and least <= int(text) <= most:
            return int(text)
        if text:
            self.wrong(
                node, f"`{text}` is no whole number from {least} to {most}", f"write {least}"
            )
        return least

    def yes(self, node: Node) -> bool:
        """Return what `yes` or `no` says."""
        return self.one_of(node, ("yes", "no"), "answer") == "yes"


def _near(text: str, known: Collection[str]) -> list[str]:
    near = difflib.get_close_matches(text.lower(), [each.lower() for each in known], n=1)
    return [each for each in known if each.lower() in near]


def _meant(text: str, known: Collection[str]) -> str:
    meant = _near(text, known) or sorted(known)
    return f"write {', '.join(f'`{each}`' for each in meant)}" if meant else "leave it out"
