"""One suite for every implementation of `ProbePart` and `ProbeReader`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from service.application.probe_ports import Claim, ProbeQuery
from service.application.probing import Probing
from service.application.reading import CaseQuery
from service.domain.errors import CursorInvalidError, ProbeNotFoundError
from service.domain.facts import FactKind, OrderRef
from service.domain.inquiries import Inquiry, InquiryKind
from service.domain.money import Money
from service.domain.probing import Probe, ProbeState, Report, Result, armed
from service.domain.schedules import Schedules
from service.kafka.encoding import ProtobufEncoder
from tests.builders import NOON, TOTAL, a_fact, an_origin
from tests.contract.conftest import Store

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _nothing_else_is_due(store: Store) -> Iterator[None]:
    """Take what other tests left from the queue."""
    yield
    store.storage.transact(
        lambda unit: unit.keep_probes(
            [
                replace(each, state=ProbeState.DISARMED)
                for each in store.reader.probes(ProbeQuery(page_size=500))[0]
            ]
        )
    )


@pytest.fixture(params=["CST-8", "EST5"], ids=["east", "west"])
def _clock_on_the_wall(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Show the time of another zone where local time is asked for."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def a_probe(store: Store, number: int = 1, **given: object) -> Probe:
    inquiry = Inquiry(
        key=f"refund|alipay|R{number}",
        kind=InquiryKind.REFUND,
        provider="alipay",
        account="alipay-main",
        trade="M1",
        handle="h",
        payment="p",
        refund=f"R{number}",
        amount=Money(1, "CNY"),
        total=TOTAL,
        since=NOON,
        submit=True,
        urgent=True,
        slow=True,
        settles=timedelta(seconds=1.5),
    )
    probe = armed(f"ord-{store.name}", inquiry, Schedules(), at=NOON)
    return replace(probe, **given)  # type: ignore[arg-type]


def keep(store: Store, *probes: Probe) -> None:
    store.storage.transact(lambda unit: unit.keep_probes(probes))


def claim(store: Store, now: datetime, most: int = 10, **given: object) -> Sequence[Probe]:
    wanted = Claim(store.fresh(), now + MINUTE, most, **given)  # type: ignore[arg-type]
    return store.storage.transact(lambda unit: unit.claim_probes(wanted, now))


def test_a_probe_is_read_as_it_was_written(store: Store) -> None:
    probe = a_probe(
        store,
        state=ProbeState.EXHAUSTED,
        lane=60_000,
        asked=3,
        missed=2,
        refused=1,
        submitted=True,
        last_ask_at=NOON,
        last_result=Result.THROTTLED,
        last_code="429",
        lease="l",
        lease_until=NOON + MINUTE,
    )

    keep(store, a_probe(store), probe)

    assert store.reader.probe(probe.probe_id) == probe
    assert store.storage.transact(lambda unit: unit.lock_probe(probe.probe_id)) == probe
    assert store.storage.transact(lambda unit: unit.find_probe(probe.probe_id)) == probe
    of_order = store.storage.transact(lambda unit: unit.lock_probes([probe.order_id]))
    assert of_order[probe.order_id] == (probe,)


def test_a_probe_that_is_not_there_is_named(store: Store) -> None:
    with pytest.raises(ProbeNotFoundError):
        store.reader.probe("prb-missing")
    with pytest.raises(ProbeNotFoundError):
        store.storage.transact(lambda unit: unit.lock_probe("prb-missing"))
    assert store.storage.transact(lambda unit: unit.lock_probes([])) == {}


def test_only_what_is_armed_due_and_free_is_claimed(store: Store) -> None:
    due = a_probe(store, 1, due_at=NOON)
    keep(
        store,
        due,
        a_probe(store, 2, due_at=NOON + timedelta(microseconds=1)),
        a_probe(store, 3, due_at=NOON, state=ProbeState.DISARMED),
        a_probe(store, 4, due_at=NOON, state=ProbeState.EXHAUSTED),
        a_probe(store, 5, due_at=NOON, lease="theirs", lease_until=NOON + MINUTE),
    )

    (claimed,) = claim(store, NOON)

    assert claimed.probe_id == due.probe_id
    assert claimed.lease_until == NOON + MINUTE
    assert store.reader.probe(due.probe_id) == claimed
    assert len(claim(store, NOON + timedelta(seconds=59))) == 1
    assert len(claim(store, NOON + 2 * MINUTE, providers=("stripe",))) == 0
    assert len(claim(store, NOON + 2 * MINUTE, providers=("stripe", "alipay"))) == 3


@pytest.mark.usefixtures("_clock_on_the_wall")
def test_a_lease_ends_at_the_same_moment_in_every_zone(store: Store) -> None:
    store.clock.at = NOON
    keep(store, a_probe(store, due_at=NOON))

    Probing(store.storage, ProtobufEncoder(), store.clock).claim("l", most=1, lease_for=MINUTE)

    ends = [NOON + MINUTE - timedelta(microseconds=1), NOON + MINUTE]
    assert [len(claim(store, at)) for at in ends] == [0, 1]


@pytest.mark.parametrize("lease", ["a", "b", "c", "d"])
def test_fresh_ones_and_overdue_ones_take_turns(store: Store, lease: str) -> None:
    fresh = [a_probe(store, each, due_at=NOON - each * MINUTE) for each in range(1, 7)]
    rest = [
        a_probe(store, 10 + each, due_at=NOON - MINUTE, lane=60_000 * each) for each in range(1, 4)
    ]
    keep(store, *fresh, *rest)

    claimed = store.storage.transact(
        lambda unit: unit.claim_probes(Claim(lease, NOON + MINUTE, 6), NOON)
    )

    names = [int(each.inquiry.refund[1:]) for each in claimed]
    assert [each for each in names if each < 10] == [6, 5, 4, 3]
    assert [each for each in names if each > 10] == [11, 12]


def test_where_one_kind_is_short_the_other_fills_up(store: Store) -> None:
    keep(store, *(a_probe(store, each, due_at=NOON) for each in range(5)))
    assert len(claim(store, NOON, 4)) == 4

    keep(store, *(a_probe(store, each, due_at=NOON, lane=1_000) for each in range(5)))
    assert len(claim(store, NOON, 4)) == 4


def test_probes_are_listed_soonest_due_first(store: Store) -> None:
    probes = [a_probe(store, each, due_at=NOON + each * MINUTE) for each in range(5)]
    keep(store, *probes[3:], *probes[:3], a_probe(store, 9, state=ProbeState.DISARMED))
    query = ProbeQuery(2, order_id=probes[0].order_id, state=ProbeState.ARMED, provider="alipay")

    first, token = store.reader.probes(query)
    second, token = store.reader.probes(replace(query, page_token=token))
    last, end = store.reader.probes(replace(query, page_token=token))

    assert [*first, *second, *last] == probes
    assert end == ""
    assert store.reader.probes(replace(query, provider="stripe")) == ([], "")
    with pytest.raises(CursorInvalidError):
        store.reader.probes(replace(query, page_token="nonsense"))


def test_an_order_is_verified_by_its_armed_probes(store: Store) -> None:
    late, soon = a_probe(store, 1, due_at=NOON + MINUTE), a_probe(store, 2, due_at=NOON)
    keep(store, late, soon, a_probe(store, 3, state=ProbeState.DISARMED))

    found = store.reader.verifications([late.order_id, "ord-other"])

    assert {key: list(each) for key, each in found.items()} == {late.order_id: [soon, late]}
    assert not store.reader.verifications([])


def test_the_backlog_is_what_is_due_and_free(store: Store) -> None:
    keep(
        store,
        a_probe(store, 1, due_at=NOON - MINUTE),
        a_probe(store, 2, due_at=NOON),
        a_probe(store, 3, due_at=NOON + MINUTE),
        a_probe(store, 4, due_at=NOON - 2 * MINUTE, lease="l", lease_until=NOON + MINUTE),
    )

    (found,) = store.reader.probe_backlog(NOON)

    assert (found.provider, found.due, found.oldest_due_at) == ("alipay", 2, NOON - MINUTE)


def test_the_sweep_sees_orders_that_wait_for_money_and_have_no_probe(store: Store) -> None:
    trade = OrderRef("merchant", f"m-{store.name}")
    waiting = store.create(1, refs=(store.ref(1), trade))
    store.create(2)
    probed = store.create(3, refs=(store.ref(3), OrderRef("merchant", f"n-{store.name}")))
    keep(store, replace(a_probe(store), order_id=probed.order_id))
    other = OrderRef("merchant", f"o-{store.name}")
    cancelled = store.create(4, refs=(store.ref(4), other))
    store.tell(a_fact(FactKind.ORDER_CANCELLED, fact_id=store.fresh(), ref=store.ref(4)))

    def unprobed(after: str = "") -> list[str]:
        return store.storage.transact(lambda unit: unit.unprobed_orders(after, most=1_000))

    assert waiting.order_id in unprobed()
    assert not {probed.order_id, cancelled.order_id} & set(unprobed())
    assert waiting.order_id not in unprobed(waiting.order_id)
    assert len(store.storage.transact(lambda unit: unit.unprobed_orders("", most=1))) == 1


def test_a_refused_account_has_one_open_case(store: Store) -> None:
    trade = OrderRef("merchant", f"m-{store.name}")
    order = store.create(1, refs=(store.ref(1), trade))
    began = a_fact(
        FactKind.PAYMENT_STARTED,
        fact_id=store.fresh(),
        ref=trade,
        provider="stripe",
        account=store.name,
    )
    store.tell(began)
    ((probe,), _) = store.reader.probes(ProbeQuery(5, order_id=order.order_id))
    probing = Probing(store.storage, ProtobufEncoder(), store.clock)

    def is_open(account: str) -> bool:
        return store.storage.transact(lambda unit: unit.has_open_refusal("stripe", account))

    states = [is_open(store.name)]
    for _ in range(3):
        keep(store, replace(probe, refused=2, lease="l", lease_until=NOON))
        probing.report(probe.probe_id, Report("l", Result.REFUSED), an_origin())
    states.append(is_open(store.name))

    assert states == [False, True]
    assert not is_open("another")
    cases = store.reader.cases(CaseQuery(page_size=5, order_id=order.order_id)).rows
    assert [each.type for each in cases] == ["PROBE_REFUSED"]
