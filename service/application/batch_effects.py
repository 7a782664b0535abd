"""What the steps of a batch bring about for one order, each once: its key says so."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from service.application.cases import Desk
from service.application.commands import Ask, Commands
from service.application.coupon_ports import CouponAsked
from service.application.notice_ports import NoticeAsked
from service.application.ports import Encoder, Unit
from service.domain.desk.batches import Batch, BatchStep, step_key
from service.domain.desk.catalogue import CouponKind
from service.domain.desk.coupons import Coupon, coupon_for
from service.domain.desk.workflows import EffectKind
from service.domain.journal import Origin
from service.domain.money import Money
from service.domain.order import Order
from service.domain.terms import USUAL, Terms

SOURCE: Final = "batch"
_NAMESPACE: Final = uuid.UUID("0b8a2f57-0c3f-5f8e-9a0b-5d1c3f3f6a41")


@dataclass(frozen=True, slots=True)
class BatchEffects:
    """Brings about one step for one order, within one transaction."""

    unit: Unit
    encoder: Encoder
    batch: Batch
    coupons: Mapping[str, CouponKind]
    at: datetime
    terms: Terms = USUAL

    def bring(self, order: Order, step: BatchStep) -> str:
        """Do it; return what it brought, by name, where it brought anything.

        Raises:
            OrderError: it is refused, and nothing was written.
        """
        return _ACTS[step.effect.kind](self, order, step)

    @property
    def _origin(self) -> Origin:
        return Origin(self.batch.confirmer, self.batch.role)

    def _ask(self, order: Order, step: BatchStep) -> Ask:
        key = step_key(self.batch.batch_id, order.order_id, step.name)
        return Ask(
            order_id=order.order_id,
            origin=self._origin,
            fresh_id=str(uuid.uuid5(_NAMESPACE, key)),
            reason=f"{self.batch.template.name}, batches/{self.batch.batch_id}",
            source=SOURCE,
        )

    def _commands(self) -> Commands:
        return Commands(self.unit, self.encoder, self.at, self.terms)

    def _milestone(self, order: Order, step: BatchStep) -> str:
        milestone = step.effect.values["name"]
        if order.milestone != milestone:
            self._commands().set_milestone(self._ask(order, step), milestone)
        return milestone

    def _hold(self, order: Order, step: BatchStep) -> str:
        ask = self._ask(order, step)
        self._commands().place_hold(ask, step.effect.values["reason"])
        return f"hold-{ask.fresh_id}"

    def _case(self, order: Order, step: BatchStep) -> str:
        ask = self._ask(order, step)
        desk = Desk(self.unit, self.encoder, self._origin, self.at)
        return desk.open(
            order.order_id, step.effect.values["type"], ask.reason, ask.fresh_id
        ).case_id

    def _coupon(self, order: Order, step: BatchStep) -> str:
        asked = coupon_asked(self.batch, order, step, self.coupons)
        return self.unit.issue_coupon(asked, at=self.at).code

    def _notice(self, order: Order, step: BatchStep) -> str:
        asked = NoticeAsked(
            key=step_key(self.batch.batch_id, order.order_id, step.name),
            template=step.effect.values["template"],
            recipient=step.effect.values["to"],
            values=notice_values(self.batch, order, self.coupons, at=self.at),
            order_id=order.order_id,
            batch_id=self.batch.batch_id,
        )
        self.unit.queue_notices([asked], at=self.at)
        return asked.template


def coupon_asked(
    batch: Batch, order: Order, step: BatchStep, kinds: Mapping[str, CouponKind]
) -> CouponAsked:
    """Return the coupon that a step gives."""
    kind = kinds[step.effect.values["template"]]
    return CouponAsked(
        key=step_key(batch.batch_id, order.order_id, step.name),
        customer=order.customer,
        order_id=order.order_id,
        template=kind.name,
        amount=Money(kind.amount_minor, kind.currency),
        valid_days=kind.valid_days,
        batch_id=batch.batch_id,
    )


def notice_values(
    batch: Batch, order: Order, kinds: Mapping[str, CouponKind], *, at: datetime
) -> Mapping[str, str]:
    """Return what the notices of a batch may say about an order: the same in preview and run."""
    given = [
        coupon_for(coupon_asked(batch, order, each, kinds), at=at)
        for each in batch.template.steps
        if each.effect.kind is EffectKind.COUPON
    ]
    return {
        **batch.inputs,
        "order_number": order.refs[0].value,
        "channel": order.channel,
        **(_coupon_values(given[0]) if given else {}),
    }


def _coupon_values(coupon: Coupon) -> Mapping[str, str]:
    amount = coupon.asked.amount
    return {
        "coupon": coupon.code,
        "amount": f"{amount.minor} {amount.currency}",
    }


_ACTS: Final[Mapping[EffectKind, Callable[[BatchEffects, Order, BatchStep], str]]] = (
    MappingProxyType(
        {
            EffectKind.MILESTONE: BatchEffects._milestone,  # a table of its own
            EffectKind.HOLD: BatchEffects._hold,
            EffectKind.CASE: BatchEffects._case,
            EffectKind.COUPON: BatchEffects._coupon,
            EffectKind.NOTICE: BatchEffects._notice,
        }
    )
)
