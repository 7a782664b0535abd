"""One order with one trade at Alipay, and whoever asks about it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import timedelta

from service.application.intake import Intake, Reading
from service.application.probe_ports import ProbeQuery
from service.application.probing import Probing
from service.application.reading import CaseQuery
from service.domain.facts import Fact, FactKind, OrderRef
from service.domain.probing import Probe, Report, Result
from service.domain.terms import Terms
from service.kafka.encoding import ProtobufEncoder
from service.schedules import SHIPPED, load
from tests.builders import a_fact, an_origin
from tests.fakes import FakeClock, FakeIds
from tests.integration.service.world import Storing

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
TERMS = Terms(schedules=load(SHIPPED))


@dataclass
class Shop:
    """One order with one trade at Alipay, and whoever asks about it."""

    storing: Storing
    terms: Terms = TERMS
    name: str = field(default_factory=lambda: uuid.uuid4().hex[:16])
    ids: FakeIds = field(default_factory=FakeIds)

    @property
    def clock(self) -> FakeClock:
        return self.storing.clock

    @property
    def probing(self) -> Probing:
        return Probing(self.storing.storage, ProtobufEncoder(), self.clock, self.terms)

    @property
    def trade(self) -> OrderRef:
        return OrderRef("merchant", f"M{self.name}")

    def told(self, kind: FactKind, minute: float = 0, **given: object) -> Fact:
        values: dict[str, object] = {
            "fact_id": f"{self.name}-{kind.value}-{minute:g}-{given.get('source', '')}",
            "ref": self.trade if given.get("source") == "alipay" else OrderRef("mini", self.name),
            "source": "mini",
            "channel": "mini",
        }
        return a_fact(kind, minute=minute, **{**values, **given})

    def tell(self, *facts: Fact) -> None:
        intake = Intake(self.storing.storage, ProtobufEncoder(), self.clock, self.terms)
        receipts = self.storing.submit(len(facts))
        intake.apply([Reading(each, (fact,)) for each, fact in zip(receipts, facts, strict=True)])

    def begin(self) -> None:
        created = self.told(FactKind.ORDER_CREATED, more_refs=(self.trade,))
        self.tell(created, self.told(FactKind.PAYMENT_STARTED, 1, provider="alipay"))

    def pay(self, minute: float = 2) -> None:
        self.tell(
            self.told(FactKind.PAYMENT_SUCCEEDED, minute, source="alipay", voucher=f"p-{self.name}")
        )

    @property
    def order_id(self) -> str:
        return self.storing.reader.order_by_ref(self.trade).order_id

    @property
    def probes(self) -> list[Probe]:
        query = ProbeQuery(page_size=50, order_id=self.order_id)
        return list(self.storing.reader.probes(query)[0])

    @property
    def probe(self) -> Probe:
        (found,) = self.probes
        return found

    def claim(self, lease: str = "") -> Probe:
        """Claim until this order's probe is there; what else is due belongs to other tests."""
        lease = lease or f"{self.name}-{self.ids()}"
        while found := self.probing.claim(lease, most=200, lease_for=MINUTE):
            for each in found:
                if each.order_id == self.order_id:
                    return each
        message = "the probe was not due"
        raise AssertionError(message)

    def report(self, probe: Probe, result: Result, code: str = "") -> Probe:
        report = Report(probe.lease, result, code)
        return self.probing.report(probe.probe_id, report, an_origin())[1]

    def ask(self, result: Result, code: str = "") -> Probe:
        self.clock.at = max(self.clock.at, self.probe.wake_at)
        return self.report(self.claim(), result, code)

    def cases(self) -> list[tuple[str, str]]:
        query = CaseQuery(page_size=50, order_id=self.order_id, include_resolved=True)
        rows = self.storing.reader.cases(query).rows
        return sorted((each.type, each.state.value) for each in rows)

    def probe_cases(self) -> list[tuple[str, str]]:
        wanted = ("PAYMENT_UNCONFIRMED", "REFUND_", "PROBE_REFUSED")
        return [each for each in self.cases() if each[0].startswith(wanted)]
