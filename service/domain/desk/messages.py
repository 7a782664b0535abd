"""Templates of notices: what is said, in which languages, and what each placeholder may hold."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, unique
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from service.domain.money import exponent

# A name in braces; braces mean nothing else.
PLACEHOLDER: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")
LANGUAGES: Final = ("zh", "en")
# What is said only where all that is named within is given.
SECTION: Final = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)
# The longest that a value may be in a message; a reason of 200 characters is read by nobody.
VALUE_MOST: Final = 300
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_MONEY: Final = re.compile(r"(-?\d{1,18}) ([A-Z]{3})")
_NUMBER: Final = re.compile(r"-?\d{1,18}")
# Where those are who are told; moments are shown in their time.
_ZONE: Final = {"zh": ZoneInfo("Asia/Shanghai"), "en": ZoneInfo("UTC")}


@unique
class Kind(Enum):
    """What a placeholder holds."""

    TEXT = "text"
    NUMBER = "number"
    # Minor units and currency: `19900 CNY`.
    MONEY = "money"
    # RFC 3339.
    TIME = "time"


class MessageError(Exception):
    """A message cannot be made; the text says why, without any value."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """What a template wants to be given; what is optional is shown as nothing where it lacks."""

    name: str
    kind: Kind
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """What is read by a person."""

    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Template:
    """One message, in every language."""

    name: str
    placeholders: Mapping[str, Placeholder]
    texts: Mapping[str, Text]

    def render(self, values: Mapping[str, str], language: str) -> Text:
        """Return the text, or raise `MessageError`. What is given beyond need is left out."""
        text = self.texts.get(language) or self.texts[LANGUAGES[0]]
        shown = {
            each.name: _shown(each, values.get(each.name, ""), language)
            for each in self.placeholders.values()
        }

        def section(found: re.Match[str]) -> str:
            return found[1] if all(shown[name] for name in PLACEHOLDER.findall(found[1])) else ""

        def fill(raw: str) -> str:
            return PLACEHOLDER.sub(lambda found: shown[found[1]], SECTION.sub(section, raw)).strip()

        return Text(fill(text.title), fill(text.body))


@dataclass(frozen=True, slots=True)
class Messages:
    """All templates."""

    templates: Mapping[str, Template] = field(default_factory=lambda: MappingProxyType({}))
    language: str = LANGUAGES[0]

    @property
    def names(self) -> frozenset[str]:
        """The names of all templates."""
        return frozenset(self.templates)

    def render(self, template: str, values: Mapping[str, str], language: str = "") -> Text:
        """Return what a notice says, or raise `MessageError`."""
        found = self.templates.get(template)
        if found is None:
            raise MessageError(f"there is no template {template}")
        return found.render(values, language or self.language)


def _shown(placeholder: Placeholder, value: str, language: str) -> str:
    if not value:
        if placeholder.is_optional:
            return ""
        raise MessageError(f"{placeholder.name} is missing")
    try:
        return _SHOW[placeholder.kind](value, language)
    except ValueError:
        wanted = placeholder.kind.value
        raise MessageError(f"{placeholder.name} is no {wanted}") from None


def _text(value: str, _language: str) -> str:
    # One line of it, so that nobody writes a message of his own into ours.
    plain = " ".join(_CONTROL.sub("", value).split())
    return plain if len(plain) <= VALUE_MOST else plain[: VALUE_MOST - 1] + "…"


def _number(value: str, _language: str) -> str:
    if not _NUMBER.fullmatch(value):
        raise ValueError(value)
    return str(int(value))


def _money(value: str, language: str) -> str:
    found = _MONEY.fullmatch(value)
    if found is None:
        raise ValueError(value)
    digits = exponent(found[2])
    minor = int(found[1])
    whole, rest = divmod(abs(minor), 10**digits)
    sign = "-" if minor < 0 else ""
    amount = f"{sign}{whole}.{rest:0{digits}}" if digits else f"{sign}{whole}"
    return f"{amount} 元" if language == "zh" and found[2] == "CNY" else f"{amount} {found[2]}"


def _time(value: str, language: str) -> str:
    moment = datetime.fromisoformat(value)
    if moment.utcoffset() is None:
        raise ValueError(value)
    local = moment.astimezone(_ZONE.get(language, _ZONE["en"]))
    zone = "" if language == "zh" else (" UTC" if local.utcoffset() == timedelta() else "")
    return f"{local:%Y-%m-%d %H:%M}{zone}"


_SHOW: Final = MappingProxyType(
    {Kind.TEXT: _text, Kind.NUMBER: _number, Kind.MONEY: _money, Kind.TIME: _time}
)
