"""Reads the effects of acts and steps."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from yaml.nodes import MappingNode, Node, ScalarNode

from service.catalogue.marked import UPPER, Reading
from service.domain.desk.workflows import Effect, EffectKind
from service.domain.lifecycle import Action

# What each needs. Where that is one thing it may stand alone: `hold: ADDRESS_WRONG`.
NEEDED: Final[Mapping[EffectKind, tuple[str, ...]]] = MappingProxyType(
    {
        EffectKind.HOLD: ("reason",),
        EffectKind.RELEASE: ("reason",),
        EffectKind.TRANSITION: ("action",),
        EffectKind.REFUND: ("amount", "reason"),
        EffectKind.NOTICE: ("template", "to"),
        EffectKind.PURCHASE: (),
        EffectKind.MILESTONE: ("name",),
        EffectKind.COUPON: ("template",),
        EffectKind.CASE: ("type",),
    }
)
# Of these a person, or evidence, says more than a workflow knows; RELEASE and HOLD are effects.
ACTIONS: Final = tuple(
    each.value for each in (Action.CANCEL, Action.REINSTATE, Action.ALLOCATE, Action.COMPLETE)
)
CUSTOMER: Final = "customer"
# All that is left of what came; what came beyond the total.
AMOUNTS: Final = ("all", "surplus")


@dataclass(frozen=True, slots=True)
class Known:
    """What files may name. A collection that is None takes any name."""

    roles: Collection[str] | None = None
    documents: Collection[str] | None = None
    templates: Collection[str] | None = None
    coupons: Collection[str] | None = None
    types: Collection[str] | None = None


def effects(reading: Reading, node: Node, known: Known) -> tuple[Effect, ...]:
    """Return the effects of a list."""
    found = [_effect(reading, each, known) for each in reading.items(node, "list of effects")]
    return tuple(each for each in found if each)


def _effect(reading: Reading, node: Node, known: Known) -> Effect | None:
    kinds = {each.value: each for each in EffectKind}
    if isinstance(node, ScalarNode):
        name, value = node, None
    else:
        parts = list(reading.pairs(node, "effect"))
        if len(parts) != 1:
            advice = "begin each effect with `- `, as in `- hold: ADDRESS_WRONG`"
            reading.wrong(node, f"one effect has {len(parts)} names", advice)
            return None
        name, value = parts[0]
    kind = kinds.get(reading.one_of(name, kinds, "effect"))
    if kind is None:
        return None
    return Effect(kind, MappingProxyType(_values(reading, kind, name, value, known)))


def _values(
    reading: Reading, kind: EffectKind, name: Node, value: Node | None, known: Known
) -> dict[str, str]:
    needed = NEEDED[kind]
    if value is None or not needed:
        if value is None and needed:
            reading.wrong(
                name,
                f"the effect `{kind.value}` does not say its {' and '.join(needed)}",
                f"write `{_example(kind)}`",
            )
        return {}
    if isinstance(value, MappingNode) or len(needed) > 1:
        parts = reading.fields(value, needed, noun=f"effect `{kind.value}`")
        if not isinstance(value, MappingNode):
            return {}
    else:
        parts = {needed[0]: value}
    return {part: _value(reading, kind, part, parts[part], known) for part in needed}


def _value(reading: Reading, kind: EffectKind, part: str, node: Node, known: Known) -> str:
    if part == "reason":
        return reading.name(node, UPPER)
    if part == "action":
        return reading.one_of(node, ACTIONS, "action")
    if part == "amount":
        return _amount(reading, node)
    if part == "to":
        return _recipient(reading, node, known)
    among = {
        (EffectKind.NOTICE, "template"): (known.templates, "template"),
        (EffectKind.COUPON, "template"): (known.coupons, "kind of coupon"),
        (EffectKind.CASE, "type"): (known.types, "type of case"),
    }.get((kind, part))
    if among is None or among[0] is None:
        return reading.text(node, part)
    return reading.one_of(node, among[0], among[1])


def _amount(reading: Reading, node: Node) -> str:
    text = reading.text(node, "amount")
    if text and text not in AMOUNTS and not (text.isdecimal() and int(text) > 0):
        advice = "write `all`, `surplus`, or an amount in the smallest unit such as 1000"
        reading.wrong(node, f"`{text}` is no amount", advice)
    return text


def _recipient(reading: Reading, node: Node, known: Known) -> str:
    text = reading.text(node, "recipient")
    sort, _, role = text.partition(":")
    is_role = sort == "role" and (known.roles is None or role in known.roles)
    if text and text != CUSTOMER and not is_role:
        roles = ", ".join(f"`role:{each}`" for each in sorted(known.roles or ()))
        reading.wrong(node, f"`{text}` is no recipient", f"write `customer`, or one of {roles}")
    return text


def _example(kind: EffectKind) -> str:
    return {
        EffectKind.REFUND: "refund: {amount: all, reason: OUT_OF_STOCK}",
        EffectKind.NOTICE: "notice: {template: delay_expected, to: customer}",
        EffectKind.TRANSITION: "transition: CANCEL",
        EffectKind.MILESTONE: "milestone: 海关查验中",
        EffectKind.COUPON: "coupon: delay",
        EffectKind.CASE: "case: CARRIER_LOSS",
    }.get(kind, f"{kind.value}: ADDRESS_WRONG")
