"""What callers ask for: every command, in and out of season."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from service.application.cases import Desk
from service.application.commands import Ask, Commands, CreateOrder, Details
from service.application.flags import act_on_flag
from service.application.picking import Picking
from service.application.ports import Encoder, StoredFlag, Unit
from service.application.stocking import Stocking
from service.domain.facts import OrderLine
from service.domain.journal import Origin
from service.domain.lifecycle import LIFECYCLE, Action
from service.domain.money import Money
from service.domain.order import Order
from service.domain.terms import Terms
from tests.fake_tables import Tables
from tests.simulation.callers import Call, Callers
from tests.simulation.chance import Chance, Weighted
from tests.simulation.coverage import DECLARED
from tests.simulation.parties import SKUS, Plan

WAREHOUSES: Final = ("bj1", "sh1")
HOLD_REASONS: Final = ("RISK", "ADDRESS")
ASSIGNEES: Final = ("an", "bo")


@dataclass
class Asking:
    """Draws what to ask, and of what; some of it does not exist."""

    tables: Tables
    callers: Callers
    chance: Chance
    encoder: Encoder
    terms: Terms
    plans: list[Plan]

    def __post_init__(self) -> None:
        self._kinds: Weighted[Callable[[], str]] = Weighted(
            {
                self.advance: 34.0,
                self.create: 5.0,
                self.refund: 8.0,
                self.confirm_refund: 3.0,
                self.hold_or_release: 5.0,
                self.milestone: 2.0,
                self.case: 7.0,
                self.flag: 2.0,
                self.pick: 6.0,
                self.stock: 4.0,
            }
        )

    def ask(self) -> str:
        """Ask for something."""
        return self._kinds.draw(self.chance)()

    def _order(self) -> Order | None:
        orders = list(self.tables.orders.values())
        return self.chance.one_of(orders) if orders and self.chance.happens(0.97) else None

    def _command(
        self, kind: str, order: Order | None, act: Callable[[Commands, Ask], Order]
    ) -> str:
        order_id = order.order_id if order else "ord-unknown"
        etag = ""
        if order and self.chance.happens(0.35):
            etag = order.etag if self.chance.happens(0.7) else f"{order.sequence - 1}"

        def work(unit: Unit, at: datetime, call: Call) -> str:
            ask = Ask(order_id, Origin(call.name, "operator"), call.request_id, etag)
            return _told(act(Commands(unit, self.encoder, at, self.terms), ask))

        return self.callers.ask(f"{kind} {order_id[-4:]}", work)

    def create(self) -> str:
        """Make one of the orders known by command."""
        plan = self.chance.one_of(self.plans)
        lines = tuple(OrderLine(each.sku, each.quantity) for each in plan.lines)

        def work(unit: Unit, at: datetime, call: Call) -> str:
            command = CreateOrder(
                Origin(call.name, "operator"), call.request_id, (plan.ref, plan.trade),
                plan.channel, plan.total, plan.placed_at, customer=plan.customer, lines=lines,
            )  # fmt: skip
            return _told(Commands(unit, self.encoder, at, self.terms).create(command))

        return self.callers.ask(f"create {plan.number}", work)

    def advance(self) -> str:
        """Ask for an action, mostly one that the state allows."""
        order = self._order()
        allowed = list(LIFECYCLE[order.state]) if order else []
        if allowed and self.chance.happens(0.8):
            action = self.chance.one_of(allowed)
            if action is Action.CANCEL and self.chance.happens(0.7):
                action = allowed[0]
            if order and order.outbound_approved and Action.SHIP in allowed:
                action = self.chance.one_of([Action.SHIP, Action.SHIP, action])
        else:
            action = self.chance.one_of(list(Action))
        total = order.total if order else Money(1, "CNY")
        amount = total if self.chance.happens(0.9) else Money(total.minor + 1, total.currency)
        details = Details(self.chance.one_of(("p1", "p2", "w1")), amount)
        return self._command(
            action.value, order, lambda commands, ask: commands.advance(ask, action, details)
        )

    def _details(self, order: Order | None) -> Details:
        total = order.total if order else Money(1, "CNY")
        share = self.chance.one_of((1, 1, 2, 3))
        amount = Money(max(1, total.minor // share), total.currency)
        payment = self.chance.one_of(("", "p1", "p2"))
        return Details(f"r{1 + self.chance.below(4)}", amount, payment=payment)

    def refund(self) -> str:
        """Ask money back, by hand or by the provider."""
        order = self._order()
        details = self._details(order)
        by_hand = self.chance.happens(0.4)
        return self._command(
            "refund",
            order,
            lambda commands, ask: (
                commands.request_refund(ask, details) if by_hand else commands.refund(ask, details)
            ),
        )

    def confirm_refund(self) -> str:
        """Say that money went back."""
        order = self._order()
        details = self._details(order)
        return self._command(
            "confirm_refund", order, lambda commands, ask: commands.confirm_refund(ask, details)
        )

    def hold_or_release(self) -> str:
        """Stop an order, or let it go on."""
        order = self._order()
        if order and order.holds and self.chance.happens(0.8):
            hold_id = order.holds[0].hold_id
        elif self.chance.happens(0.6):
            reason = self.chance.one_of(HOLD_REASONS)
            return self._command(
                "hold", order, lambda commands, ask: commands.place_hold(ask, reason)
            )
        else:
            hold_id = "hold-unknown"
        return self._command(
            "release", order, lambda commands, ask: commands.release_hold(ask, hold_id)
        )

    def milestone(self) -> str:
        """Name where it stands."""
        return self._command(
            "milestone", self._order(), lambda commands, ask: commands.set_milestone(ask, "packed")
        )

    def case(self) -> str:
        """Open or handle a case."""
        cases = list(self.tables.cases)
        order = self._order()
        case_type = self.chance.one_of(sorted(DECLARED["case"]))
        case_id = self.chance.one_of(cases) if cases else "case-unknown"
        case_id = case_id if self.chance.happens(0.95) else "case-unknown"
        act = self.chance.one_of(("open", "note", "assign", "resolve", "resolve"))
        assignee = self.chance.one_of(ASSIGNEES)

        def work(unit: Unit, at: datetime, call: Call) -> str:
            desk = Desk(unit, self.encoder, Origin(call.name, "operator"), at)
            if act == "open":
                name = order.order_id if order else "ord-unknown"
                case = desk.open(name, case_type, "", call.request_id)
            elif act == "note":
                case = desk.note(case_id, "seen")
            elif act == "assign":
                case = desk.assign(case_id, assignee)
            else:
                case = desk.resolve(case_id, "DONE", "")
            return f"{case.type} {case.state.value} {case.version}"

        return self.callers.ask(f"case {act} {case_id[-4:]}", work)

    def flag(self, order_id: str = "", flag_id: str = "") -> str:
        """Raise a flag, or dismiss one."""
        flags = list(self.tables.flags)
        action = self.chance.one_of(("HOLD", "REVIEW", "DISMISS"))
        order = self._order()
        name = order_id or (order.order_id if order else "ord-unknown")
        if not flag_id:
            known = bool(flags) and self.chance.happens(0.8)
            flag_id = self.chance.one_of(flags) if known else f"flag-{len(flags)}"

        def work(unit: Unit, at: datetime, call: Call) -> str:
            flag = StoredFlag(flag_id, name, "u1", "often", 1, action, (), at)
            origin = Origin(call.name, "system")
            kept = act_on_flag(unit, flag, action, origin=origin, encoder=self.encoder, at=at)
            return f"{kept.flag_id} {kept.act}"

        return self.callers.ask(f"flag {action}", work)

    def pick(self) -> str:
        """Begin or end a pick list."""
        lists = list(self.tables.stock.pick_lists)
        known = bool(lists) and self.chance.happens(0.95)
        name = self.chance.one_of(lists) if known else "pck-unknown"
        ends = self.chance.happens(0.6)

        def work(unit: Unit, at: datetime, call: Call) -> str:
            ask = Ask("", Origin(call.name, "operator"), call.request_id)
            commands = Commands(unit, self.encoder, at, self.terms)
            picking = Picking(unit, commands, ask, at)
            done = picking.complete(name, "pia") if ends else picking.start(name, "pia")
            return done.state.value

        return self.callers.ask(f"pick {name[-4:]}", work)

    def stock(self, sku: str = "", *, counts: bool = False) -> str:
        """Count stock, or bring and take pieces."""
        sku, warehouse = sku or self.chance.one_of(SKUS), self.chance.one_of(WAREHOUSES)
        counts = counts or self.chance.happens(0.3)
        pieces = self.chance.below(6)

        def work(unit: Unit, at: datetime, call: Call) -> str:
            stocking = Stocking(unit, at)
            if counts:
                stock = stocking.count(sku, warehouse, pieces)
            else:
                stock = stocking.adjust(sku, warehouse, pieces - 1)
            return f"{stock.on_hand} {stock.reserved}"

        return self.callers.ask(f"stock {sku} {warehouse}", work)


def _told(order: Order) -> str:
    return f"{order.state.value} {order.etag}"
