"""How a case is handled: steps with roles, acts, documents, conditions, timers and effects.

A workflow is data. A running case keeps the version that it began with. What a step asks for is
decided here once, for whoever comes: `running` says what may be done, nothing else does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, unique

from service.domain.desk.taxonomy import Words


@unique
class EffectKind(Enum):
    """What an act, or the begin of a step, brings about."""

    HOLD = "hold"
    RELEASE = "release"
    TRANSITION = "transition"
    REFUND = "refund"
    NOTICE = "notice"
    PURCHASE = "purchase"
    MILESTONE = "milestone"
    COUPON = "coupon"
    CASE = "case"


@unique
class Awaited(Enum):
    """What ends a step by itself."""

    NOTHING = ""
    STOCK = "stock"
    PAYMENT = "payment"
    REFUND = "refund"
    DELIVERY = "delivery"
    CANCELLATION = "cancellation"
    PURCHASE = "purchase"


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that is brought about, with what it needs by name.

    hold: `reason`; release: `reason`; transition: `action` (of the lifecycle); refund: `amount`
    (`all`, or minor units), `reason`; notice: `template`, `to` (`customer`, or `role:finance`);
    purchase: nothing; milestone: `name`; coupon: `template`; case: `type`.
    """

    kind: EffectKind
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Act:
    """What may be done at a step. It leads to `to`; where it has an outcome, the case ends."""

    name: str
    title: Words
    to: tuple[str, ...] = ()
    outcome: str = ""
    # On top of what the step asks for.
    documents: tuple[str, ...] = ()
    # In CEL, on `order`, `case`, `customer`, `stock`; empty where it is always allowed.
    condition: str = ""
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True)
class Timer:
    """What happens when a step takes too long: an act is done by itself, or the case escalates.

    `act` is empty for an escalation. Minutes are those of the case's calendar.
    """

    minutes: int
    act: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: who acts, with which documents, and what then."""

    name: str
    title: Words
    role: str
    acts: tuple[Act, ...]
    documents: tuple[str, ...] = ()
    # The step is passed over where this does not hold when it would begin: its `skip_to` begins.
    condition: str = ""
    skip_to: tuple[str, ...] = ()
    # All of these have ended before this one begins: where parallel steps come together.
    joins: tuple[str, ...] = ()
    # What ends the step by itself, with its only act named here.
    awaits: Awaited = Awaited.NOTHING
    awaited_act: str = ""
    # The customer is awaited: the case's clock stands still while this is the only active step.
    pauses: bool = False
    timer: Timer | None = None
    on_begin: tuple[Effect, ...] = ()

    def act(self, name: str) -> Act | None:
        """Return the act of a name, or None."""
        return next((each for each in self.acts if each.name == name), None)


@dataclass(frozen=True, slots=True)
class Workflow:
    """One version of the handling of a kind of case."""

    name: str
    version: int
    title: Words
    start: tuple[str, ...]
    steps: Mapping[str, Step]
    # SHA-256 of the body: a version whose body changed is refused.
    digest: str = ""
    # The body as it can be read again, for cases that outlive the file.
    body: str = field(default="", repr=False, compare=False)

    @property
    def key(self) -> str:
        """`out_of_stock@1`."""
        return f"{self.name}@{self.version}"
