"""Probes over PostgreSQL: armed by facts, claimed by one, reported once, ended by evidence."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from service.application.ports import Unit
from service.application.probe_ports import Claim
from service.domain.errors import LeaseLostError, OrderNotFoundError, ProbeNotFoundError
from service.domain.facts import FactKind
from service.domain.money import Money
from service.domain.probing import ProbeState, Report, Result
from tests.builders import TOTAL, an_origin
from tests.integration.service.shop import HOUR, MINUTE, Shop
from tests.integration.service.world import Storing


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


# Both at once.


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
