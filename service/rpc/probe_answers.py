"""Writes probes as messages, on their own and as part of an order."""

from collections.abc import Sequence

from concord.orders.v1 import order_pb2
from concord.probes.v1 import probe_service_pb2 as pb
from service.application.probe_ports import ProbeReader
from service.domain.order import Order
from service.domain.probing import Probe, ProbeState
from service.wire import money, order_message, timestamp


def probe_message(probe: Probe, *, lease: str = "") -> pb.Probe:
    """Return a probe; the lease is told to whom it was given, and to nobody else."""
    inquiry = probe.inquiry
    message = pb.Probe(
        name=f"probes/{probe.probe_id}",
        order=f"orders/{probe.order_id}",
        kind=pb.Probe.Kind.Value(f"KIND_{inquiry.kind.value}"),
        state=pb.Probe.State.Value(f"STATE_{probe.state.value}"),
        provider=inquiry.provider,
        account=inquiry.account,
        trade=inquiry.trade,
        handle=inquiry.handle,
        payment=inquiry.payment,
        refund=inquiry.refund,
        submit=probe.submits,
        asked=probe.asked,
        missed=probe.missed,
        arm_time=timestamp(inquiry.since),
        give_up_time=timestamp(probe.give_up_at),
        last_code=probe.last_code,
        lease=lease,
    )
    if inquiry.amount:
        message.amount.CopyFrom(money(inquiry.amount))
    if inquiry.total:
        message.total.CopyFrom(money(inquiry.total))
    if probe.state is ProbeState.ARMED:
        message.due_time.CopyFrom(timestamp(probe.due_at))
    if probe.last_ask_at:
        message.last_ask_time.CopyFrom(timestamp(probe.last_ask_at))
    if probe.last_result:
        result = pb.ReportProbeRequest.Result.Value(f"RESULT_{probe.last_result.value}")
        message.last_result = result
    return message


def verification(probe: Probe) -> order_pb2.Verification:
    """Return what an order tells of a probe."""
    return order_pb2.Verification(
        probe=f"probes/{probe.probe_id}",
        provider=probe.inquiry.provider,
        about=probe.inquiry.kind.value,
        asked=probe.asked,
        next_time=timestamp(probe.due_at),
    )


def verified_orders(reader: ProbeReader, orders: Sequence[Order]) -> list[order_pb2.Order]:
    """Return orders with who is being asked about each."""
    asked = reader.verifications([each.order_id for each in orders])
    messages = [order_message(each) for each in orders]
    for order, message in zip(orders, messages, strict=True):
        message.verifications.extend(verification(each) for each in asked.get(order.order_id, ()))
    return messages
