"""Any set of facts, in any order, with any repeats: one truth, told by a legal journal."""

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.cases import SETTLED
from service.domain.claims import Standing, claims
from service.domain.contradictions import POLICY, discrepancies
from service.domain.expectations import expectations
from service.domain.facts import Circumstance, Fact, FactKind, OrderRef
from service.domain.lifecycle import FINAL
from service.domain.money import Money
from service.domain.sentences import summary
from service.domain.stages import measures
from tests.builders import EVENING, NOON, REF, a_fact, a_truth
from tests.unit.service.domain.arrivals import Arrival, assert_walks_the_table

AMOUNTS = st.none() | st.builds(
    Money, st.sampled_from([0, 1, 100, 9_990, 9_991]), st.sampled_from(["CNY", "USD"])
)


@st.composite
def fact_sets(draw: st.DrawFn) -> list[Fact]:
    """Draw a creation and up to ten other facts, few enough values for all to collide."""
    count = draw(st.integers(1, 11))
    facts = []
    for index in range(count):
        kind = FactKind.ORDER_CREATED if index == 0 else draw(st.sampled_from(FactKind))
        facts.append(
            a_fact(
                kind,
                fact_id=f"f-{draw(st.integers(0, 999))}-{index}",
                occurred_at=NOON + timedelta(minutes=draw(st.integers(0, 5)) * 40),
                amount=draw(AMOUNTS),
                voucher=draw(st.sampled_from(["", "v-1", "v-2"])),
                source=draw(st.sampled_from(["douyin", "wechatpay", "wms"])),
                customer=draw(st.sampled_from(["", "c-1", "c-2"])),
                circumstances=draw(st.frozensets(st.sampled_from(Circumstance), max_size=2)),
                more_refs=draw(st.sampled_from([(), (OrderRef("merchant", "m-1"),)])),
                note=draw(st.sampled_from(["", "hello"])),
            )
        )
    return facts


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[Fact], list[Fact]]:
    """Draw a set of facts, and an order of arrival in which some come again."""
    facts = draw(fact_sets())
    again = draw(st.lists(st.sampled_from(facts), max_size=5))
    return facts, draw(st.permutations([*facts, *again]))


@settings(max_examples=60)
@given(arrivals())
def test_the_order_of_arrival_and_repeats_do_not_matter(
    drawn: tuple[list[Fact], Sequence[Fact]],
) -> None:
    facts, arrived = drawn

    assert Arrival().arrive(arrived).left() == Arrival().arrive(facts).left()


@settings(max_examples=60)
@given(arrivals())
def test_the_journal_walks_the_declared_table_and_ends_where_the_order_is(
    drawn: tuple[list[Fact], Sequence[Fact]],
) -> None:
    arrival = Arrival().arrive(drawn[1])

    assert assert_walks_the_table(arrival.changes) is arrival.order.state


@settings(max_examples=60)
@given(arrivals())
def test_what_was_decided_is_what_the_set_proves(
    drawn: tuple[list[Fact], Sequence[Fact]],
) -> None:
    facts, arrived = drawn

    left = Arrival().arrive(arrived).left()

    truth = a_truth(*facts)
    assert (left.state, left.since) == (truth.state, truth.since)
    assert left.money == (truth.total, truth.paid, truth.refunded)
    assert left.discrepancies == discrepancies(facts)
    assert dict(left.measures) == measures(truth)
    assert {(case_type, outcome == SETTLED) for _, case_type, _, outcome in left.cases} == {
        (each.kind.value, POLICY[each.kind].is_settled(truth)) for each in left.discrepancies
    }


@settings(max_examples=60)
@given(fact_sets())
def test_money_never_goes_below_zero_and_is_of_one_currency(facts: list[Fact]) -> None:
    truth = a_truth(*facts)

    sums = (truth.total, truth.list_total, truth.paid, truth.refunded, truth.refund_requested)
    assert all(each.minor >= 0 for each in sums)
    assert {each.currency for each in sums} == {truth.total.currency}


@settings(max_examples=60)
@given(fact_sets())
def test_a_further_fact_takes_no_contradiction_back(facts: list[Fact]) -> None:
    for count in range(1, len(facts)):
        before = {each.kind: each.evidence for each in discrepancies(facts[:count])}
        after = {each.kind: each.evidence for each in discrepancies(facts[: count + 1])}
        assert all(evidence <= after[kind] for kind, evidence in before.items())


@settings(max_examples=60)
@given(fact_sets())
def test_whatever_is_not_final_waits_for_something_and_everything_can_be_told(
    facts: list[Fact],
) -> None:
    truth, found = a_truth(*facts), discrepancies(facts)
    awaited = expectations(truth, at=EVENING)
    told = claims(facts, truth, found)
    order = Arrival().arrive(facts).order

    english, chinese = summary(order, told, found, awaited)

    assert truth.state in FINAL or awaited
    assert all(each.due_at > EVENING for each in awaited)
    assert english.startswith(f"{truth.state.value} since ")
    assert chinese.endswith("。")
    agreeing = [each for each in told if each.standing is Standing.AGREES]
    assert all(each.state is truth.state for each in agreeing)
    assert REF in truth.refs
