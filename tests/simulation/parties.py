"""What channels, providers and warehouses say: true and false, early and late, once and again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from service.application.ports import NewReceipt, Rejection
from service.domain.facts import TOTAL_SO_FAR, Circumstance, Fact, FactKind, OrderLine, OrderRef
from service.domain.money import Money
from tests.simulation.chance import Chance, Weighted

CHANNELS: Final = ("douyin", "jd", "mini")
PROVIDERS: Final = ("wechatpay", "alipay")
SKUS: Final = ("A", "B")
UNREADABLE: Final = Rejection("TEMPLATE_UNKNOWN", "template", "Mend the template.")

KINDS: Final = Weighted(
    {
        FactKind.ORDER_CREATED: 12.0,
        FactKind.PAYMENT_STARTED: 8.0,
        FactKind.PAYMENT_SUCCEEDED: 14.0,
        FactKind.PAYMENT_FAILED: 2.0,
        FactKind.PAYMENT_CLOSED: 2.0,
        FactKind.PAYMENT_AUTHORISED: 1.0,
        FactKind.STOCK_ALLOCATED: 7.0,
        FactKind.OUTBOUND_APPROVED: 4.0,
        FactKind.PARCEL_SHIPPED: 4.0,
        FactKind.PARCEL_DELIVERED: 3.0,
        FactKind.ORDER_COMPLETED: 2.0,
        FactKind.ORDER_CANCELLED: 5.0,
        FactKind.ORDER_REINSTATED: 2.0,
        FactKind.REFUND_REQUESTED: 3.0,
        FactKind.REFUND_SUCCEEDED: 4.0,
        FactKind.REFUND_CLOSED: 1.0,
        FactKind.REFUND_FAILED: 1.0,
        FactKind.NOTED: 1.0,
    }
)
OF_PROVIDERS: Final = frozenset(
    each for each in FactKind if each.value.startswith(("PAYMENT", "REFUND"))
)
OF_WAREHOUSES: Final = frozenset(
    {
        FactKind.STOCK_ALLOCATED,
        FactKind.OUTBOUND_APPROVED,
        FactKind.PARCEL_SHIPPED,
        FactKind.PARCEL_DELIVERED,
    }
)
WITH_AMOUNT: Final = frozenset(
    {
        FactKind.ORDER_CREATED,
        FactKind.PAYMENT_SUCCEEDED,
        FactKind.PAYMENT_AUTHORISED,
        FactKind.REFUND_REQUESTED,
        FactKind.REFUND_SUCCEEDED,
    }
)


@dataclass(frozen=True, slots=True)
class Plan:
    """An order as those who deal with it know it."""

    number: int
    channel: str
    provider: str
    total: Money
    customer: str
    lines: tuple[OrderLine, ...]
    placed_at: datetime

    @property
    def ref(self) -> OrderRef:
        """Its name at the channel."""
        return OrderRef(self.channel, f"c{self.number}")

    @property
    def trade(self) -> OrderRef:
        """The number that we gave to the provider."""
        return OrderRef("merchant", f"m{self.number}")


def a_plan(number: int, chance: Chance, at: datetime) -> Plan:
    """Draw an order."""
    lines = tuple(OrderLine(sku, 1 + chance.below(2)) for sku in SKUS if chance.happens(0.4))
    return Plan(
        number=number,
        channel=chance.one_of(CHANNELS),
        provider=chance.one_of(PROVIDERS),
        total=Money(1_000 * (1 + chance.below(9)), "CNY"),
        customer=f"u{chance.below(3)}",
        lines=lines,
        placed_at=at,
    )


class Parties:
    """Everybody who sends receipts. `said` holds what each receipt says."""

    def __init__(self, plans: list[Plan], chance: Chance) -> None:
        self.plans = plans
        self.said: list[tuple[Fact, ...]] = []
        self.sent: list[NewReceipt] = []
        # Until somebody mends the templates.
        self.is_readable = False
        self._facts = 0
        self._unreadable: set[int] = set()
        self._chance = chance

    def say(self, at: datetime) -> NewReceipt:
        """Return the next receipt: news, the same happening once more, or the same message."""
        chance = self._chance
        if self.sent and chance.happens(0.15):
            return replace(chance.one_of(self.sent), received_at=at)
        facts = self._news(at)
        if chance.happens(0.03):
            self._unreadable.add(len(self.said))
        return self.send(facts, at)

    def send(self, facts: tuple[Fact, ...], at: datetime) -> NewReceipt:
        """Return a receipt that says this."""
        number = len(self.said)
        self.said.append(facts)
        plan = facts[0].ref.value if facts else ""
        source = facts[0].source if facts else "douyin"
        receipt = NewReceipt(
            source, f"msg-{number}", "told", source, b"%d" % number, "", at, plan, "10.0.0.1", ""
        )
        self.sent.append(receipt)
        return receipt

    def read(self, receipt: NewReceipt) -> tuple[tuple[Fact, ...], Rejection | None]:
        """Return what a receipt means; until templates are mended, some mean nothing."""
        number = int(receipt.body)
        if number in self._unreadable and not self.is_readable:
            return (), UNREADABLE
        return self.said[number], None

    def _news(self, at: datetime) -> tuple[Fact, ...]:
        chance = self._chance
        if self.said and chance.happens(0.1):
            return chance.one_of(self.said)
        if chance.happens(0.02):
            return ()
        plan = chance.one_of(self.plans)
        facts = [self.a_fact(plan, KINDS.draw(chance), at)]
        if chance.happens(0.1):
            facts.append(self.a_fact(plan, KINDS.draw(chance), at))
        return tuple(facts)

    def a_fact(self, plan: Plan, kind: FactKind, at: datetime) -> Fact:
        """Draw what one source says of one order."""
        chance = self._chance
        self._facts += 1
        names = [plan.ref, plan.trade]
        source = "wms" if kind in OF_WAREHOUSES else plan.channel
        if kind in OF_PROVIDERS and chance.happens(0.7):
            source, names = plan.provider, names[::-1]
        elif kind is FactKind.ORDER_CREATED and chance.happens(0.05):
            names.reverse()
        many = chance.happens(0.8 if kind is FactKind.ORDER_CREATED else 0.2)
        voucher, payment = self._vouchers(kind)
        spread = chance.share()
        # Most of it just happened; some is news of hours ago, or of a clock that runs ahead.
        ago = spread * 60 if spread < 0.7 else spread * 10_000 if spread < 0.95 else -120
        return Fact(
            fact_id=f"f-{self._facts}",
            kind=kind,
            ref=names[0],
            more_refs=(names[1],) if many else (),
            source=source,
            occurred_at=at - timedelta(seconds=int(ago)),
            channel=plan.channel if source == plan.channel else "",
            amount=self._amount(plan) if kind in WITH_AMOUNT else None,
            list_amount=plan.total if kind is FactKind.ORDER_CREATED else None,
            voucher=voucher,
            payment=payment,
            customer=plan.customer if kind is FactKind.ORDER_CREATED else "",
            lines=plan.lines if kind is FactKind.ORDER_CREATED else (),
            circumstances=frozenset(
                {chance.one_of(list(Circumstance))} if chance.happens(0.1) else ()
            ),
            note=self._note(kind),
            provider=plan.provider if kind in OF_PROVIDERS and chance.happens(0.5) else "",
        )

    def _vouchers(self, kind: FactKind) -> tuple[str, str]:
        chance = self._chance
        number = "1" if chance.happens(0.75) else chance.one_of("23")
        if kind.value.startswith("REFUND"):
            return f"r{number}", "p1" if chance.happens(0.5) else ""
        if kind.value.startswith("PAYMENT"):
            return (f"p{number}" if chance.happens(0.8) else ""), ""
        return (f"w{number}" if kind is FactKind.PARCEL_SHIPPED else ""), ""

    def _amount(self, plan: Plan) -> Money | None:
        drawn = self._chance.share()
        if drawn < 0.75:
            return plan.total
        if drawn < 0.88:
            return Money(1 + self._chance.below(plan.total.minor), plan.total.currency)
        return None if drawn < 0.97 else Money(plan.total.minor, "USD")

    def _note(self, kind: FactKind) -> str:
        is_total = kind is FactKind.REFUND_SUCCEEDED and self._chance.happens(0.2)
        return TOTAL_SO_FAR if is_total else ""
