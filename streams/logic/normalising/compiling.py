"""Makes templates from their data, and refuses data that says anything it does not know."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from streams.logic.normalising import valuing
from streams.logic.normalising.bodies import FORMATS
from streams.logic.normalising.facts import Circumstance, FactKind
from streams.logic.normalising.identity_rules import identity_rule
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
    together,
    within,
)
from streams.logic.normalising.template import FactRule, Part, Template

# An outcome tells it in 32 bits.
VERSION_MAX: Final = 2**31 - 1
_PART: Final = {"when", "order", "always", "switch", "other_cases", "cases", "parts"}
_TEMPLATE: Final = {
    *(
        "name",
        "version",
        "about",
        "format",
        "channel",
        "records",
        "json_text",
        "blank",
        "refuse",
        "source",
    ),
    *("channel_at", "circumstances", "unquote", *_PART),
}
_FACT: Final = {
    *("fact", "at", "when", "amount", "list_amount", "voucher", "customer", "note", "provider"),
    *("account", "payment", "more_refs", "lines", "circumstances", "identities"),
    "coupons",
}


def templates_from(documents: Iterable[object]) -> dict[str, Template]:
    """Return templates by name, each from one document of plain data.

    Raises:
        TemplateError: a document is no template, two have one name, or a base is missing.
    """
    by_name: dict[str, dict[str, object]] = {}
    for document in documents:
        data = mapping(document, None)
        name = string(data, "name")
        if name in by_name:
            raise TemplateError(f"Two templates are named {name}.", name)
        by_name[name] = data
    return {name: _named(name, data, by_name) for name, data in by_name.items()}


def _named(
    name: str, data: dict[str, object], by_name: Mapping[str, dict[str, object]]
) -> Template:
    try:
        return _template(_with_base(data, by_name))
    except TemplateError as error:
        named = TemplateError(f"Template {name}: {error}", name)
        named.trail, named.others = error.trail, error.others
        raise named from error


def _with_base(
    data: dict[str, object], by_name: Mapping[str, dict[str, object]]
) -> dict[str, object]:
    base = data.get("based_on")
    if base is None:
        return data
    if not isinstance(base, str) or base not in by_name or "based_on" in by_name[base]:
        with within("based_on"):
            raise TemplateError(f"{base!r} is no template that another can be based on.")
    own = {key: value for key, value in data.items() if key != "based_on"}
    return {**by_name[base], **own}


def _template(data: dict[str, object]) -> Template:
    wrong: list[TemplateError] = []
    try:
        mapping(data, _TEMPLATE)
    except TemplateError as error:
        wrong += error.all
    try:
        made = _made({key: value for key, value in data.items() if key in _TEMPLATE})
    except TemplateError as error:
        # What a misspelt name leaves out is no second mistake.
        wrong += [each for each in error.all if each.trail or not wrong]
    together(wrong)
    return made


def _made(data: dict[str, object]) -> Template:
    form = string(data, "format", "json")
    if ("order" in data) is (form == "opaque"):
        raise TemplateError("A template names its order, unless its format is opaque.")
    with within("format"):
        opening = member(FORMATS, form)
    with within("records"):
        records = valuing.paths(data.get("records", "."))
    return Template(
        name=string(data, "name"),
        version=_version(data),
        channel=string(data, "channel", ""),
        opening=opening,
        root=_part(data, records),
        source=maybe(valuing.pick, data, "source"),
        channel_at=maybe(valuing.pick, data, "channel_at"),
        json_text=every(str, data, "json_text"),
        blanks=every(valuing.blank, data, "blank"),
        unquotes=data.get("unquote") is True,
        refuse=every(valuing.refusal, data, "refuse"),
        circumstances=every(_circumstance, data, "circumstances"),
    )


def _version(data: Mapping[str, object]) -> int:
    version = data.get("version", 1)
    if not isinstance(version, int) or isinstance(version, bool) or not 1 <= version <= VERSION_MAX:
        with within("version"):
            raise TemplateError(
                f"A version is a whole number from 1 to {VERSION_MAX}, not {version!r}."
            )
    return version


def _part(data: Mapping[str, object], each: tuple[Path, ...]) -> Part:
    with within("cases"):
        cases = mapping(data.get("cases", {}), None)
    if "switch" in data and not cases:
        with within("switch"):
            raise TemplateError("A switch has cases: write what each value of it means.")
    if cases and "switch" not in data:
        with within("cases"):
            raise TemplateError("Cases have a switch: write by which field they are chosen.")
    switch, cut_at = maybe(valuing.choice, data, "switch") or (None, "")
    by_case = _cases(cases)
    return Part(
        each=each,
        when=valuing.conditions(data),
        order=maybe(valuing.ref, data, "order"),
        always=every(_fact, data, "always"),
        switch=switch,
        cut_at=cut_at,
        cases=MappingProxyType(by_case),
        others=_others(data),
        parts=every(_inner, data, "parts"),
    )


def _cases(cases: Mapping[str, object]) -> dict[str, tuple[FactRule, ...]]:
    found: dict[str, tuple[FactRule, ...]] = {}
    wrong: list[TemplateError] = []
    for key in cases:
        try:
            with within("cases"):
                found[key] = every(_fact, cases, key)
        except TemplateError as error:
            wrong += error.all
    together(wrong)
    return found


def _others(data: Mapping[str, object]) -> tuple[FactRule, ...] | None:
    value = data.get("other_cases", "refuse")
    if value == "refuse":
        return None
    if value == "ignore":
        return ()
    with within("other_cases"):
        if not isinstance(value, list):
            raise TemplateError(f"other_cases is refuse, ignore or a list of facts, not {value!r}.")
        return each_of(_fact, value)


def _inner(part: object) -> Part:
    data = mapping(part, {"each"} | _PART)
    return _part(data, needed(valuing.paths, data, "each"))


def _fact(rule: object) -> FactRule:
    data = mapping(rule, _FACT)
    told = data.get("circumstances")
    is_told = isinstance(told, dict)
    with within("fact"):
        kind = member(FactKind.__members__, string(data, "fact"))
    return FactRule(
        kind=kind,
        at=needed(valuing.time, data, "at"),
        when=valuing.conditions(data),
        amount=maybe(valuing.money, data, "amount"),
        list_amount=maybe(valuing.money, data, "list_amount"),
        voucher=maybe(valuing.pick, data, "voucher"),
        customer=maybe(valuing.customer, data, "customer"),
        identities=every(identity_rule, data, "identities"),
        note=maybe(valuing.pick, data, "note"),
        provider=maybe(valuing.pick, data, "provider"),
        account=maybe(valuing.pick, data, "account"),
        payment=maybe(valuing.pick, data, "payment"),
        more_refs=every(valuing.ref, data, "more_refs"),
        lines=maybe(valuing.lines, data, "lines"),
        coupons=maybe(valuing.paths, data, "coupons") or (),
        circumstances=() if is_told else every(_circumstance, data, "circumstances"),
        circumstances_at=maybe(_circumstances_at, data, "circumstances") if is_told else None,
    )


def _circumstance(value: object) -> Circumstance:
    return member(Circumstance.__members__, str(value))


def _circumstances_at(value: object) -> Path:
    return needed(valuing.path, mapping(value, {"path"}), "path")
