"""A tour of the refusals that no course of an order comes by: cases, probes, stock, pick lists.

One tour after another while the blows fall; each provokes the same reasons, and knows which.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from clients.sdk import money
from clients.sdk.errors import RefusalError
from concord.cases.v1 import case_service_pb2 as cases_pb
from concord.insights.v1 import flag_pb2
from concord.intake.v1 import receipt_pb2
from concord.notices.v1 import notice_service_pb2 as notices_pb
from concord.orders.v1 import order_pb2
from concord.probes.v1 import probe_service_pb2 as probes_pb
from tests.faults.chaos.callers import Callers
from tests.faults.chaos.clerk import Clerk, UnexpectedAnswerError

Result = probes_pb.ReportProbeRequest
WAREHOUSE: Final = "bj1"
# A receipt is read, weighed and allocated within seconds; under blows it waits behind thousands.
COMES_WITHIN_S: Final = 300.0
LOOK_S: Final = 0.25


class Tour(Clerk):
    """A clerk who goes from counter to counter."""

    is_thorough = True

    def __init__(self, callers: Callers, number: int, seed: int, *, has_desk: bool) -> None:
        super().__init__(callers, number, seed)
        # Whether every service at hand has an exception desk; the release before had none.
        self._has_desk = has_desk

    def _one_order(self) -> None:
        self._run_id = f"{self._run}-{self.orders}"
        probe_order = self._order_in_payment()
        super()._one_order()
        self._cancel_unpaid(self._own_order("unpaid").name)
        self._unknown_names()
        if self._has_desk:
            self._unknown_names_at_the_desk()
        self._cases()
        self._request_ids()
        self._stock_and_pick_lists()
        self._probes(probe_order)

    def _note_on_a_hot_one(self) -> None:
        """Leave that to the others, and rest: a tour now and then is enough."""
        self._stop.wait(2.0)

    def _read(self, call: Callable[[Any], Any]) -> Any:  # noqa: ANN401  # Whatever it reads.
        return self._callers.patiently("read", lambda: call(self._callers.client(self._number)))

    def _not_read(self, reason: str, call: Callable[[Any], Any]) -> None:
        """Read what must be refused."""
        try:
            found = self._read(call)
        except RefusalError as error:
            if error.reason == reason:
                return
            found = error
        self._ledger.problem(f"must be refused with {reason}: {found}")
        raise UnexpectedAnswerError(reason)

    def _await(self, call: Callable[[Any], Sequence[Any]], what: str) -> Any:  # noqa: ANN401
        """Read until there is something; return the first of it."""
        for _ in range(int(COMES_WITHIN_S / LOOK_S)):
            if found := self._read(call):
                return found[0]
            threading.Event().wait(LOOK_S)
        self._ledger.problem(f"not within {COMES_WITHIN_S:.0f} s: {what}")
        raise UnexpectedAnswerError(what)

    def _unknown_names(self) -> None:
        none = f"none-{uuid.UUID(int=self._dice.getrandbits(128))}"
        self._not_read("ORDER_NOT_FOUND", lambda c: c.orders.get(f"orders/{none}"))
        self._not_read("CASE_NOT_FOUND", lambda c: c.cases.get(f"cases/{none}"))
        self._not_read("RECEIPT_NOT_FOUND", lambda c: c.intake.get(f"receipts/{none}"))
        self._not_read("PROBE_NOT_FOUND", lambda c: c.probes.get(f"probes/{none}"))
        self._not_read("PICK_LIST_NOT_FOUND", lambda c: c.fulfilment.get_pick_list(none))
        self._not_read("STOCK_NOT_FOUND", lambda c: c.inventory.get_stock(none, WAREHOUSE))
        self._not_read("STREAM_NOT_PARKED", lambda c: c.outbox.resend("concord.orders.v1", none))
        self._not_read("CURSOR_INVALID", lambda c: next(iter(c.orders.list(page_token="no"))))
        self._not_read("INVALID_REQUEST", lambda c: c.orders.set_milestone(none, "x" * 500))
        flag = flag_pb2.Flag(name=f"flags/{none}")
        self.refused(
            "FLAG_NOT_FOUND", "ActOnFlag",
            lambda c, r: c.insights.act_on_flag(flag, flag_pb2.Flag.ACTION_DISMISS, request_id=r),
        )  # fmt: skip

    def _unknown_names_at_the_desk(self) -> None:
        none = f"none-{uuid.UUID(int=self._dice.getrandbits(128))}"
        self._not_read("NOTICE_NOT_FOUND", lambda c: c.notices.get(f"notices/{none}"))
        self._not_read("WORKFLOW_NOT_FOUND", lambda c: c.workflows.get(f"workflows/{none}@1"))
        self._not_read("BATCH_NOT_FOUND", lambda c: c.batches.get(f"batches/{none}"))
        ordered = cases_pb.PurchaseRequest.STATE_ORDERED
        self.refused(
            "PURCHASE_REQUEST_NOT_FOUND", "AnswerPurchaseRequest",
            lambda c, r: c.purchases.answer(f"purchaseRequests/{none}", ordered, request_id=r),
        )  # fmt: skip
        lease = str(uuid.UUID(int=self._dice.getrandbits(128), version=4))
        self._not_read(
            "SENDING_ENDED",
            lambda c: c.notices.report(none, lease, notices_pb.ReportDeliveryRequest.RESULT_SENT),
        )

    def _own_order(self, name: str, **given: Any) -> order_pb2.Order:  # noqa: ANN401
        ref = order_pb2.OrderRef(namespace="mini", value=f"T{self._run_id}-{name}")
        made = order_pb2.Order(channel="mini", refs=[ref], total=money("20.00"), **given)
        return self.moved(
            "PENDING_PAYMENT", "CreateOrder", lambda c, r: c.orders.create(made, request_id=r)
        )

    def _cases(self) -> None:
        order = self._own_order("case")
        case = self.accepted(
            "OpenCase", lambda c, r: c.cases.open(order.name, "WRONG_ITEM", request_id=r)
        ).name
        self.accepted("AssignCase", lambda c, r: c.cases.assign(case, "han", request_id=r))
        self.accepted("AddCaseNote", lambda c, r: c.cases.add_note(case, "seen", request_id=r))
        # A case's acts change the order, too.
        self.etags.pop(order.name)
        if self._has_desk:
            self._at_the_desk(order.name, case)

    def _at_the_desk(self, order: str, case: str) -> None:
        """Ask what the workflow does not allow, and then what it does."""
        self.refused(
            "ROLE_NOT_ALLOWED", "OpenCase",
            lambda c, r: c.cases.open(order, "REFUND_OWED", request_id=r),
        )  # fmt: skip
        self._refused_at_a_case(case)
        self._notices(case)
        papers = {"photo": "wrong-1.jpg", "cause": "it is the right one"}
        self.accepted(
            "ActOnCase", lambda c, r: c.cases.act(case, "reject", documents=papers, request_id=r)
        )
        self.refused(
            "CASE_CLOSED", "AssignCase", lambda c, r: c.cases.assign(case, "li", request_id=r)
        )

    def _refused_at_a_case(self, case: str) -> None:
        """Ask what the workflow does not allow; the case goes on as it was."""
        for reason, method, ask in (
            ("CASE_CHANGED", "AssignCase",
             lambda c, r: c.cases.assign(case, "li", etag="0", request_id=r)),
            ("STEP_NOT_ACTIVE", "ActOnCase",
             lambda c, r: c.cases.act(case, "refund", request_id=r)),
            ("DOCUMENTS_MISSING", "ActOnCase",
             lambda c, r: c.cases.act(case, "reject", request_id=r)),
            ("ROLE_NOT_ALLOWED", "ResolveCase",
             lambda c, r: c.cases.resolve(case, "DONE", request_id=r)),
            ("CASE_NOT_RESOLVED", "ReopenCase",
             lambda c, r: c.cases.reopen(case, "again", request_id=r)),
            ("CASE_NOT_PAUSED", "ResumeCase", lambda c, r: c.cases.resume(case, request_id=r)),
        ):  # fmt: skip
            self.refused(reason, method, ask)
        self.accepted("PauseCase", lambda c, r: c.cases.pause(case, "a call", request_id=r))
        self.refused(
            "CASE_PAUSED", "PauseCase", lambda c, r: c.cases.pause(case, "twice", request_id=r)
        )
        self.accepted("ResumeCase", lambda c, r: c.cases.resume(case, request_id=r))
        self._not_read("DOCUMENT_NOT_FOUND", lambda c: c.cases.get_document(case, 99))

    def _notices(self, case: str) -> None:
        """Let a role be told; what lies in its inbox has arrived."""
        self.accepted("EscalateCase", lambda c, r: c.cases.escalate(case, "late", request_id=r))
        notice = self._await(lambda c: list(c.notices.list(case=case)), f"a notice of {case}").name
        self.refused(
            "NOTICE_NOT_RESENDABLE", "ResendNotice",
            lambda c, r: c.notices.resend(notice, request_id=r),
        )  # fmt: skip
        self.refused(
            "NOTICE_NOT_UNCERTAIN", "SettleNotice",
            lambda c, r: c.notices.settle(notice, arrived=True, request_id=r),
        )  # fmt: skip

    def _request_ids(self) -> None:
        order, used = self._own_order("id"), str(uuid.UUID(int=self._dice.getrandbits(128)))
        self._read(lambda c: c.orders.set_milestone(order.name, "first", request_id=used))
        self._not_read(
            "REQUEST_ID_REUSED",
            lambda c: c.orders.set_milestone(order.name, "second", request_id=used),
        )
        self.etags.pop(order.name)

    def _stock_and_pick_lists(self) -> None:
        sku, voucher = f"sku-{self._run_id}", f"pay-{self._run_id}"
        self.accepted(
            "SetStock", lambda c, r: c.inventory.set_stock(sku, WAREHOUSE, 5, request_id=r)
        )
        line = order_pb2.OrderLine(sku=sku, quantity=2)
        order = self._own_order("pick", lines=[line])
        name, total = order.name, order.total
        self.etags.pop(name)
        self.accepted("StartPayment", lambda c, r: c.orders.start_payment(name, request_id=r))
        self.accepted(
            "ConfirmPayment",
            lambda c, r: c.orders.confirm_payment(
                name, voucher=voucher, amount=total, request_id=r
            ),
        )
        # The clockwork reserves by itself, and writes the list.
        listed = self._await(
            lambda c: list(c.fulfilment.list_pick_lists(order=name)), f"a pick list of {name}"
        )
        self.refused(
            "STOCK_RESERVED", "AdjustStock",
            lambda c, r: c.inventory.adjust_stock(sku, WAREHOUSE, -4, request_id=r),
        )  # fmt: skip

        def complete(c: Any, r: str) -> Any:  # noqa: ANN401  # A client, a pick list.
            return c.fulfilment.complete_pick_list(listed.name, request_id=r)

        self.accepted("CompletePickList", complete)
        self.refused("PICK_LIST_CLOSED", "CompletePickList", complete)

    def _order_in_payment(self) -> str:
        """Let a channel tell of an order whose buyer pays at Alipay; return its number there."""
        value = f"P{self._run_id}"
        order = {"namespace": "mini", "value": value}
        paid = {"provider": "alipay", "account": "main"}
        told = (
            {"type": "order.created", "amount": {"currency": "CNY", "value": "30.00"},
             "more_refs": [{"namespace": "merchant", "value": f"M{value}"}]},
            {"type": "payment.started", **paid},
        )  # fmt: skip
        receipts = []
        for index, each in enumerate(told):
            common = {"id": f"{value}/{index}", "source": "mini", "channel": "mini"}
            at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
            body = orjson.dumps({**common, **each, "order": order, "occurred_at": at})
            receipts.append(
                receipt_pb2.Receipt(
                    source="mini", message_id=f"{value}/{index}", template="concord.event",
                    channel="mini", body=body, order_hint=value,
                )
            )  # fmt: skip
            receipts[-1].receive_time.GetCurrentTime()
        answer = self._read(lambda c: c.intake.submit(receipts))
        for index, each in enumerate(answer.submitted):
            self._ledger.note_receipt(f"{value}/{index}", each.receipt)
        return value

    def _probes(self, value: str) -> None:
        """Ask whether the buyer paid; somebody else's lease is none."""
        ref = order_pb2.OrderRef(namespace="mini", value=value)
        self._await(lambda c: self._known(c, ref), f"the order {value}")
        name = self._read(lambda c: c.orders.get(ref=ref)).name
        probe = self._await(
            lambda c: list(c.probes.list(order=name)), f"a probe of the order {value}"
        ).name
        self._not_read(
            "LEASE_LOST", lambda c: c.probes.report(probe, "no-lease", Result.RESULT_NOT_FOUND)
        )

    @staticmethod
    def _known(client: Any, ref: order_pb2.OrderRef) -> list[order_pb2.Order]:  # noqa: ANN401
        """Return the order, when its receipts were read."""
        try:
            return [client.orders.get(ref=ref)]
        except RefusalError:
            return []


def tour(callers: Callers, seed: int, *, has_desk: bool) -> Tour:
    """Return the clerk of the tour, who is number 99 of all."""
    return Tour(callers, 99, seed, has_desk=has_desk)
