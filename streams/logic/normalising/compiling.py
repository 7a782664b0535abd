"""Makes templates from their data, and refuses data that says anything it does not know.

A misspelt key in a template would silently lose a field of every message; so every mapping names
the keys that it may have.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Final, TypeVar

from streams.logic.normalising import amounts, times
from streams.logic.normalising.bodies import FORMATS
from streams.logic.normalising.currencies import WRITTEN
from streams.logic.normalising.facts import Circumstance, FactKind, Money
from streams.logic.normalising.places import Path
from streams.logic.normalising.refusals import TemplateError
from streams.logic.normalising.template import (
    Condition,
    CustomerRule,
    FactRule,
    LineRule,
    MoneyRule,
    Part,
    Pick,
    RefRule,
    Refusal,
    Template,
    TimeRule,
)

_T = TypeVar("_T")

_TIMES: Final[Mapping[str, Callable[[object], datetime]]] = MappingProxyType(
    {
        "rfc3339": times.rfc3339,
        "epoch_seconds": times.epoch_seconds,
        "epoch_milliseconds": times.epoch_milliseconds,
    }
)
_UNITS: Final[Mapping[str, Callable[[object, str], Money]]] = MappingProxyType(
    {"minor": amounts.minor_units, "decimal": amounts.decimal}
)
_PICK_KEYS: Final = {"path", "is", "optional"}
_ORDER: Final = {"namespace", "value"}
_PART_KEYS: Final = {"when", "order", "always", "switch", "other_cases", "cases", "parts"}


def templates_from(documents: Iterable[object]) -> dict[str, Template]:
    """Return templates by name, each from one document of plain data.

    Raises:
        TemplateError: a document is no template, two have one name, or a base is missing.
    """
    by_name: dict[str, dict[str, object]] = {}
    for document in documents:
        data = _mapping(document, None)
        name = _string(data, "name")
        if name in by_name:
            raise TemplateError(f"Two templates are named {name}.")
        by_name[name] = data
    return {name: _named(name, data, by_name) for name, data in by_name.items()}


def _named(
    name: str, data: dict[str, object], by_name: Mapping[str, dict[str, object]]
) -> Template:
    try:
        return _template(_with_base(data, by_name))
    except TemplateError as error:
        raise TemplateError(f"Template {name}: {error}") from error


def _with_base(
    data: dict[str, object], by_name: Mapping[str, dict[str, object]]
) -> dict[str, object]:
    base = data.get("based_on")
    if base is None:
        return data
    if not isinstance(base, str) or base not in by_name or "based_on" in by_name[base]:
        raise TemplateError(f"{base!r} is no template that another can be based on.")
    own = {key: value for key, value in data.items() if key != "based_on"}
    return {**by_name[base], **own}


def _template(data: dict[str, object]) -> Template:
    allowed = {"name", "about", "format", "channel", "records", "json_text", "refuse", "source"}
    _mapping(data, allowed | _PART_KEYS | {"channel_at", "circumstances"})
    form = _string(data, "format", "json")
    if ("order" in data) is (form == "opaque"):
        raise TemplateError("A template names its order, unless its format is opaque.")
    return Template(
        name=_string(data, "name"),
        channel=_string(data, "channel", ""),
        opening=_member(FORMATS, form),
        root=_part(data, _paths(data.get("records", "."))),
        source=_maybe(_pick, data.get("source")),
        channel_at=_maybe(_pick, data.get("channel_at")),
        json_text=tuple(str(each) for each in _list(data.get("json_text"))),
        refuse=tuple(_refusal(each) for each in _list(data.get("refuse"))),
        circumstances=_circumstances(data.get("circumstances")),
    )


def _part(data: Mapping[str, object], each: tuple[Path, ...]) -> Part:
    cases = _mapping(data.get("cases", {}), None)
    if bool(cases) is not ("switch" in data):
        raise TemplateError("switch and cases go together.")
    return Part(
        each=each,
        when=_conditions(data.get("when")),
        order=_maybe(_ref, data.get("order")),
        always=_facts(data.get("always")),
        switch=_maybe(_pick, data.get("switch")),
        cases=MappingProxyType({key: _facts(rules) for key, rules in cases.items()}),
        others=_others(data.get("other_cases", "refuse")),
        parts=tuple(_inner(part) for part in _list(data.get("parts"))),
    )


def _others(value: object) -> tuple[FactRule, ...] | None:
    if value == "refuse":
        return None
    if value == "ignore":
        return ()
    if not isinstance(value, list):
        raise TemplateError(f"other_cases is refuse, ignore or a list of facts, not {value!r}.")
    return _facts(value)


def _inner(part: object) -> Part:
    data = _mapping(part, {"each"} | _PART_KEYS)
    return _part(data, _paths(data.get("each")))


def _refusal(value: object) -> Refusal:
    data = _mapping(value, {"present", "advice"})
    return Refusal(_path(data.get("present")), " ".join(_string(data, "advice").split()))


def _facts(rules: object) -> tuple[FactRule, ...]:
    return tuple(_fact(rule) for rule in _list(rules))


def _fact(rule: object) -> FactRule:
    allowed = {"fact", "at", "when", "amount", "list_amount", "voucher", "customer", "note"}
    allowed |= {"provider", "account", "payment"}
    data = _mapping(rule, allowed | {"more_refs", "lines", "circumstances"})
    circumstances = data.get("circumstances")
    is_told = isinstance(circumstances, dict)
    return FactRule(
        kind=_member(FactKind.__members__, _string(data, "fact")),
        at=_time(data.get("at")),
        when=_conditions(data.get("when")),
        amount=_maybe(_money, data.get("amount")),
        list_amount=_maybe(_money, data.get("list_amount")),
        voucher=_maybe(_pick, data.get("voucher")),
        customer=_maybe(_customer, data.get("customer")),
        note=_maybe(_pick, data.get("note")),
        provider=_maybe(_pick, data.get("provider")),
        account=_maybe(_pick, data.get("account")),
        payment=_maybe(_pick, data.get("payment")),
        more_refs=tuple(_ref(each) for each in _list(data.get("more_refs"))),
        lines=_maybe(_lines, data.get("lines")),
        circumstances=() if is_told else _circumstances(circumstances),
        circumstances_at=_path(_mapping(circumstances, {"path"})["path"]) if is_told else None,
    )


def _time(value: object) -> TimeRule:
    if value == "receipt":
        return TimeRule(Pick(is_optional=True), None)
    data = _mapping(value, {"path", "format", "zone", "or"})
    if "zone" in data:
        patterns = tuple(times.pattern(each) for each in _strings(data.get("format")))
        read: Callable[[object], datetime] = partial(
            times.local, patterns=patterns, zone=times.zone(_string(data, "zone"))
        )
    else:
        read = _member(_TIMES, _string(data, "format"))
    if data.get("or", "receipt") != "receipt":
        raise TemplateError("The only other time is that of the receipt.")
    return TimeRule(Pick(_paths(data.get("path"))), read, falls_back_to_receipt="or" in data)


def _money(value: object) -> MoneyRule:
    data = _mapping(value, {"path", "unit", "digits", "currency", "written", "optional"})
    pick = _pick({key: data[key] for key in ("path", "optional") if key in data})
    read = _member(_UNITS, _string(data, "unit"))
    if "digits" in data:
        if read is not amounts.minor_units:
            raise TemplateError("Only minor units have digits of their own.")
        read = partial(amounts.counted_apart, digits=_digits(data["digits"]))
    code = _member(WRITTEN, _string(data, "written", "upper"))
    return MoneyRule(pick, _pick(data.get("currency")), code, read)


def _digits(value: object) -> Mapping[str, int]:
    data = _mapping(value, None)
    digits = {key: each for key, each in data.items() if isinstance(each, int)}
    if digits != data or not set(digits.values()) <= {0, 2, 3}:
        raise TemplateError(f"A currency has 0, 2 or 3 digits: {data}")
    return MappingProxyType(digits)


def _ref(value: object) -> RefRule:
    data = _mapping(value, _ORDER | {"each", "only"})
    return RefRule(
        namespace=_pick(data.get("namespace")),
        value=_pick(data.get("value")),
        each=_maybe(_path, data.get("each")),
        only=_maybe(_condition, data.get("only")),
    )


def _lines(value: object) -> LineRule:
    data = _mapping(value, {"each", "sku", "quantity", "unit_price", "skip_none"})
    return LineRule(
        each=_path(data.get("each")),
        sku=_pick(data.get("sku")),
        quantity=_pick(data.get("quantity")),
        unit_price=_maybe(_money, data.get("unit_price")),
        skips_none=data.get("skip_none") is True,
    )


def _customer(value: object) -> CustomerRule:
    data = _mapping(value, {"path", "optional", "opaque"})
    pick = _pick({key: data[key] for key in ("path", "optional") if key in data})
    return CustomerRule(pick, is_opaque=data.get("opaque") is True)


def _conditions(value: object) -> tuple[Condition, ...]:
    return tuple(_condition(each) for each in _list(value))


def _condition(value: object) -> Condition:
    data = _mapping(value, {"present", "absent", "path", "is"})
    if set(data) == {"path", "is"}:
        return Condition(_paths(data["path"]), equals=_strings(data["is"]))
    if set(data) in ({"present"}, {"absent"}):
        (key,) = data
        return Condition(_paths(data[key]), negated=key == "absent")
    raise TemplateError(f"No condition: {sorted(data)}")


def _pick(value: object) -> Pick:
    if isinstance(value, str | list):
        return Pick(_paths(value))
    data = _mapping(value, _PICK_KEYS)
    literal = data.get("is")
    if not isinstance(literal, str | None) or not {"path", "is"} & set(data):
        raise TemplateError(f"A value has a path, or is a literal text: {data}")
    paths = _paths(data["path"]) if "path" in data else ()
    return Pick(paths, literal, is_optional=data.get("optional") is True)


def _paths(value: object) -> tuple[Path, ...]:
    return tuple(_path(each) for each in (value if isinstance(value, list) else [value]))


def _path(value: object) -> Path:
    if not isinstance(value, str):
        raise TemplateError(f"A path is text, not {value!r}.")
    return Path.parse(value)


def _circumstances(value: object) -> tuple[Circumstance, ...]:
    return tuple(_member(Circumstance.__members__, str(each)) for each in _list(value))


def _maybe(make: Callable[[object], _T], value: object) -> _T | None:
    return None if value is None else make(value)


def _member(members: Mapping[str, _T], name: str) -> _T:
    if name not in members:
        raise TemplateError(f"{name!r} is none of {', '.join(members)}.")
    return members[name]


def _mapping(value: object, allowed: set[str] | None) -> dict[str, object]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise TemplateError(f"A mapping with text keys belongs here, not {value!r}.")
    unknown = set(value) - allowed if allowed is not None else set()
    if unknown:
        raise TemplateError(f"Unknown keys: {', '.join(sorted(unknown))}.")
    return value


def _list(value: object) -> list[object]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise TemplateError(f"A list belongs here, not {value!r}.")
    return value


def _strings(value: object) -> tuple[str, ...]:
    found = tuple(value) if isinstance(value, list) else (value,)
    if not found or not all(isinstance(each, str) for each in found):
        raise TemplateError(f"A text, or a list of them, belongs here, not {value!r}.")
    return found


def _string(data: Mapping[str, object], key: str, default: str | None = None) -> str:
    value = data.get(key, default)
    if not isinstance(value, str):
        raise TemplateError(f"{key} is text, not {value!r}.")
    return value
