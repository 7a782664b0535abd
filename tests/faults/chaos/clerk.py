"""A clerk who asks for everything that may be asked of an order, legal and not.

Only this clerk moves the order, so what must come of each call is known beforehand, whatever was
killed meanwhile: a command whose answer was lost is asked again under its request id, and the
answer must be that of the first time.
"""

from __future__ import annotations

import random
import threading
import uuid
from collections.abc import Callable
from typing import Any, Final

from google.protobuf.message import Message

from clients.sdk import Concord, money
from clients.sdk.errors import RefusalError
from concord.orders.v1 import order_pb2
from tests.faults.chaos.callers import Callers
from tests.faults.chaos.ledger import Answer, Command, as_answer

Ask = Callable[[Concord, str], Message]

REPEATED: Final = 0.15
# Orders that all clerks note things on: writers meet there.
HOT: Final = 4
PAUSE_S: Final = 0.03


class UnexpectedAnswerError(Exception):
    """The service said something else than it must; the ledger has the words."""


class Clerk:
    """One thread of commands."""

    # Whether it does everything on every order that may be done, or each now and then.
    is_thorough = False

    def __init__(self, callers: Callers, number: int, seed: int) -> None:
        self.failed: BaseException | None = None
        self.orders = 0
        # Last etag that was told of each own order.
        self.etags: dict[str, int] = {}
        # Milestones that were set on hot orders: unique words, each to be found once.
        self.milestones: list[str] = []
        self._callers = callers
        self._ledger = callers.ledger
        self._number = number
        self._run = f"{seed}-{number}"
        self._dice = random.Random(f"clerk:{self._run}")  # noqa: S311  # Reproducible on purpose.
        self._seed = seed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"clerk-{number}")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Bring the order at hand to its end, and no other."""
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                self._one_order()
                self._note_on_a_hot_one()
                self.orders += 1
        except BaseException as error:  # noqa: BLE001  # Told where the test sees it.
            self.failed = error

    def _happens(self, share: float) -> bool:
        return self.is_thorough or self._dice.random() < share

    def _ends_here(self, share: float) -> bool:
        return not self.is_thorough and self._dice.random() < share

    def accepted(self, method: str, ask: Ask) -> Any:  # noqa: ANN401  # Its own answer type.
        """Ask until there is an answer, which must not be a refusal."""
        answer, refusal, body = self._ask(method, ask)
        if refusal is not None or body is None:
            self._ledger.problem(f"{method} was refused: {answer.refusal} {answer.variables}")
            raise UnexpectedAnswerError(method)
        return body

    def refused(self, reason: str, method: str, ask: Ask) -> None:
        """Ask until there is an answer, which must be this refusal."""
        answer, _, _ = self._ask(method, ask)
        if answer.refusal != reason:
            self._ledger.problem(f"{method} must be refused with {reason}: {answer}")
            raise UnexpectedAnswerError(method)

    def moved(self, state: str, method: str, ask: Ask) -> order_pb2.Order:
        """Ask an own order to move; it must be in this state then."""
        order: order_pb2.Order = self.accepted(method, ask)
        found = order_pb2.Order.State.Name(order.state).removeprefix("STATE_")
        before, etag = self.etags.get(order.name, 0), int(order.etag)
        if found != state or etag <= before:
            self._ledger.problem(f"{method}: {order.name} is {found} at {etag}, after {before}")
            raise UnexpectedAnswerError(method)
        self.etags[order.name] = etag
        return order

    def _ask(self, method: str, ask: Ask) -> tuple[Answer, RefusalError | None, Message | None]:
        self._stop.wait(self._dice.uniform(0, 2 * PAUSE_S))
        request_id = str(uuid.UUID(int=self._dice.getrandbits(128), version=4))

        def call(client: Concord) -> Message:
            return ask(client, request_id)

        answer, refusal, body = self._answer(call)
        command = Command(request_id, method, call, answer)
        self._ledger.note_command(command)
        if self._dice.random() < REPEATED:
            self._ledger.repeated_at_once += 1
            self._ledger.hold_to(command, self._answer(call)[0])
        return answer, refusal, body

    def _answer(
        self, call: Callable[[Concord], Message]
    ) -> tuple[Answer, RefusalError | None, Message | None]:
        try:
            body = self._callers.patiently(
                "command", lambda: call(self._callers.client(self._number))
            )
        except RefusalError as error:
            return as_answer(error), error, None
        return Answer(body.SerializeToString(deterministic=True)), None, body

    def _one_order(self) -> None:
        dice, number = self._dice, f"K{self._run}-{self.orders}"
        total = money(f"{dice.randrange(10, 500)}.00")
        ref = order_pb2.OrderRef(namespace="mini", value=number)
        made = order_pb2.Order(channel="mini", refs=[ref], total=total)
        name = self.moved(
            "PENDING_PAYMENT", "CreateOrder", lambda c, rid: c.orders.create(made, request_id=rid)
        ).name
        if self._happens(0.2):
            self.refused(
                "REFERENCE_TAKEN",
                "CreateOrder",
                lambda c, rid: c.orders.create(made, request_id=rid),
            )
        self._illegal(name, "PENDING_PAYMENT")
        if self._ends_here(0.1):
            return self._cancel_unpaid(name)
        self.moved(
            "PAYING", "StartPayment", lambda c, r: c.orders.start_payment(name, request_id=r)
        )
        self._illegal(name, "PAYING")
        if self._ends_here(0.1):
            return self._cancel_unpaid(name)
        self._pay(name, number, total)
        self._illegal(name, "PAID")
        if self._happens(0.2):
            self.moved("CANCELLED", "CancelOrder", lambda c, r: c.orders.cancel(name, request_id=r))
            self._illegal(name, "CANCELLED")
            self.moved(
                "PAID", "ReinstateOrder", lambda c, r: c.orders.reinstate(name, request_id=r)
            )
        self.moved(
            "AWAITING_OUTBOUND", "AllocateOrder", lambda c, r: c.orders.allocate(name, request_id=r)
        )
        self._illegal(name, "AWAITING_OUTBOUND")
        if self._ends_here(0.1):
            self.moved("CANCELLED", "CancelOrder", lambda c, r: c.orders.cancel(name, request_id=r))
            return self._refund(name, number, total, "CANCELLED")
        return self._send_off(name, number, total)

    def _cancel_unpaid(self, name: str) -> None:
        self.moved("CANCELLED", "CancelOrder", lambda c, r: c.orders.cancel(name, request_id=r))
        self.refused(
            "PAYMENT_MISSING", "ReinstateOrder", lambda c, r: c.orders.reinstate(name, request_id=r)
        )

    def _pay(self, name: str, number: str, total: Any) -> None:  # noqa: ANN401  # Money.
        voucher = f"pay-{number}"

        def confirm(amount: Any) -> Ask:  # noqa: ANN401  # Money.
            return lambda c, r: c.orders.confirm_payment(
                name, voucher=voucher, amount=amount, request_id=r
            )

        if self._happens(0.3):
            self.refused("AMOUNT_MISMATCH", "ConfirmPayment", confirm(money("1.23")))
        self.moved("PAID", "ConfirmPayment", confirm(total))

    def _send_off(self, name: str, number: str, total: Any) -> None:  # noqa: ANN401  # Money.
        def ship(c: Concord, r: str) -> Message:
            return c.orders.ship(name, voucher=f"SF-{number}", request_id=r)

        def approve(c: Concord, r: str) -> Message:
            return c.orders.approve_outbound(name, request_id=r)

        state = "AWAITING_OUTBOUND"
        self.refused("OUTBOUND_NOT_APPROVED", "ShipOrder", ship)
        if self._happens(0.4):
            held = self.moved(
                state, "PlaceHold", lambda c, r: c.orders.place_hold(
                    name, hold_reason="OPERATOR", request_id=r)
            )  # fmt: skip
            hold = held.holds[0].hold_id
            self.refused("ORDER_ON_HOLD", "ApproveOutbound", approve)

            def release(c: Concord, r: str) -> Message:
                return c.orders.release_hold(name, hold_id=hold, request_id=r)

            self.moved(state, "ReleaseHold", release)
            self.refused("HOLD_NOT_FOUND", "ReleaseHold", release)
        self.moved(state, "ApproveOutbound", approve)
        self.moved("SHIPPING", "ShipOrder", ship)
        self._illegal(name, "SHIPPING")
        self.moved(
            "DELIVERED",
            "ConfirmDelivery",
            lambda c, r: c.orders.confirm_delivery(name, request_id=r),
        )
        self._illegal(name, "DELIVERED")
        if self._happens(0.3):
            self._refund(name, number, total, "DELIVERED")
        self.moved("COMPLETED", "CompleteOrder", lambda c, r: c.orders.complete(name, request_id=r))
        self._illegal(name, "COMPLETED")

    def _refund(self, name: str, number: str, total: Any, state: str) -> None:  # noqa: ANN401
        voucher, half = f"RF{number.replace('-', '')}0000", money(f"{total.units // 2}.00")

        def request(amount: Any) -> Ask:  # noqa: ANN401  # Money.
            return lambda c, r: c.orders.request_refund(
                name, voucher=voucher, amount=amount, request_id=r
            )

        def confirm(under: str) -> Ask:
            return lambda c, r: c.orders.confirm_refund(
                name, voucher=under, amount=half, request_id=r
            )

        self.refused("REFUND_EXCEEDS_PAYMENT", "RequestRefund", request(money("99999.00")))
        self.refused("REFUND_NOT_REQUESTED", "ConfirmRefund", confirm(voucher))
        self.refused(
            "PROVIDER_UNKNOWN", "RefundOrder",
            lambda c, r: c.orders.refund(name, amount=half, voucher=voucher, request_id=r),
        )  # fmt: skip
        self.moved(state, "RequestRefund", request(half))
        self.moved(state, "ConfirmRefund", confirm(voucher))

    def _illegal(self, name: str, state: str) -> None:
        """Now and then, ask for something that this state forbids, or with an etag of yesterday."""
        ways: dict[str, Ask] = {
            "PENDING_PAYMENT": lambda c, r: c.orders.allocate(name, request_id=r),
            "PAYING": lambda c, r: c.orders.start_payment(name, request_id=r),
            "PAID": lambda c, r: c.orders.ship(name, voucher="SF-no", request_id=r),
            "AWAITING_OUTBOUND": lambda c, r: c.orders.complete(name, request_id=r),
            "SHIPPING": lambda c, r: c.orders.cancel(name, request_id=r),
            "DELIVERED": lambda c, r: c.orders.allocate(name, request_id=r),
            "COMPLETED": lambda c, r: c.orders.cancel(name, request_id=r),
            "CANCELLED": lambda c, r: c.orders.ship(name, voucher="SF-no", request_id=r),
        }
        if self._happens(0.15):
            self.refused("ILLEGAL_TRANSITION", f"illegal in {state}", ways[state])
        if self._happens(0.05):
            self.refused(
                "VERSION_CONFLICT", "SetMilestone",
                lambda c, r: c.orders.set_milestone(name, "late", etag="999999", request_id=r),
            )  # fmt: skip

    def _note_on_a_hot_one(self) -> None:
        """Write a word that nobody else writes on an order that everybody writes on."""
        ref = order_pb2.OrderRef(namespace="mini", value=hot(self._seed, self._dice.randrange(HOT)))
        name = self._callers.patiently(
            "read", lambda: self._callers.client(self._number).orders.get(ref=ref)
        ).name
        word = f"{self._run}-{self.orders}"
        self.accepted("SetMilestone", lambda c, r: c.orders.set_milestone(name, word, request_id=r))
        self.milestones.append(word)


def hot(seed: int, number: int) -> str:
    """Return by which number the mini program knows a hot order."""
    return f"HOT{seed}-{number}"


def make_hot_orders(callers: Callers, seed: int) -> None:
    """Create the orders that all clerks write on."""
    for number in range(HOT):
        ref = order_pb2.OrderRef(namespace="mini", value=hot(seed, number))
        made = order_pb2.Order(channel="mini", refs=[ref], total=money("10.00"))
        request_id = str(uuid.uuid5(uuid.NAMESPACE_OID, ref.value))

        def create(made: order_pb2.Order = made, request_id: str = request_id) -> Message:
            return callers.client(0).orders.create(made, request_id=request_id)

        callers.patiently("command", create)
