"""`ProbeService` over gRPC, and what orders say of those who are asked about them."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from concord.intake.v1 import fact_pb2, receipt_pb2
from concord.intake.v1 import intake_service_pb2 as intake_pb
from concord.orders.v1 import order_pb2
from concord.orders.v1 import order_service_pb2 as orders_pb
from concord.probes.v1 import probe_service_pb2 as pb
from concord.probes.v1 import probe_service_pb2_grpc
from tests.integration.service.world import Service, refused

Result = pb.ReportProbeRequest


Probes = probe_service_pb2_grpc.ProbeServiceStub


@pytest.fixture
def probes(service: Service) -> Probes:
    return probe_service_pb2_grpc.ProbeServiceStub(service.channel)


def tell(service: Service, source: str, *facts: fact_pb2.Fact) -> None:
    """Submit a receipt of a source, and what it means."""
    receipt = receipt_pb2.Receipt(
        source=source, message_id=str(uuid.uuid4()), template="concord.event", body=b"{}"
    )
    receipt.receive_time.GetCurrentTime()
    sent = service.intake.SubmitReceipts(
        intake_pb.SubmitReceiptsRequest(receipts=[receipt]), timeout=10
    )
    reading = intake_pb.Reading(receipt=sent.submitted[0].receipt, facts=facts)
    service.intake.ApplyFacts(intake_pb.ApplyFactsRequest(readings=[reading]), timeout=10)


def a_fact(kind: str, trade: str, **given: object) -> fact_pb2.Fact:
    at = Timestamp()
    at.GetCurrentTime()
    values: dict[str, Any] = {
        "fact_id": str(uuid.uuid4()),
        "kind": fact_pb2.Fact.Kind.Value(f"KIND_{kind}"),
        "ref": order_pb2.OrderRef(namespace="merchant", value=trade),
        "source": "alipay",
        "occurred_time": at,
    }
    return fact_pb2.Fact(**{**values, **given})


def an_order_in_payment(service: Service) -> tuple[str, str]:
    """Create an order, tell that its payment began, and return its name and its trade."""
    trade = uuid.uuid4().hex
    order = order_pb2.Order(
        channel="mini",
        refs=[
            order_pb2.OrderRef(namespace="mini", value=trade),
            order_pb2.OrderRef(namespace="merchant", value=trade),
        ],
    )
    order.total.currency_code, order.total.units = "CNY", 99
    created = service.orders.CreateOrder(
        orders_pb.CreateOrderRequest(order=order, request_id=str(uuid.uuid4())), timeout=10
    )
    tell(
        service,
        "mini",
        a_fact("PAYMENT_STARTED", trade, source="mini", provider="alipay", account="main"),
    )
    return created.name, trade


def claim(probes: Probes, order: str) -> pb.Probe:
    """Make the order's probe due, and claim until it is there."""
    probes.RunProbes(pb.RunProbesRequest(order=order), timeout=10)
    for _ in range(50):
        claimed = probes.ClaimProbes(pb.ClaimProbesRequest(worker="w-1", limit=200), timeout=10)
        for each in claimed.probes:
            if each.order == order:
                return each
    raise AssertionError("the probe was not claimed")


def report(probes: Probes, probe: pb.Probe, result: int, **given: object) -> pb.Probe:
    request = pb.ReportProbeRequest(name=probe.name, lease=probe.lease, result=result, **given)
    answer: pb.Probe = probes.ReportProbe(request, timeout=10)
    return answer


def test_a_probe_is_claimed_reported_and_read(service: Service, probes: Probes) -> None:
    order, trade = an_order_in_payment(service)

    claimed = claim(probes, order)

    assert (claimed.provider, claimed.account, claimed.trade) == ("alipay", "main", trade)
    assert (claimed.kind, claimed.state) == (pb.Probe.KIND_PAYMENT, pb.Probe.STATE_ARMED)
    assert (claimed.amount.currency_code, claimed.amount.units) == ("CNY", 99)
    assert claimed.lease
    assert not claimed.submit

    told = report(probes, claimed, Result.RESULT_NOT_FOUND, code="ACQ.TRADE_NOT_EXIST")
    assert (told.asked, told.last_result) == (1, Result.RESULT_NOT_FOUND)
    assert told.last_code == "ACQ.TRADE_NOT_EXIST"
    assert 50 < told.due_time.seconds - told.last_ask_time.seconds <= 60
    assert told.lease == ""
    assert probes.GetProbe(pb.GetProbeRequest(name=told.name)) == told
    (listed,) = probes.ListProbes(pb.ListProbesRequest(order=order)).probes
    assert listed == told


def test_a_provider_that_wants_fewer_questions_gets_fewer(service: Service, probes: Probes) -> None:
    order, _ = an_order_in_payment(service)

    told = report(probes, claim(probes, order), Result.RESULT_THROTTLED, retry_after_s=300)

    assert (told.asked, told.missed) == (0, 1)
    assert 290 < told.due_time.seconds - told.last_ask_time.seconds <= 300


