"""Serves `InsightService.ActOnFlag`: stores a risk finding and does what it asks for."""

from dataclasses import replace
from typing import Final

import grpc

from concord.insights.v1 import flag_pb2
from concord.insights.v1 import insight_service_pb2 as pb
from service.application.flags import act_on_flag
from service.application.ports import StoredFlag
from service.rpc.calling import Mutations, Work
from service.rpc.violations import Violations
from service.telemetry import annotate
from service.wire import timestamp

INPUTS_MAX: Final = 50
TRACEPARENT_MAX: Final = 64


class FlagActs:
    """Acts on flags; called by the servicer of the boards."""

    def __init__(self, mutations: Mutations) -> None:
        """Take the use case's runner."""
        self._mutations = mutations

    def __call__(
        self, request: pb.ActOnFlagRequest, context: grpc.ServicerContext
    ) -> flag_pb2.Flag:
        """Store the flag and act, once."""

        def work(tools: Work) -> flag_pb2.Flag:
            flag, action = _read(request, tools)
            origin = tools.origin
            if request.traceparent:
                origin = replace(origin, traceparent=request.traceparent)
            done = act_on_flag(
                tools.unit, flag, action, origin=origin, encoder=tools.encoder, at=tools.at
            )
            return flag_message(done)

        flag = self._mutations.run(request, context, flag_pb2.Flag, work)
        annotate(order=flag.order.removeprefix("orders/"))
        return flag


def _read(request: pb.ActOnFlagRequest, tools: Work) -> tuple[StoredFlag, str]:
    read = Violations()
    known = request.action in flag_pb2.Flag.Action.values() and request.action != 0
    if not known:
        read.add("action", "send a known action")
    action = flag_pb2.Flag.Action.Name(request.action) if known else "ACTION_DISMISS"
    action = action.removeprefix("ACTION_")
    told = request.flag
    read.text("traceparent", request.traceparent, longest=TRACEPARENT_MAX)
    by_name = action == "DISMISS"
    asked = told.action if told.action in flag_pb2.Flag.Action.values() else 0
    flag = StoredFlag(
        flag_id=read.resource("flag.name", told.name, "flags"),
        order_id="" if by_name else read.resource("flag.order", told.order, "orders"),
        customer=read.text("flag.customer", told.customer),
        rule=read.text("flag.rule", told.rule, needed=not by_name),
        rule_version=told.rule_version,
        action=flag_pb2.Flag.Action.Name(flag_pb2.Flag.Action.ValueType(asked)).removeprefix(
            "ACTION_"
        ),
        inputs=tuple(
            (read.text("flag.inputs.name", each.name), read.text("flag.inputs.value", each.value))
            for each in told.inputs[:INPUTS_MAX]
        ),
        occurred_at=read.moment("flag.event_time", told.event_time, default=tools.at),
    )
    read.refuse()
    return flag, action


def flag_message(flag: StoredFlag) -> flag_pb2.Flag:
    """Return a flag."""
    return flag_pb2.Flag(
        name=f"flags/{flag.flag_id}",
        order=f"orders/{flag.order_id}",
        customer=flag.customer,
        rule=flag.rule,
        rule_version=flag.rule_version,
        action=flag_pb2.Flag.Action.Value(f"ACTION_{flag.action}"),
        inputs=[flag_pb2.Flag.Input(name=name, value=value) for name, value in flag.inputs],
        event_time=timestamp(flag.occurred_at),
        act=flag.act,
    )
