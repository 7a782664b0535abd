"""Reads the file that says how often providers are asked (`probes.yaml`, or another)."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import yaml

from service.domain.inquiries import InquiryKind
from service.domain.providers import ASKABLE
from service.domain.schedules import PATIENT, Schedule, Schedules

SHIPPED: Final = "shipped"

_SPAN: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h|d)")
# No provider keeps a trade open for longer.
_LONGEST: Final = timedelta(days=366)
_UNITS: Final[Mapping[str, timedelta]] = MappingProxyType(
    {
        "ms": timedelta(milliseconds=1),
        "s": timedelta(seconds=1),
        "m": timedelta(minutes=1),
        "h": timedelta(hours=1),
        "d": timedelta(days=1),
    }
)
_KINDS: Final = tuple(kind.value.lower() for kind in InquiryKind)


def load(name: str) -> Schedules:
    """Return the schedules of a file, or the shipped ones for `shipped`.

    Raises:
        ValueError: the file cannot be read, or with everything that is wrong in it.
    """
    try:
        if name == SHIPPED:
            text = (
                resources.files("service").joinpath("schedules", "probes.yaml").read_text("utf-8")
            )
        else:
            text = Path(name).read_text("utf-8")
        return read(yaml.safe_load(text))
    except OSError as error:
        message = f"{name} cannot be read: {error.strerror}"
        raise ValueError(message) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}" if mark else ""
        message = f"{name} is no YAML{place}"
        raise ValueError(message) from error


def read(document: object) -> Schedules:
    """Return the schedules of a document, or raise ValueError with everything that is wrong."""
    reading = _Reading()
    table = dict(reading.document(document))
    if reading.problems:
        raise ValueError("; ".join(reading.problems))
    return Schedules(MappingProxyType(table))


class _Reading:
    def __init__(self) -> None:
        self.problems: list[str] = []

    def document(self, document: object) -> Iterator[tuple[tuple[str, str], Schedule]]:
        whole = self.mapping("the file", document, {"missed", "providers"})
        missed = self.mapping("missed", whole.get("missed", {}), {"first", "most"})
        first = self.length("missed.first", missed.get("first", "10s"))
        most = self.length("missed.most", missed.get("most", "10m"))
        if first > most:
            self.problems.append("missed.first is longer than missed.most")
        providers = self.mapping("providers", whole.get("providers"), set(ASKABLE))
        for provider in sorted(ASKABLE):
            where = f"providers.{provider}"
            kinds = self.mapping(where, providers.get(provider), set(_KINDS))
            for kind in _KINDS:
                at = f"{where}.{kind}"
                entry = self.mapping(at, kinds.get(kind), {"intervals", "give_up_after"})
                intervals = self.intervals(f"{at}.intervals", entry.get("intervals"))
                give_up = self.length(f"{at}.give_up_after", entry.get("give_up_after"))
                if intervals[0] >= give_up and not self.problems:
                    self.problems.append(f"{at} gives up before it has asked")
                yield (provider, kind.upper()), Schedule(intervals, give_up, first, most)

    def mapping(self, where: str, value: object, keys: set[str]) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.problems.append(f"{where} must be a mapping of {', '.join(sorted(keys))}")
            return {}
        for key in value:
            if key not in keys:
                known = ", ".join(sorted(keys))
                self.problems.append(f"{where} has {key!r}, which is none of {known}")
        return value

    def intervals(self, where: str, value: object) -> tuple[timedelta, ...]:
        if not isinstance(value, list) or not value:
            self.problems.append(f"{where} must be a list of spans such as [30s, 1m, 1h]")
            return PATIENT.intervals
        spans = tuple(self.length(f"{where}[{at}]", each) for at, each in enumerate(value))
        if list(spans) != sorted(spans):
            self.problems.append(f"{where} must not shrink")
        return spans

    def length(self, where: str, value: object) -> timedelta:
        found = _SPAN.fullmatch(value) if isinstance(value, str) else None
        span = float(found[1]) * _UNITS[found[2]] if found else timedelta()
        if not timedelta(milliseconds=1) <= span <= _LONGEST:
            self.problems.append(f"{where} is {value!r}, and no span such as 500ms, 30s, 2h or 3d")
            return PATIENT.intervals[0]
        return span
