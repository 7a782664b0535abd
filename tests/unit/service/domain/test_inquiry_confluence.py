"""The same facts ask the same questions, in whatever order they came and however often."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.deciding import weigh
from service.domain.facts import Circumstance, Fact, FactKind, OrderRef
from service.domain.inquiries import InquiryKind
from service.domain.money import Money
from service.domain.probing import Probe, ProbeState, synced
from service.domain.surplus import refund_number
from service.domain.terms import Remedy, Route, Terms
from tests.builders import EVENING, NOON, REF, TOTAL, a_dossier
from tests.unit.service.domain.asking import TRADE, asked

PROVIDERS = ("wechatpay", "alipay", "unionpay", "stripe", "adyen")
OTHER = OrderRef("merchant", "M2")
MONEY = (
    FactKind.PAYMENT_STARTED,
    FactKind.PAYMENT_SUCCEEDED,
    FactKind.PAYMENT_FAILED,
    FactKind.PAYMENT_CLOSED,
    FactKind.PAYMENT_AUTHORISED,
    FactKind.REFUND_REQUESTED,
    FactKind.REFUND_SUCCEEDED,
    FactKind.REFUND_CLOSED,
    FactKind.REFUND_FAILED,
    FactKind.ORDER_CANCELLED,
    FactKind.ORDER_REINSTATED,
    FactKind.PARCEL_SHIPPED,
)
TERMS = (
    Terms(),
    Terms(paid_after_cancel=Remedy.REFUND, duplicate_charge=Remedy.REFUND),
    Terms(routes={"mini": (Route("wechatpay", "wx"), Route("alipay"))}),
)


@st.composite
def sets_of_facts(draw: st.DrawFn) -> list[Fact]:
    count = draw(st.integers(0, 8))
    creation = Fact(
        fact_id="created",
        kind=FactKind.ORDER_CREATED,
        ref=REF,
        more_refs=(TRADE, OTHER),
        source="mini",
        channel="mini",
        occurred_at=NOON,
        amount=TOTAL,
    )
    return [creation, *(draw(facts(number)) for number in range(count))]


@st.composite
def facts(draw: st.DrawFn, number: int) -> Fact:
    return Fact(
        fact_id=f"f-{number}",
        kind=draw(st.sampled_from(MONEY)),
        ref=draw(st.sampled_from((REF, TRADE, OTHER))),
        source=draw(st.sampled_from((*PROVIDERS, "mini", "operator"))),
        provider=draw(st.sampled_from(("", "", "alipay", "stripe"))),
        account=draw(st.sampled_from(("", "a", "b"))),
        occurred_at=NOON + timedelta(minutes=draw(st.integers(0, 5))),
        amount=draw(st.sampled_from((None, TOTAL, Money(100, "CNY")))),
        voucher=draw(st.sampled_from(("", "v-1", "v-2", "v-3"))),
        payment=draw(st.sampled_from(("", "v-1"))),
        circumstances=draw(
            st.sampled_from((frozenset(), frozenset({Circumstance.LEARNT_BY_QUERY})))
        ),
    )


@settings(max_examples=150)
@given(sets_of_facts(), st.data(), st.sampled_from(TERMS))
def test_the_order_of_arrival_does_not_matter(
    told: list[Fact], data: st.DataObject, terms: Terms
) -> None:
    arrival = data.draw(st.permutations(told))
    repeats = data.draw(st.lists(st.sampled_from(told), max_size=3))

    verdict = weigh(a_dossier(), [*arrival, *repeats], at=EVENING, terms=terms)

    assert verdict.inquiries == asked(verdict.dossier.facts, terms)
    assert asked(told, terms) == asked(arrival, terms)


@settings(max_examples=150)
@given(sets_of_facts(), st.sampled_from(TERMS))
def test_what_holds_of_every_question(told: list[Fact], terms: Terms) -> None:
    found = asked(told, terms)

    assert len({each.key for each in found}) == len(found)
    numbers = {refund_number(each) for each in told if each.voucher}
    over = {
        each.voucher
        for each in told
        if each.kind in {FactKind.REFUND_SUCCEEDED, FactKind.REFUND_CLOSED}
    }
    for each in found:
        assert each.provider in PROVIDERS[:4]
        if each.kind is InquiryKind.REFUND:
            assert each.refund not in over
            assert each.refund in {fact.voucher for fact in told} | numbers
        else:
            assert each.trade in {TRADE.value, OTHER.value}
            assert not each.submit


@settings(max_examples=100)
@given(sets_of_facts(), st.data(), st.sampled_from(TERMS))
def test_the_same_probes_stand_however_often_they_were_armed_on_the_way(
    told: list[Fact], data: st.DataObject, terms: Terms
) -> None:
    dossier, probes = a_dossier(), dict[str, Probe]()
    at = EVENING
    for fact in data.draw(st.permutations(told)):
        verdict = weigh(dossier, [fact], at=at, terms=terms)
        dossier = verdict.dossier
        if dossier.order is not None:
            for each in synced(
                dossier.order_id,
                list(probes.values()),
                verdict.inquiries,
                terms.schedules,
                at=at,
            ):
                probes[each.probe_id] = each
        at += timedelta(seconds=1)

    standing = {each.inquiry for each in probes.values() if each.state is not ProbeState.DISARMED}
    assert standing == set(asked(dossier.facts, terms))
