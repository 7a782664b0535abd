"""What must be asked of providers about an order: derived from the facts, as the truth is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, unique

from service.domain.facts import Fact
from service.domain.money import Money
from service.domain.terms import Terms
from service.domain.truth import Truth


@unique
class InquiryKind(Enum):
    """What is asked for; the names are those of `concord.probes.v1.Probe.Kind`."""

    PAYMENT = "PAYMENT"
    CAPTURE = "CAPTURE"
    REFUND = "REFUND"


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One question to one provider. `key` names it within its order: the same key, the same probe."""

    key: str
    kind: InquiryKind
    provider: str
    account: str
    trade: str
    since: datetime
    handle: str = ""
    payment: str = ""
    refund: str = ""
    amount: Money | None = None
    total: Money | None = None
    submit: bool = False


def inquiries(facts: Sequence[Fact], truth: Truth, terms: Terms) -> tuple[Inquiry, ...]:
    """Return every question that stands."""
    del facts, truth, terms
    return ()
