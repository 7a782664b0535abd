"""What the steps of a batch bring about for one order, each once: its key says so."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from service.application.effects import Cause, Effects, coupon_asked
from service.application.ports import Encoder, Unit
from service.domain.desk.batches import Batch, BatchStep, step_key
from service.domain.desk.catalogue import CouponKind
from service.domain.desk.coupons import Coupon, coupon_for
from service.domain.desk.workflows import EffectKind
from service.domain.journal import Origin
from service.domain.order import Order
from service.domain.terms import Terms


@dataclass(frozen=True, slots=True)
class BatchEffects:
    """Brings about steps of a batch, within one transaction."""

    unit: Unit
    encoder: Encoder
    batch: Batch
    at: datetime
    terms: Terms

    def bring(self, order: Order, step: BatchStep) -> str:
        """Do a step for an order; return what it brought, such as a coupon's code.

        Raises:
            OrderError: it is refused, and nothing was written.
        """
        batch = self.batch
        # Whoever let it run answers for it.
        origin = Origin(batch.confirmer, batch.role)
        values = notice_values(batch, order, self.terms.catalogue.coupons, at=self.at)
        cause = replace(_cause(batch, order, step), values=values)
        effects = Effects(self.unit, self.encoder, origin, self.at, self.terms)
        return self.unit.attempt(lambda: effects.bring_about(step.effect, cause))


def coupon_of(
    batch: Batch, order: Order, step: BatchStep, kinds: Mapping[str, CouponKind], *, at: datetime
) -> Coupon:
    """Return the coupon that a step gives, before it is given."""
    kind = kinds[step.effect.values["template"]]
    return coupon_for(coupon_asked(kind, order, _cause(batch, order, step)), at=at)


def notice_values(
    batch: Batch, order: Order, kinds: Mapping[str, CouponKind], *, at: datetime
) -> Mapping[str, str]:
    """Return what the notices of a batch may say about an order: the same in preview and run."""
    given = [
        coupon_of(batch, order, each, kinds, at=at)
        for each in batch.template.steps
        if each.effect.kind is EffectKind.COUPON
    ]
    return {
        **batch.inputs,
        "order_number": order.refs[0].value,
        "channel": order.channel,
        **(_coupon_values(given[0]) if given else {}),
    }


def _cause(batch: Batch, order: Order, step: BatchStep) -> Cause:
    key = step_key(batch.batch_id, order.order_id, step.name)
    return Cause(key=key, order_id=order.order_id, batch_id=batch.batch_id)


def _coupon_values(coupon: Coupon) -> Mapping[str, str]:
    amount = coupon.asked.amount
    return {"coupon": coupon.code, "amount": f"{amount.minor} {amount.currency}"}
