"""Makes the rules for single values from template data: places, times, money, conditions."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Final

from streams.logic.normalising import amounts, times
from streams.logic.normalising.blanks import Blank
from streams.logic.normalising.currencies import WRITTEN
from streams.logic.normalising.facts import Money
from streams.logic.normalising.places import Path
from streams.logic.normalising.refusals import TemplateError
from streams.logic.normalising.shapes import (
    each_of,
    every,
    mapping,
    maybe,
    member,
    needed,
    string,
    strings,
    within,
)
from streams.logic.normalising.template import (
    Condition,
    CustomerRule,
    LineRule,
    MoneyRule,
    Pick,
    RefRule,
    Refusal,
    TimeRule,
)

_TIMES: Final[Mapping[str, Callable[[object], datetime]]] = MappingProxyType(
    {
        "rfc3339": times.rfc3339,
        "epoch_seconds": times.epoch_seconds,
        "epoch_milliseconds": times.epoch_milliseconds,
    }
)
_UNITS: Final[Mapping[str, Callable[[object, str], Money]]] = MappingProxyType(
    {
        "minor": amounts.minor_units,
        "decimal": amounts.decimal,
        "displayed": amounts.displayed,
    }
)
_TESTS: Final = {"is", "is_not", "begins", "begins_not", "contains", "contains_not"}
_MONEY: Final = {
    *("path", "sum", "less", "unit", "digits", "currency", "written", "optional", "sign", "inexact")
}


def pick(value: object) -> Pick:
    """Return where a value is: one path or several, a literal, a path with a default."""
    if isinstance(value, str | list):
        return Pick(paths(value))
    data = mapping(value, {"path", "is", "optional"})
    literal = data.get("is")
    if not isinstance(literal, str | None) or not {"path", "is"} & set(data):
        raise TemplateError(f"A value has a path, or is a literal text: {data}")
    found = needed(paths, data, "path") if "path" in data else ()
    return Pick(found, literal, is_optional=data.get("optional") is True)


def choice(value: object) -> tuple[Pick, str]:
    """Return what a case is chosen by, and the sign from which on the text is only for people."""
    if not isinstance(value, dict) or "cut_at" not in value:
        return pick(value), ""
    rest = {key: each for key, each in value.items() if key != "cut_at"}
    return pick(rest), string(value, "cut_at")


def paths(value: object) -> tuple[Path, ...]:
    """Return one path or several."""
    return each_of(path, value) if isinstance(value, list) else (path(value),)


def path(value: object) -> Path:
    """Return a path."""
    if not isinstance(value, str):
        raise TemplateError(f"A path is text, not {value!r}.")
    return Path.parse(value)


def time(value: object) -> TimeRule:
    """Return when it happened; `receipt` is the time of receipt."""
    if value == "receipt":
        return TimeRule(Pick(is_optional=True), None)
    data = mapping(value, {"path", "latest", "format", "zone", "or"})
    if ("path" in data) is ("latest" in data):
        raise TemplateError("A time has a path, or is the latest of several.")
    if "zone" in data:
        with within("format"):
            patterns = tuple(times.pattern(each) for each in strings(data.get("format")))
        with within("zone"):
            zone = times.zone(string(data, "zone"))
        read: Callable[[object], datetime] = partial(times.local, patterns=patterns, zone=zone)
    else:
        with within("format"):
            read = member(_TIMES, string(data, "format"))
    if data.get("or", "receipt") != "receipt":
        raise TemplateError("The only other time is that of the receipt: write or: receipt.")
    return TimeRule(
        Pick(needed(paths, data, "latest" if "latest" in data else "path")),
        read,
        falls_back_to_receipt="or" in data,
        is_latest="latest" in data,
    )


def money(value: object) -> MoneyRule:
    """Return how much: the place, the unit and the currency."""
    data = mapping(value, _MONEY)
    if ("sum" in data) is ("path" in data):
        raise TemplateError("An amount has a path, or is the sum of several.")
    terms = maybe(_terms, data, "sum") or ()
    found = Pick(
        terms[0] if terms else needed(paths, data, "path"),
        is_optional=data.get("optional") is True,
    )
    with within("unit"):
        read = member(_UNITS, string(data, "unit"))
    if "digits" in data:
        if read is not amounts.minor_units:
            raise TemplateError("Only minor units have digits of their own.")
        read = partial(amounts.counted_apart, digits=_digits(data["digits"]))
    if data.get("sign", "minus") != "minus":
        raise TemplateError("The only sign is minus: the sender writes what went out below zero.")
    if "sign" in data:
        read = partial(amounts.below_zero, read=read)
    if data.get("inexact", "none") != "none":
        raise TemplateError("What is inexact can only be none.")
    with within("written"):
        code = member(WRITTEN, string(data, "written", "upper"))
    return MoneyRule(
        found,
        needed(pick, data, "currency"),
        code,
        read,
        terms=terms,
        less=maybe(paths, data, "less") or (),
        drops_inexact="inexact" in data,
    )


def _terms(value: object) -> tuple[tuple[Path, ...], ...]:
    return each_of(paths, value) if isinstance(value, list) else (paths(value),)


def _digits(value: object) -> Mapping[str, int]:
    data = mapping(value, None)
    digits = {key: each for key, each in data.items() if isinstance(each, int)}
    if digits != data or not set(digits.values()) <= {0, 2, 3}:
        raise TemplateError(f"A currency has 0, 2 or 3 digits: {data}")
    return MappingProxyType(digits)


def ref(value: object) -> RefRule:
    """Return a name of the order."""
    data = mapping(value, {"namespace", "value", "each", "only"})
    return RefRule(
        namespace=needed(pick, data, "namespace"),
        value=needed(pick, data, "value"),
        each=maybe(path, data, "each"),
        only=maybe(condition, data, "only"),
    )


def lines(value: object) -> LineRule:
    """Return what was bought."""
    data = mapping(value, {"each", "sku", "quantity", "unit_price", "skip_none", "category"})
    return LineRule(
        each=needed(paths, data, "each"),
        sku=needed(pick, data, "sku"),
        quantity=needed(pick, data, "quantity"),
        unit_price=maybe(money, data, "unit_price"),
        skips_none=data.get("skip_none") is True,
        category=maybe(pick, data, "category"),
    )


def customer(value: object) -> CustomerRule:
    """Return who bought."""
    data = mapping(value, {"path", "optional", "opaque"})
    found = pick({key: data[key] for key in ("path", "optional") if key in data})
    return CustomerRule(found, is_opaque=data.get("opaque") is True)


def conditions(data: Mapping[str, object], key: str = "when") -> tuple[Condition, ...]:
    """Return the conditions under a key; all of them must hold."""
    return every(condition, data, key)


def condition(value: object) -> Condition:
    """Return one condition: presence, or what a value is, begins with or contains."""
    data = mapping(value, {"present", "absent", "path"} | _TESTS)
    if set(data) in ({"present"}, {"absent"}):
        (key,) = data
        return Condition(needed(paths, data, key), negated=key == "absent")
    tests = _TESTS & set(data)
    if len(tests) != 1 or set(data) != {"path", *tests}:
        raise TemplateError(
            "A condition is {present: a}, {absent: a}, or a path with one of is, is_not, begins, "
            "begins_not, contains, contains_not."
        )
    (test,) = tests
    told = needed(strings, data, test)
    kind = test.removesuffix("_not")
    return Condition(
        needed(paths, data, "path"),
        equals=told if kind == "is" else (),
        begins=told if kind == "begins" else (),
        contains=told if kind == "contains" else (),
        negated=test.endswith("_not"),
    )


def refusal(value: object) -> Refusal:
    """Return how to know a message that is something else, and what to do with it."""
    data = mapping(value, {"advice", "present", "path"} | _TESTS)
    found = condition({key: each for key, each in data.items() if key != "advice"})
    return Refusal(found, " ".join(string(data, "advice").split()))


def blank(value: object) -> Blank:
    """Return which texts stand for no value, in every field or in some."""
    data = mapping(value, {"is", "fields"})
    fields = strings(data["fields"]) if "fields" in data else ()
    return Blank(frozenset(needed(strings, data, "is")), frozenset(fields))
