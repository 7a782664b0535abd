"""People who buy at five channels, made from a seed: with masks, shared phones, and families."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from service.domain.customers.identity import PROVING, Identity, IdentityKind

PEOPLE: Final = 5_000
# How many orders of a channel tell a phone, a mail, a name that is not masked.
CHANNELS: Final[Mapping[str, tuple[float, float, float]]] = {
    "douyin": (0.2, 0.0, 0.2),
    "jd": (0.6, 0.0, 0.9),
    "mini": (1.0, 0.3, 0.8),
    "shopify": (0.8, 1.0, 1.0),
    "taobao": (0.4, 0.0, 0.5),
}

Pairs = set[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Purchase:
    """One order: who really bought, the account, the channel, and what it tells of the person."""

    person: int
    key: str
    channel: str
    marks: tuple[Identity, ...]


def purchases(dice: random.Random, people: int) -> list[Purchase]:
    """Everybody buys at five channels; each tenth shares the phone with the one before."""
    made = []
    for person in range(people):
        household = person - 1 if person % 10 == 1 else person
        for channel, (phone, mail, name) in CHANNELS.items():
            told = {
                IdentityKind.PHONE: f"p{household}" if dice.random() < phone else "",
                # Some three hundred names go round.
                IdentityKind.NAME: f"h-{person % 311}" if dice.random() < name else "",
            }
            if channel in {"mini", "shopify"}:
                told[IdentityKind.MAIL] = f"m{person}" if dice.random() < mail else ""
            marks = tuple(Identity(kind, digest) for kind, digest in told.items())
            made.append(Purchase(person, f"{channel}-{person}", channel, marks))
    dice.shuffle(made)
    return made


def pairs(told: Iterable[tuple[object, str]]) -> Pairs:
    """Return every two of the same group."""
    groups: dict[object, list[str]] = defaultdict(list)
    for group, each in told:
        groups[group].append(each)
    return {pair for each in groups.values() for pair in combinations(sorted(each), 2)}


def matchable(true: Pairs, marks: Mapping[str, Iterable[Identity]]) -> Pairs:
    """Return those of the true pairs of which anything at all tells that they are one."""
    proving = {
        buyer: {each for each in told if each.kind in PROVING and not each.is_masked}
        for buyer, told in marks.items()
    }
    return {(one, other) for one, other in true if proving[one] & proving[other]}
