"""Probes over PostgreSQL: armed by facts, claimed by one, reported once, ended by evidence."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
import sqlalchemy as sa

from service.application.intake import Intake, Reading
from service.application.ports import Unit
from service.application.probe_ports import Claim, ProbeQuery
from service.application.probing import Probing
from service.application.reading import CaseQuery
from service.domain.errors import LeaseLostError, OrderNotFoundError, ProbeNotFoundError
from service.domain.facts import Fact, FactKind, OrderRef
from service.domain.lifecycle import FINAL
from service.domain.money import Money
from service.domain.probing import Probe, ProbeState, Report, Result
from service.domain.terms import Remedy, Route, Terms
from service.kafka.encoding import ProtobufEncoder
from service.schedules import SHIPPED, load
from tests.builders import TOTAL, a_fact, an_origin
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


@pytest.fixture
def shop(storing: Storing) -> Shop:
    return Shop(storing)


# Armed and disarmed by facts.


def test_a_payment_that_begins_arms_a_probe_and_its_outcome_disarms_it(shop: Shop) -> None:
    shop.begin()
    assert (shop.probe.state, shop.probe.inquiry.trade) == (ProbeState.ARMED, shop.trade.value)

    shop.pay()
    assert shop.probe.state is ProbeState.DISARMED


def test_a_probe_is_read_as_it_was_written(shop: Shop) -> None:
    shop.begin()
    shop.pay()
    shop.tell(
        shop.told(
            FactKind.REFUND_REQUESTED,
            5,
            source="operator",
            provider="alipay",
            account="alipay-main",
            voucher=f"R{shop.name}",
            payment=f"p-{shop.name}",
            amount=Money(1, "CNY"),
        )
    )

    (refund,) = [each for each in shop.probes if each.inquiry.refund]
    inquiry = refund.inquiry
    assert (inquiry.amount, inquiry.total, inquiry.submit) == (Money(1, "CNY"), TOTAL, True)
    assert (inquiry.payment, inquiry.account) == (f"p-{shop.name}", "alipay-main")
    assert shop.storing.reader.probe(refund.probe_id) == refund


def test_news_puts_nothing_off(shop: Shop) -> None:
    shop.begin()
    before = shop.ask(Result.NOT_FOUND)

    shop.clock.pass_time(MINUTE)
    shop.tell(shop.told(FactKind.NOTED, 3))

    assert shop.probe == before


def test_a_cancelled_order_is_still_asked_about(shop: Shop) -> None:
    shop.begin()
    shop.tell(shop.told(FactKind.ORDER_CANCELLED, 3))

    assert shop.probe.state is ProbeState.ARMED


# Claiming.


def test_many_workers_claim_each_probe_once(storing: Storing) -> None:
    shops = [Shop(storing) for _ in range(60)]
    for each in shops:
        each.begin()
    storing.clock.pass_time(HOUR)
    start = threading.Barrier(4)

    def work(number: int) -> list[str]:
        probing, found = shops[0].probing, []
        start.wait()
        for turn in range(1_000):
            claimed = probing.claim(f"w{number}-{turn}", most=7, lease_for=MINUTE)
            if not claimed:
                return found
            found += [each.probe_id for each in claimed]
        raise AssertionError("there is no end of work")

    with ThreadPoolExecutor(4) as threads:
        claimed = [each for found in threads.map(work, range(4)) for each in found]

    assert len(claimed) == len(set(claimed))
    assert {each.probe.probe_id for each in shops} <= set(claimed)


def test_a_probe_is_given_to_nobody_else_until_its_lease_ends(shop: Shop) -> None:
    shop.begin()
    shop.clock.pass_time(HOUR)
    mine = shop.claim("mine")

    shop.clock.pass_time(MINUTE - timedelta(microseconds=1))
    with pytest.raises(AssertionError):
        shop.claim("early")
    shop.clock.pass_time(timedelta(microseconds=1))
    theirs = shop.claim("theirs")

    with pytest.raises(LeaseLostError):
        shop.report(mine, Result.ANSWERED)
    assert shop.report(theirs, Result.ANSWERED).asked == 1


def test_a_worker_that_dies_between_claim_and_report_delays_and_loses_nothing(shop: Shop) -> None:
    shop.begin()
    shop.clock.pass_time(HOUR)
    shop.claim("killed")

    shop.clock.pass_time(MINUTE)
    after = shop.report(shop.claim("another"), Result.ANSWERED)

    assert (after.asked, after.missed) == (1, 0)


def test_a_claim_that_was_rolled_back_leaves_the_probe_to_others(
    shop: Shop, engine: sa.Engine
) -> None:
    shop.begin()
    shop.clock.pass_time(HOUR)

    class KilledError(Exception):
        """The service dies before it commits."""

    def die(unit: Unit) -> None:
        unit.claim_probes(Claim("dead", shop.clock() + HOUR, 200), shop.clock())
        raise KilledError

    with pytest.raises(KilledError):
        shop.storing.storage.transact(die)
    assert shop.claim("alive")


def test_a_report_that_is_sent_twice_counts_once(shop: Shop) -> None:
    shop.begin()
    shop.clock.pass_time(HOUR)
    claimed = shop.claim()

    first = shop.report(claimed, Result.ANSWERED)
    shop.clock.pass_time(MINUTE)

    assert shop.report(claimed, Result.ANSWERED) == first
    assert shop.probe.asked == 1


def test_the_receipt_may_disarm_a_probe_before_its_report_comes(shop: Shop) -> None:
    shop.begin()
    shop.clock.pass_time(HOUR)
    claimed = shop.claim()
    shop.pay()

    after = shop.report(claimed, Result.ANSWERED)

    assert (after.state, after.asked) == (ProbeState.DISARMED, 1)


def test_a_probe_that_is_not_there_cannot_be_reported(shop: Shop) -> None:
    with pytest.raises(ProbeNotFoundError):
        shop.probing.report("prb-missing", Report("x", Result.ANSWERED), an_origin())


# Asking now.


def test_a_person_may_have_everything_asked_now(shop: Shop) -> None:
    shop.begin()
    late = shop.ask(Result.ANSWERED)
    assert late.due_at > shop.clock()

    (now,) = shop.probing.run(shop.order_id)

    assert now.due_at == shop.clock()
    assert shop.claim().probe_id == now.probe_id


def test_there_may_be_nothing_to_ask(shop: Shop) -> None:
    shop.begin()
    shop.pay()

    with pytest.raises(ProbeNotFoundError):
        shop.probing.run(shop.order_id)
    with pytest.raises(OrderNotFoundError):
        shop.probing.run("ord-missing")


# The end of asking.


def spend(shop: Shop, result: Result = Result.NOT_FOUND) -> Probe:
    """Ask until asking ends."""
    for _ in range(100):
        after = shop.ask(result, "ACQ.TRADE_NOT_EXIST")
        if after.state is not ProbeState.ARMED:
            return after
    raise AssertionError("asking does not end")


def test_asking_goes_on_for_25_hours_and_ends_in_one_case(shop: Shop) -> None:
    shop.begin()
    began = shop.clock()

    spent = spend(shop)

    assert spent.state is ProbeState.EXHAUSTED
    assert timedelta(hours=25) <= shop.clock() - began < timedelta(hours=26)
    assert shop.probe_cases() == [("PAYMENT_UNCONFIRMED", "OPEN")]
    journal = shop.storing.reader.journal(shop.order_id, after=0, page_size=200, page_token="")
    assert [each.new_value for each in journal.rows].count("PAYMENT_UNCONFIRMED") == 1
    assert shop.storing.reader.verify_chain(shop.order_id).problem == ""

    shop.probing.run(shop.order_id)
    assert shop.ask(Result.NOT_FOUND).state is ProbeState.EXHAUSTED
    assert shop.probe_cases() == [("PAYMENT_UNCONFIRMED", "OPEN")]


def test_evidence_that_comes_after_the_end_closes_the_case(shop: Shop) -> None:
    shop.begin()
    spend(shop)
    shop.pay(40)

    assert shop.probe.state is ProbeState.DISARMED
    assert shop.probe_cases() == [("PAYMENT_UNCONFIRMED", "RESOLVED")]


def test_nobody_is_called_where_the_order_was_paid_by_another_trade(shop: Shop) -> None:
    shop.begin()
    shop.tell(
        shop.told(
            FactKind.PAYMENT_SUCCEEDED, 2, source="wechatpay", ref=shop.trade, voucher=shop.name
        )
    )

    assert spend(shop).state is ProbeState.EXHAUSTED
    assert shop.probe_cases() == []


def order_refund(shop: Shop) -> None:
    shop.begin()
    shop.pay()
    shop.tell(
        shop.told(
            FactKind.REFUND_REQUESTED,
            5,
            source="operator",
            provider="alipay",
            voucher=f"R{shop.name}",
            payment=f"p-{shop.name}",
        )
    )


def the_refund(shop: Shop) -> Probe:
    (found,) = [each for each in shop.probes if each.inquiry.refund]
    return found


def ask_refund(shop: Shop, result: Result) -> Probe:
    shop.clock.at = max(shop.clock.at, the_refund(shop).wake_at)
    return shop.report(shop.claim(), result, "ACQ.REASON")


def test_a_refund_that_the_provider_declines_three_times_is_a_case(shop: Shop) -> None:
    order_refund(shop)
    states = [ask_refund(shop, Result.REFUSED).state for _ in range(3)]

    assert states == [ProbeState.ARMED, ProbeState.ARMED, ProbeState.EXHAUSTED]
    assert shop.probe_cases() == [("REFUND_NOT_ACCEPTED", "OPEN")]


def test_a_refund_is_submitted_and_followed_to_its_end(shop: Shop) -> None:
    order_refund(shop)
    assert the_refund(shop).submits

    assert not ask_refund(shop, Result.SUBMITTED).submits
    shop.tell(shop.told(FactKind.REFUND_SUCCEEDED, 9, source="alipay", voucher=f"R{shop.name}"))

    assert the_refund(shop).state is ProbeState.DISARMED
    assert shop.probe_cases() == []


def test_a_wrong_key_is_one_case_however_many_orders_it_keeps_waiting(storing: Storing) -> None:
    account = f"acc-{uuid.uuid4().hex[:8]}"
    shops = [Shop(storing) for _ in range(3)]
    for shop in shops:
        created = shop.told(FactKind.ORDER_CREATED, more_refs=(shop.trade,))
        began = shop.told(FactKind.PAYMENT_STARTED, 1, provider="alipay", account=account)
        shop.tell(created, began)
    for _ in range(3):
        for shop in shops:
            shop.ask(Result.REFUSED, "isv.invalid-signature")

    assert [each.probe_cases() for each in shops] == [[("PROBE_REFUSED", "OPEN")], [], []]
    assert {each.probe.state for each in shops} == {ProbeState.ARMED}

    shops[0].pay()
    shops[1].ask(Result.ANSWERED)
    for _ in range(3):
        shops[1].ask(Result.REFUSED)
    assert shops[0].probe_cases() == [("PROBE_REFUSED", "RESOLVED")]
    assert shops[1].probe_cases() == [("PROBE_REFUSED", "OPEN")]


def test_two_last_reports_of_one_order_open_one_case_each(storing: Storing) -> None:
    shop = Shop(storing)
    second = OrderRef("merchant", f"N{shop.name}")
    created = shop.told(FactKind.ORDER_CREATED, more_refs=(shop.trade, second))
    shop.tell(created, shop.told(FactKind.PAYMENT_STARTED, 1, provider="alipay"))
    shop.clock.at = max(each.give_up_at for each in shop.probes)
    claimed = shop.probing.claim("both", most=200, lease_for=MINUTE)
    ours = [each for each in claimed if each.order_id == shop.order_id]

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda each: shop.report(each, Result.NOT_FOUND), ours))

    assert shop.probe_cases() == [("PAYMENT_UNCONFIRMED", "OPEN")] * 2
    assert storing.reader.verify_chain(shop.order_id).problem == ""


# Refunds that are made by themselves.


def test_late_evidence_takes_a_refund_back_before_it_is_asked_for(storing: Storing) -> None:
    terms = Terms(paid_after_cancel=Remedy.REFUND, schedules=TERMS.schedules)
    shop = Shop(storing, terms)
    shop.begin()
    shop.tell(shop.told(FactKind.ORDER_CANCELLED, 3))
    shop.pay(9)
    refund = the_refund(shop)
    assert refund.due_at == shop.clock() + 5 * MINUTE

    shop.clock.pass_time(4 * MINUTE)
    shop.tell(shop.told(FactKind.PARCEL_SHIPPED, 4, source="wms"))

    assert the_refund(shop).state is ProbeState.DISARMED


# The sweep.


def swept(shop: Shop) -> int:
    armed, after = 0, ""
    for _ in range(100):
        count, after = shop.probing.sweep(after)
        armed += count
        if not after:
            return armed
    raise AssertionError("the sweep does not end")


def test_the_sweep_arms_what_has_no_probe(storing: Storing, owner: sa.Engine) -> None:
    shop, other = Shop(storing), Shop(storing)
    shop.begin()
    other.begin()
    other.ask(Result.NOT_FOUND)
    known = other.probe
    with owner.begin() as connection:
        # As an order of before there were probes has it.
        connection.execute(
            sa.text("DELETE FROM probes WHERE order_id = :id"), {"id": shop.order_id}
        )

    assert swept(shop) == 1
    assert shop.probe.state is ProbeState.ARMED
    assert other.probe == known
    assert swept(shop) == 0


def test_the_sweep_finds_orders_of_before_their_channel_had_a_route(storing: Storing) -> None:
    shop = Shop(storing)
    created = shop.told(FactKind.ORDER_CREATED, more_refs=(shop.trade,), channel=shop.name)
    shop.tell(created)
    assert shop.probes == []

    shop.terms = Terms(routes={shop.name: (Route("wechatpay"),)}, schedules=TERMS.schedules)
    assert swept(shop) == 1
    assert shop.probe.inquiry.provider == "wechatpay"


def test_no_order_waits_for_money_that_nobody_asks_about(
    storing: Storing, engine: sa.Engine
) -> None:
    for number in range(20):
        shop = Shop(storing)
        shop.begin()
        if number % 2:
            shop.ask(Result.NOT_FOUND)
        if number % 5 == 0:
            shop.pay()
        elif number % 7 == 0:
            spend(shop)

    with engine.connect() as connection:
        silent = connection.execute(
            sa.text(
                "SELECT order_id FROM orders o WHERE paid_minor < total_minor"
                " AND state <> ALL(:over) AND EXISTS (SELECT FROM facts f"
                "   WHERE f.order_id = o.order_id AND kind = 'PAYMENT_STARTED'"
                "   AND coalesce(nullif(detail->>'provider', ''), source) = ANY(:askable))"
                " AND NOT EXISTS (SELECT FROM probes p WHERE p.order_id = o.order_id"
                "   AND p.state IN ('ARMED', 'EXHAUSTED'))"
            ),
            {
                "over": [each.value for each in FINAL],
                "askable": ["wechatpay", "alipay", "unionpay", "stripe"],
            },
        ).scalars()

        assert list(silent) == []


def test_facts_are_weighed_and_probes_asked_at_once(storing: Storing) -> None:
    shops = [Shop(storing) for _ in range(12)]
    for each in shops:
        each.begin()
    storing.clock.at = max(each.probe.give_up_at for each in shops)

    def weigh(shop: Shop) -> None:
        for minute in range(5, 10):
            shop.tell(shop.told(FactKind.NOTED, minute))
            shop.tell(shop.told(FactKind.PAYMENT_STARTED, minute, provider="wechatpay"))
        shop.pay(20)

    def ask(number: int) -> None:
        for turn in range(60):
            lease = f"ask-{number}-{turn}-{shops[0].name}"
            for each in shops[0].probing.claim(lease, most=5, lease_for=MINUTE):
                shops[0].report(each, Result.NOT_FOUND)

    with ThreadPoolExecutor(8) as threads:
        asking = [threads.submit(ask, number) for number in range(3)]
        weighing = [threads.submit(weigh, each) for each in shops]
        for each in (*asking, *weighing):
            each.result(timeout=60)

    for shop in shops:
        by_provider = {each.inquiry.provider: each.state for each in shop.probes}
        assert by_provider["alipay"] is ProbeState.DISARMED
        assert by_provider["wechatpay"] is not ProbeState.DISARMED
        assert storing.reader.verify_chain(shop.order_id).problem == ""
        assert ("PAYMENT_UNCONFIRMED", "OPEN") not in shop.probe_cases()
