"""What the service does by itself, and those who ask providers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from service.application.allocating import Allocating
from service.application.intake import Intake
from service.application.ports import Clock, Encoder, Storage
from service.application.probing import Probing
from service.application.waiting import Waiting
from service.domain.errors import OrderError
from service.domain.facts import Circumstance, Fact, FactKind, OrderRef
from service.domain.inquiries import InquiryKind
from service.domain.journal import Origin
from service.domain.probing import Probe, Report, Result
from service.domain.terms import Terms
from tests.simulation.chance import Chance, Weighted
from tests.simulation.faults import FaultyStorage
from tests.simulation.parties import Parties

LEASED_FOR: Final = timedelta(seconds=60)
RESULTS: Final = Weighted(
    {
        Result.ANSWERED: 50.0,
        Result.NOT_FOUND: 15.0,
        Result.UNREACHABLE: 10.0,
        Result.THROTTLED: 5.0,
        Result.REFUSED: 15.0,
        Result.SUBMITTED: 5.0,
    }
)
WORKER: Final = Origin("connectors", "system")


@dataclass
class Clockwork:
    """The clockwork's chores, one at a time."""

    storage: FaultyStorage
    encoder: Encoder
    clock: Clock
    chance: Chance
    terms: Terms
    meanwhile: Callable[[], None]

    def __post_init__(self) -> None:
        waiting = Waiting(self.storage, self.encoder, self.clock, self.terms)
        self.probing = Probing(self.storage, self.encoder, self.clock, self.terms)
        allocating = Allocating(
            self.storage, self.encoder, self.clock, self.chance.share,
            lambda _seconds: self.meanwhile(), terms=self.terms,
        )  # fmt: skip
        self._chores: dict[str, Callable[[], int]] = {
            "deadlines": waiting.expire_due,
            "orphans": waiting.report_orphans,
            "stale receipts": waiting.republish_stale,
            "old answers": waiting.forget_answers,
            "stock": allocating.settle_due,
            "unswept stock": allocating.sweep,
            "unprobed orders": lambda: self.probing.sweep("")[0],
        }
        self._often = Weighted(
            {
                "deadlines": 5.0,
                "orphans": 1.0,
                "stale receipts": 0.5,
                "old answers": 0.1,
                "stock": 5.0,
                "unswept stock": 0.2,
                "unprobed orders": 0.5,
            }
        )

    def do(self, name: str) -> int:
        """Do a chore; return how much there was."""
        return self._chores[name]()

    def step(self) -> str:
        """Do one chore."""
        name = self._often.draw(self.chance)
        if name == "stock" and self.storage.is_faulty and self.chance.happens(0.1):
            # Somebody counts: the rows are locked for a while.
            self.storage.tables.stock.taken["A"] = 1 + self.chance.below(2)
        count = self.do(name)
        return f"{name}: {count}" if count else ""


@dataclass
class Askers:
    """Workers that claim probes, ask providers, and may be lost with what they learnt."""

    probing: Probing
    intake: Intake
    storage: Storage
    clock: Clock
    chance: Chance
    parties: Parties
    claimed: list[tuple[Probe, str]] = field(default_factory=list)
    refusals: dict[str, int] = field(default_factory=dict)
    _leases: int = 0

    def claim(self) -> str:
        """Lease probes that are due."""
        self._leases += 1
        lease = f"lease-{self._leases}"
        most = 1 + self.chance.below(3)
        found = self.probing.claim(lease, most=most, lease_for=LEASED_FOR)
        self.claimed += [(each, lease) for each in found]
        return f"{lease}: {len(found)}" if found else ""

    def answer(self) -> str:
        """Tell what one question brought, or lose it."""
        if not self.claimed:
            return ""
        drawn = self.chance.share()
        probe, lease = self.claimed.pop(self.chance.below(len(self.claimed)))
        name = f"{probe.inquiry.key} under {lease}"
        if drawn < 0.1:
            return f"{name} is lost"
        if drawn < 0.15:
            lease = "lease-of-nobody"
        result = RESULTS.draw(self.chance)
        if result is Result.ANSWERED:
            fact = told_by_provider(probe, self.chance, self.clock())
            self.intake.submit([self.parties.send((fact,), self.clock())])
        try:
            _, after = self.probing.report(probe.probe_id, Report(lease, result), WORKER)
        except OrderError as refusal:
            self.refusals[refusal.reason] = self.refusals.get(refusal.reason, 0) + 1
            return f"{name}: {refusal.reason}"
        if self.chance.happens(0.1):
            # The answer to the report was lost; it is sent again.
            self.claimed.append((probe, lease))
        return f"{name}: {result.value}, then {after.state.value}"

    def run(self, order_id: str) -> str:
        """Ask about an order now."""
        try:
            return f"run {len(self.probing.run(order_id))}"
        except OrderError as refusal:
            self.refusals[refusal.reason] = self.refusals.get(refusal.reason, 0) + 1
            return f"run: {refusal.reason}"


def told_by_provider(probe: Probe, chance: Chance, at: datetime) -> Fact:
    """Return what a provider answers."""
    inquiry = probe.inquiry
    if inquiry.kind is InquiryKind.REFUND:
        kinds = [FactKind.REFUND_SUCCEEDED, FactKind.REFUND_SUCCEEDED, FactKind.REFUND_CLOSED]
    else:
        kinds = [FactKind.PAYMENT_SUCCEEDED, FactKind.PAYMENT_SUCCEEDED, FactKind.PAYMENT_CLOSED]
    kind = chance.one_of(kinds)
    return Fact(
        fact_id=f"a-{probe.probe_id[-8:]}-{kind.value}-{at.timestamp():.0f}",
        kind=kind,
        ref=OrderRef("merchant", inquiry.trade),
        source=inquiry.provider,
        occurred_at=at - timedelta(seconds=1),
        amount=inquiry.amount,
        voucher=inquiry.refund or f"q{inquiry.trade}",
        payment=inquiry.payment,
        circumstances=frozenset({Circumstance.LEARNT_BY_QUERY}),
    )
