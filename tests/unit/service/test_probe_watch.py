"""The clockwork's turn at probes: a sweep each 15 minutes, measures each 15 seconds."""

from __future__ import annotations

from datetime import timedelta

from service.application.intake import Intake, Reading
from service.application.ports import NewReceipt
from service.application.probing import SWEPT_MOST, Probing
from service.domain.facts import Fact, FactKind, OrderRef
from service.kafka.encoding import ProtobufEncoder
from service.probe_watch import MEASURE_EVERY, SWEEP_EVERY, ProbeWatch
from service.telemetry import Metrics
from tests.builders import NOON, a_fact
from tests.fake_reader import FakeReader
from tests.fakes import FakeClock, FakeStorage

_REST = ("t", "", b"", "", NOON, "", "", "")


def _beginning(name: str) -> tuple[Fact, Fact]:
    ref, trade = OrderRef("mini", name), OrderRef("merchant", name)
    return (
        a_fact(fact_id=f"c-{name}", ref=ref, more_refs=(trade,)),
        a_fact(FactKind.PAYMENT_STARTED, fact_id=f"s-{name}", ref=ref, provider="alipay"),
    )


class Desk:
    """A watch over storage in memory."""

    def __init__(self) -> None:
        self.storage, self.clock, self.metrics = FakeStorage(), FakeClock(NOON), Metrics()
        probing = Probing(self.storage, ProtobufEncoder(), self.clock)
        self.watch = ProbeWatch(probing, FakeReader(self.storage), self.metrics, self.clock)

    def begin(self, *names: str) -> None:
        """Let payments begin."""
        intake = Intake(self.storage, ProtobufEncoder(), self.clock)
        receipts = intake.submit([NewReceipt("mini", each, *_REST) for each in names])
        intake.apply(
            [
                Reading(receipt.receipt_id, _beginning(name))
                for name, receipt in zip(names, receipts, strict=True)
            ]
        )

    def value(self, name: str, **labels: str) -> float | None:
        """Return what a scraper would read."""
        return self.metrics.registry.get_sample_value(name, labels)

    def forget_probes(self) -> None:
        """Leave orders as they were before there were probes."""
        self.storage.tables.probes.clear()


def test_the_sweep_arms_what_is_missing_each_15_minutes() -> None:
    desk = Desk()
    desk.begin("m1")
    desk.forget_probes()

    assert [desk.watch.sweep(), desk.watch.sweep()] == [1, 0]
    assert len(desk.storage.tables.probes) == 1
    assert desk.value("concord_probes_swept_total") == 1

    desk.forget_probes()
    desk.clock.pass_time(SWEEP_EVERY - timedelta(microseconds=1))
    assert desk.watch.sweep() == 0
    desk.clock.pass_time(timedelta(microseconds=1))
    assert desk.watch.sweep() == 1


def test_a_sweep_goes_on_until_it_has_seen_every_order() -> None:
    desk = Desk()
    desk.begin(*(f"m{number}" for number in range(SWEPT_MOST + 1)))
    desk.forget_probes()

    assert [desk.watch.sweep() for _ in range(3)] == [SWEPT_MOST, 1, 0]


def test_the_measures_say_what_is_due_and_for_how_long() -> None:
    desk = Desk()
    desk.begin("m1", "m2")

    desk.watch.measure()
    assert desk.value("concord_probes_due", provider="alipay") == 0

    desk.clock.pass_time(timedelta(minutes=10))
    desk.watch.measure()
    assert desk.value("concord_probes_due", provider="alipay") == 2
    assert desk.value("concord_probes_oldest_seconds", provider="alipay") == 570
    assert desk.value("concord_probes_due", provider="stripe") == 0

    desk.clock.pass_time(MEASURE_EVERY / 2)
    desk.watch.measure()
    assert desk.value("concord_probes_oldest_seconds", provider="alipay") == 570
