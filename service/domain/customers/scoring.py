"""How certain it is that two customers are one person, from what both are known by.

Independent evidence leaves less doubt each: what is left of 1000 is multiplied. What speaks
against it takes a share of the result. Masks are no evidence: they have no digest to be equal.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from service.domain.customers.identity import PROVING, Identity, IdentityKind
from service.domain.customers.people import Buyer, Evidence

# From 900 the service merges: of a hundred such pairs at most a few are wrong, and those are found
# by what else comes (they are withdrawn below 700). Below 500 nobody is asked to look.
MERGE_FROM: Final = 900
KEEP_FROM: Final = 700
SUGGEST_FROM: Final = 500
# Neighbours and namesakes live alike: never enough to merge.
WITHOUT_PROOF_MOST: Final = 890

# One phone number or mail box belongs to one person, if nothing says otherwise.
EQUAL: Final[Mapping[IdentityKind, int]] = MappingProxyType(
    {IdentityKind.PLATFORM: 970, IdentityKind.PHONE: 920, IdentityKind.MAIL: 920}
)
# A family's phone, or one to which only a gift went: it takes the name, too.
SHARED: Final = 550
NAME_EQUAL: Final = 800
ADDRESS_LIKE: Final = 700
# Of 32 parts of a sketch: 0.6, which two writings of one address have and two streets have not.
ALIKE_FROM: Final = 19
PART_DIGITS: Final = 4
# What is left of the score.
NAME_DIFFERS: Final = 600
SAME_SHOP: Final = 700
# More accounts than one person has, at whatever number of channels.
ACCOUNTS_MOST: Final = 12
SCRIPTS: Final = ("h-", "l-")

IsShared = Callable[[Identity], bool]


@dataclass(frozen=True, slots=True)
class Weighed:
    """How certain, on what, and by which buyer of each side."""

    score: int
    evidence: tuple[Evidence, ...]
    buyers: tuple[str, str]


def weigh(left: Sequence[Buyer], right: Sequence[Buyer], is_shared: IsShared) -> Weighed | None:
    """Return how certain it is that two customers are one; None where nothing says so."""
    common = sorted(_marks(left) & _marks(right), key=lambda each: (each.kind.value, each.digest))
    found = [_equal(each, left, right, is_shared) for each in common if each.kind in PROVING]
    bearers = (left, right)
    if found:
        proofs = {each for each in common if each.kind in PROVING}
        bearers = (_bearing(left, proofs), _bearing(right, proofs))
    names = _names(*bearers) or _names(left, right)
    if not found:
        found = list(_like(left, right)) if names is not None and names.kind == "NAME_EQUAL" else []
    if not found:
        return None
    if names is not None:
        found.append(names)
    if _same_shop(left, right):
        found.append(Evidence("SAME_SHOP_ACCOUNTS", SAME_SHOP))
    ends = (min(each.buyer_id for each in bearers[0]), min(each.buyer_id for each in bearers[1]))
    return Weighed(score(found), tuple(found), ends)


def score(evidence: Iterable[Evidence]) -> int:
    """Return how certain it is, of 1000."""
    told = list(evidence)
    doubt, left = 1_000_000, 1_000
    for each in told:
        if each.kind in AGAINST:
            left = left * each.weight // 1_000
        else:
            doubt = doubt * (1_000 - each.weight) // 1_000
    certain = (1_000_000 - doubt) // 1_000 * left // 1_000
    has_proof = any(each.kind in PROOFS for each in told)
    return certain if has_proof else min(certain, WITHOUT_PROOF_MOST)


AGAINST: Final = frozenset({"NAME_DIFFERS", "SAME_SHOP_ACCOUNTS"})
PROOFS: Final = frozenset(
    {"BY_HAND", *(f"{each.value}_{how}" for each in EQUAL for how in ("EQUAL", "SHARED"))}
)


def shared(identity: Identity, bearers: Sequence[Buyer]) -> bool:
    """Tell whether several people have this: it proves nothing by itself.

    Two accounts in one shop, two names in one script, or more accounts than anybody has.
    """
    keyed = [each for each in bearers if each.key]
    if len(keyed) > ACCOUNTS_MOST or len({(each.channel, each.shop) for each in keyed}) < len(
        keyed
    ):
        return True
    own = [each for each in bearers if each.main(identity.kind) == identity.digest]
    return any(
        len({name for each in own if (name := each.main(IdentityKind.NAME, script))}) > 1
        for script in SCRIPTS
    )


def _marks(side: Sequence[Buyer]) -> set[Identity]:
    return {mark for each in side for mark in each.marks if not mark.is_masked}


def _bearing(side: Sequence[Buyer], marks: set[Identity]) -> list[Buyer]:
    return [each for each in side if not marks.isdisjoint(each.marks)]


def _equal(
    mark: Identity, left: Sequence[Buyer], right: Sequence[Buyer], is_shared: IsShared
) -> Evidence:
    is_main = all(
        any(each.main(mark.kind) == mark.digest for each in side) for side in (left, right)
    )
    if is_shared(mark) or not is_main:
        return Evidence(f"{mark.kind.value}_SHARED", SHARED, mark.digest)
    return Evidence(f"{mark.kind.value}_EQUAL", EQUAL[mark.kind], mark.digest)


def _names(left: Sequence[Buyer], right: Sequence[Buyer]) -> Evidence | None:
    """Return whether they are called alike; names of two scripts cannot be compared."""
    differs = False
    for script in SCRIPTS:
        one, other = (
            {name for each in side if (name := each.main(IdentityKind.NAME, script))}
            for side in (left, right)
        )
        if both := one & other:
            return Evidence("NAME_EQUAL", NAME_EQUAL, min(both))
        differs = differs or bool(one and other)
    return Evidence("NAME_DIFFERS", NAME_DIFFERS) if differs else None


def _like(left: Sequence[Buyer], right: Sequence[Buyer]) -> Iterator[Evidence]:
    alike = max((_alike(one, other) for one in _addresses(left) for other in _addresses(right)),
                default=0)  # fmt: skip
    if alike >= ALIKE_FROM:
        yield Evidence("ADDRESS_SIMILAR", ADDRESS_LIKE * alike * PART_DIGITS // 128)


def _addresses(side: Sequence[Buyer]) -> set[str]:
    return {mark.digest for mark in _marks(side) if mark.kind is IdentityKind.ADDRESS}


def _alike(one: str, other: str) -> int:
    """Return how many parts two sketches have in common."""
    places = range(0, min(len(one), len(other)), PART_DIGITS)
    return sum(one[at : at + PART_DIGITS] == other[at : at + PART_DIGITS] for at in places)


def _same_shop(left: Sequence[Buyer], right: Sequence[Buyer]) -> bool:
    """A person has one account in a shop."""
    one, other = (
        {(each.channel, each.shop) for each in side if each.key} for side in (left, right)
    )
    return not one.isdisjoint(other)
