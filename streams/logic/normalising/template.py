"""Templates as the reader uses them: how one kind of message maps to facts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from streams.logic.normalising.blanks import Blank
from streams.logic.normalising.bodies import Opening
from streams.logic.normalising.facts import Circumstance, FactKind, IdentityKind, Money
from streams.logic.normalising.places import Path

# Turns (namespace, the person's key at the channel) into an opaque customer key.
Pseudonym = Callable[[str, str], str]


@dataclass(frozen=True, slots=True)
class Pick:
    """Where a value is: the first of several places that has one, or a literal."""

    paths: tuple[Path, ...] = ()
    literal: str | None = None
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class TimeRule:
    """When it happened. `read` is None where only the receipt's own time is known.

    With `is_latest` it is the latest of all the values there.
    """

    pick: Pick
    read: Callable[[object], datetime] | None
    falls_back_to_receipt: bool = False
    is_latest: bool = False


@dataclass(frozen=True, slots=True)
class MoneyRule:
    """How much: the value, the currency, and how each is written, as readers.

    With `terms` it is a sum: of each term all values at the first of its places that has any are
    added, if there is one for the first term; those at `less` are taken off. With `drops_inexact`
    an amount with digits too many is none.
    """

    pick: Pick
    currency: Pick
    code: Callable[[object], str]
    read: Callable[[object, str], Money]
    terms: tuple[tuple[Path, ...], ...] = ()
    less: tuple[Path, ...] = ()
    drops_inexact: bool = False


@dataclass(frozen=True, slots=True)
class RefRule:
    """A name of the order. With `each`, one for each record there that passes `only`."""

    namespace: Pick
    value: Pick
    each: Path | None = None
    only: "Condition | None" = None


@dataclass(frozen=True, slots=True)
class LineRule:
    """What was bought: one line for each record at the first place of `each` that has any.

    With `skips_none` a line of no pieces is left out: what is left of a cancelled line.
    """

    each: tuple[Path, ...]
    sku: Pick
    quantity: Pick
    unit_price: MoneyRule | None
    skips_none: bool = False
    # The kind of goods, where the channel tells it.
    category: Pick | None = None


@dataclass(frozen=True, slots=True)
class CustomerRule:
    """Who bought: hashed under a key, unless the sender's value is opaque already."""

    pick: Pick
    is_opaque: bool


@dataclass(frozen=True, slots=True)
class IdentityRule:
    """By what else a person is known: the value, or parts of it that belong together.

    `scope` says whose number it is: the namespace of an id, the country of a phone number.
    """

    kind: IdentityKind
    picks: tuple[Pick, ...]
    scope: Pick | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """Holds where any of the values is present; or is one of `equals`, begins or contains so.

    Negated, it holds where none is, also where there is no value at all.
    """

    paths: tuple[Path, ...]
    equals: tuple[str, ...] = ()
    negated: bool = False
    begins: tuple[str, ...] = ()
    contains: tuple[str, ...] = ()

    @property
    def is_about_presence(self) -> bool:
        """Whether it asks only if there is a value."""
        return not (self.equals or self.begins or self.contains)


@dataclass(frozen=True, slots=True)
class FactRule:
    """One fact that a record proves."""

    kind: FactKind
    at: TimeRule
    when: tuple[Condition, ...] = ()
    amount: MoneyRule | None = None
    list_amount: MoneyRule | None = None
    voucher: Pick | None = None
    customer: CustomerRule | None = None
    identities: tuple[IdentityRule, ...] = ()
    note: Pick | None = None
    provider: Pick | None = None
    account: Pick | None = None
    payment: Pick | None = None
    more_refs: tuple[RefRule, ...] = ()
    lines: LineRule | None = None
    # Where the codes of coupons are that were used.
    coupons: tuple[Path, ...] = ()
    circumstances: tuple[Circumstance, ...] = ()
    circumstances_at: Path | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What to read from a record: facts always, facts by case, and parts inside it.

    `others` is what a case means that is not listed; None refuses the record. Of the text that
    chooses, what follows on `cut_at` is for people. An `order` holds for this part and all inside.
    """

    each: tuple[Path, ...]
    when: tuple[Condition, ...] = ()
    order: RefRule | None = None
    always: tuple[FactRule, ...] = ()
    switch: Pick | None = None
    cut_at: str = ""
    cases: Mapping[str, tuple[FactRule, ...]] = field(default_factory=dict)
    others: tuple[FactRule, ...] | None = None
    parts: tuple["Part", ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message that has the field and for which this holds is something else.

    The advice says what to do with it.
    """

    when: Condition
    advice: str


@dataclass(frozen=True, slots=True)
class Template:
    """How one kind of message maps to facts; another version of it tells other facts."""

    name: str
    channel: str
    opening: Opening
    root: Part
    source: Pick | None = None
    channel_at: Pick | None = None
    json_text: tuple[str, ...] = ()
    blanks: tuple[Blank, ...] = ()
    unquotes: bool = False
    refuse: tuple[Refusal, ...] = ()
    circumstances: tuple[Circumstance, ...] = ()
    version: int = 1


@dataclass(frozen=True, slots=True)
class Templates:
    """Every template by name. Without a `pseudonym` no customer is read that needs hashing."""

    by_name: Mapping[str, Template]
    pseudonym: Pseudonym | None = None
