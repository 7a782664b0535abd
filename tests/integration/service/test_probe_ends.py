"""How asking ends: in evidence, in a case, or never begun until the sweep found it."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from service.domain.facts import FactKind, OrderRef
from service.domain.lifecycle import FINAL
from service.domain.probing import Probe, ProbeState, Result
from service.domain.terms import Remedy, Route, Terms
from tests.integration.service.shop import MINUTE, TERMS, Shop
from tests.integration.service.world import Storing


@pytest.fixture
def shop(storing: Storing) -> Shop:
    return Shop(storing)


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