def test_orders_say_who_is_asked_about_them(service: Service, probes: Probes) -> None:
    order, _ = an_order_in_payment(service)
    report(probes, claim(probes, order), Result.RESULT_NOT_FOUND)

    shown = service.orders.GetOrder(orders_pb.GetOrderRequest(name=order))
    listed = service.orders.ListOrders(orders_pb.ListOrdersRequest(page_size=5, channel="mini"))
    told = service.orders.ExplainOrder(orders_pb.ExplainOrderRequest(name=order))

    (verification,) = shown.verifications
    assert (verification.provider, verification.about, verification.asked) == (
        "alipay",
        "PAYMENT",
        1,
    )
    assert verification.next_time.seconds
    assert next(each for each in listed.orders if each.name == order) == shown
    assert list(told.order.verifications) == [verification]
    assert "verifying with alipay, asked 1×, next at 20" in told.summary_en
    assert "正在向支付宝核实,已查询 1 次,下次 20" in told.summary_zh


def test_an_explanation_says_what_was_learnt_by_asking(service: Service, probes: Probes) -> None:
    order, trade = an_order_in_payment(service)
    paid = a_fact("PAYMENT_SUCCEEDED", trade, voucher=f"p-{trade}")
    paid.amount.currency_code, paid.amount.units = "CNY", 99
    paid.circumstances.append(fact_pb2.Fact.CIRCUMSTANCE_LEARNT_BY_QUERY)
    tell(service, "alipay", paid)

    told = service.orders.ExplainOrder(orders_pb.ExplainOrderRequest(name=order))

    assert told.order.state == order_pb2.Order.STATE_PAID
    learnt = {each.source: each.learnt for each in told.claims}
    assert learnt == {"alipay": "ASKED", "mini": "TOLD", "operator": "COMMAND"}
    assert "learnt by asking alipay" in told.summary_en
    assert "经向支付宝查询得知" in told.summary_zh
    assert not told.order.verifications
    (probe,) = probes.ListProbes(pb.ListProbesRequest(order=order)).probes
    assert probe.state == pb.Probe.STATE_DISARMED


def test_pages_of_probes_follow_each_other(service: Service, probes: Probes) -> None:
    orders = {an_order_in_payment(service)[0] for _ in range(5)}
    found, token = [], ""
    for _ in range(500):
        request = pb.ListProbesRequest(
            page_size=2, page_token=token, state=pb.Probe.STATE_ARMED, provider="alipay"
        )
        page = probes.ListProbes(request)
        found += list(page.probes)
        token = page.next_page_token
        if not token:
            break

    assert orders <= {each.order for each in found}
    assert len({each.name for each in found}) == len(found)
    due = [each.due_time.ToNanoseconds() for each in found]
    assert due == sorted(due)


def test_a_lease_that_somebody_else_has_is_lost(service: Service, probes: Probes) -> None:
    order, _ = an_order_in_payment(service)
    claimed = claim(probes, order)
    claimed.lease = "another"

    told = refused(lambda: report(probes, claimed, Result.RESULT_ANSWERED))

    assert told.reason == "LEASE_LOST"
    assert told.metadata == {"probe": claimed.name.removeprefix("probes/")}


def test_what_is_not_there_is_named(service: Service, probes: Probes) -> None:
    order = service.create()

    missing = refused(lambda: probes.GetProbe(pb.GetProbeRequest(name="probes/prb-missing")))
    nothing = refused(lambda: probes.RunProbes(pb.RunProbesRequest(order=order.name)))
    nobody = refused(lambda: probes.RunProbes(pb.RunProbesRequest(order="orders/ord-missing")))

    assert (missing.reason, nothing.reason) == ("PROBE_NOT_FOUND", "PROBE_NOT_FOUND")
    assert nobody.reason == "ORDER_NOT_FOUND"


BAD: dict[str, tuple[str, object, set[str]]] = {
    "no worker": ("ClaimProbes", pb.ClaimProbesRequest(), {"worker"}),
    "a lease too short": (
        "ClaimProbes",
        pb.ClaimProbesRequest(worker="w", lease_s=4, limit=-1),
        {"lease_s", "limit"},
    ),
    "a lease too long": (
        "ClaimProbes",
        pb.ClaimProbesRequest(worker="w", lease_s=301),
        {"lease_s"},
    ),
    "a provider that nobody asks": (
        "ClaimProbes",
        pb.ClaimProbesRequest(worker="w", providers=["alipay", "adyen"]),
        {"providers[1]"},
    ),
    "an empty report": ("ReportProbe", pb.ReportProbeRequest(), {"name", "lease", "result"}),
    "a result of tomorrow": (
        "ReportProbe",
        pb.ReportProbeRequest(name="probes/a", lease="l", result=99, retry_after_s=-1),  # type: ignore[arg-type]
        {"result", "retry_after_s"},
    ),
    "no name": ("GetProbe", pb.GetProbeRequest(name="orders/a"), {"name"}),
    "a state of tomorrow": (
        "ListProbes",
        pb.ListProbesRequest(state=99, provider="No!", order="x"),  # type: ignore[arg-type]
        {"state", "provider", "order"},
    ),
    "no order": ("RunProbes", pb.RunProbesRequest(), {"order"}),
}


@pytest.mark.parametrize("case", BAD)
def test_every_bad_field_is_named(probes: Probes, case: str) -> None:
    method, request, fields = BAD[case]

    told = refused(lambda: getattr(probes, method)(request, timeout=10))

    assert told.reason == "INVALID_REQUEST"
    assert set(told.fields) == fields


def test_a_token_of_something_else_is_refused(probes: Probes) -> None:
    told = refused(lambda: probes.ListProbes(pb.ListProbesRequest(page_token="nonsense")))

    assert told.reason == "CURSOR_INVALID"
