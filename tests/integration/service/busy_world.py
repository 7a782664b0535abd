"""A database with a bit of everything in it, made by the service's own use cases from one seed."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from service.application.cases import Desk
from service.application.commands import Ask, Commands
from service.application.flags import act_on_flag
from service.application.idempotency import once
from service.application.intake import Intake, Reading
from service.application.ports import Rejection, StoredFlag, Unit
from service.application.waiting import Waiting
from service.domain.facts import Circumstance, Fact, FactKind, OrderRef
from service.domain.money import Money
from service.domain.terms import Terms
from service.kafka.encoding import ProtobufEncoder
from service.schedules import SHIPPED, load
from tests.builders import a_fact, an_origin
from tests.fakes import FakeClock
from tests.integration.service.world import Storing

TERMS: Final = Terms(schedules=load(SHIPPED))
# What may be told of an order after its creation; more often what usually happens.
KINDS: Final = (
    *(FactKind.PAYMENT_STARTED, FactKind.PAYMENT_SUCCEEDED, FactKind.PAYMENT_SUCCEEDED),
    *(FactKind.STOCK_ALLOCATED, FactKind.OUTBOUND_APPROVED, FactKind.PARCEL_SHIPPED),
    *(FactKind.PARCEL_DELIVERED, FactKind.ORDER_COMPLETED, FactKind.ORDER_CANCELLED),
    *(FactKind.REFUND_REQUESTED, FactKind.REFUND_SUCCEEDED, FactKind.REFUND_FAILED),
    *(FactKind.PAYMENT_CLOSED, FactKind.ORDER_REINSTATED, FactKind.NOTED),
)
SOURCES: Final = ("mini", "alipay", "wechatpay", "wms", "erp")


@dataclass
class Happenings:
    """Makes things happen, in the order that the seed says."""

    storing: Storing
    seed: int

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)  # noqa: S311  # no secret
        self.names: list[str] = []
        self._told = 0

    @property
    def clock(self) -> FakeClock:
        return self.storing.clock

    def happen(self, steps: int) -> None:
        """Do so many things."""
        acts = (self._news, self._news, self._news, self._old_news, self._ask, self._ripen)
        for _ in range(steps):
            self.chance.choice(acts)()
        while self._ripen():
            pass

    def _news(self) -> None:
        facts = [self._fact() for _ in range(self.chance.randint(1, 6))]
        intake = Intake(self.storing.storage, ProtobufEncoder(), self.clock, TERMS)
        receipts = self.storing.submit(len(facts) + 1)
        readings = [
            Reading(receipt, (fact,)) for receipt, fact in zip(receipts, facts, strict=False)
        ]
        refused = Rejection("TEMPLATE_UNKNOWN", "", "")
        intake.apply([*readings, Reading(receipts[-1], (), rejection=refused)])

    def _old_news(self) -> None:
        """Tell of an order twice, before anybody tells that it exists."""
        name = uuid.UUID(int=self.chance.getrandbits(128)).hex[:12]
        paid = self._fact(name, FactKind.PAYMENT_SUCCEEDED)
        self.storing.tell_each([paid, self._fact(name, FactKind.PARCEL_SHIPPED), paid])
        if self.chance.random() < 0.7:
            self.storing.tell_each([self._fact(name, FactKind.ORDER_CREATED)])

    def _fact(self, name: str = "", kind: FactKind | None = None) -> Fact:
        self._told += 1
        if not name and (len(self.names) < 5 or self.chance.random() < 0.2):
            name, kind = (
                uuid.UUID(int=self.chance.getrandbits(128)).hex[:12],
                FactKind.ORDER_CREATED,
            )
        name = name or self.chance.choice(self.names)
        kind = kind or self.chance.choice(KINDS)
        if kind is FactKind.ORDER_CREATED and name not in self.names:
            self.names.append(name)
        source = "mini" if kind is FactKind.ORDER_CREATED else self.chance.choice(SOURCES)
        merchant = OrderRef("merchant", f"M{name}")
        refs = (merchant,) if kind is FactKind.ORDER_CREATED else ()
        has_money = "PAYMENT_SUCCEEDED" in kind.value or "REFUND" in kind.value
        minor = self.chance.choice((9_990, 9_990, 5_000))
        amount = Money(minor, "CNY") if has_money or refs else None
        return a_fact(
            kind,
            fact_id=f"{name}-{self._told}",
            ref=merchant if source in {"alipay", "wechatpay"} else OrderRef("mini", name),
            more_refs=refs,
            source=source,
            channel="mini",
            occurred_at=self.clock() - timedelta(seconds=self.chance.randint(0, 7_000)),
            recorded_at=self.clock(),
            amount=amount,
            voucher=f"v{self.chance.randint(1, 3)}-{name}" if has_money else "",
            payment=f"v1-{name}" if "REFUND" in kind.value else "",
            circumstances=frozenset(self.chance.sample(sorted(Circumstance, key=str), 1)),
            customer=f"c-{len(name) % 3}" if refs else "",
        )

    def _ask(self) -> None:
        """A person asks for something; what is refused is an answer, too."""
        if not self.names:
            return
        name = self.chance.choice(self.names)
        order = self.storing.reader.order_by_ref(OrderRef("mini", name))
        asked = self.chance.randrange(5)
        request_id = str(uuid.UUID(int=self.chance.getrandbits(128)))
        ask = Ask(order.order_id, an_origin(), request_id)

        def work(unit: Unit) -> bytes:
            at = self.clock()
            commands = Commands(unit, ProtobufEncoder(), at, TERMS)
            desk = Desk(unit, ProtobufEncoder(), an_origin(), at)
            if asked == 0:
                commands.place_hold(ask, "ADDRESS")
            elif asked == 1:
                commands.release_hold(ask, order.holds[0].hold_id if order.holds else "none")
            elif asked == 2:
                commands.set_milestone(ask, f"step-{self.chance.randint(1, 9)}")
            elif asked == 3:
                case = desk.open(order.order_id, "OUT_OF_STOCK", "none left", request_id)
                desk.assign(case.case_id, "clerk-7")
            else:
                flag = StoredFlag(
                    f"flag-{request_id}", order.order_id, "", "amount", 1, "HOLD", (), at
                )
                act_on_flag(
                    unit, flag, "HOLD", origin=an_origin(), encoder=ProtobufEncoder(), at=at
                )
            return b"done"

        self.storing.storage.transact(lambda unit: once(unit, request_id, b"f", lambda: work(unit)))

    def _ripen(self) -> int:
        """Let deadlines that passed open their cases; return how many there were."""
        waiting = Waiting(self.storing.storage, ProtobufEncoder(), self.clock, TERMS)
        return waiting.expire_due() + waiting.report_orphans()
