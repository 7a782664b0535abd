"""Reads what a template says of by what people are known."""

from collections.abc import Mapping
from typing import Final

from streams.logic.normalising import valuing
from streams.logic.normalising.facts import IdentityKind
from streams.logic.normalising.refusals import TemplateError
from streams.logic.normalising.shapes import every, mapping, maybe, member, needed, string, within
from streams.logic.normalising.template import IdentityRule

# Whose number it is: what two shops have in common, or the country by whose rules it is written.
_SCOPES: Final[Mapping[IdentityKind, str]] = {
    IdentityKind.PLATFORM: "namespace",
    IdentityKind.PHONE: "region",
}


def identity_rule(value: object) -> IdentityRule:
    """Return the rule, or raise `TemplateError`."""
    kinds = {each.value.lower(): each for each in IdentityKind}
    told = mapping(value, {"kind", "path", "parts", "namespace", "region"})
    with within("kind"):
        kind = member(kinds, string(told, "kind"))
    is_address = kind is IdentityKind.ADDRESS
    scope = _SCOPES.get(kind)
    own = {"kind", "path", *({"parts"} if is_address else ()), *({scope} if scope else ())}
    data = mapping(value, own)
    if "parts" in data and "path" in data:
        raise TemplateError("An address has a path or parts, not both.")
    if "parts" in data:
        picks = every(valuing.pick, data, "parts")
    else:
        picks = (needed(valuing.pick, data, "path"),)
    return IdentityRule(kind, picks, maybe(valuing.pick, data, scope) if scope else None)
