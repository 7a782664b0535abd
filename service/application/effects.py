"""Brings about what workflows and batches ask for: holds, refunds, notices, purchases and the rest.

Each effect has a key and is brought about once: a repeat finds what came of it. What concerns the
order goes through the same commands as everybody's, and is refused as they are.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final

from service.application.commands import Ask, Commands, Details
from service.application.coupon_ports import CouponAsked
from service.application.desk_ports import CaseLink, DoneEffect
from service.application.ports import Encoder, Unit
from service.application.recording import Decided, record
from service.domain.cases import CaseAct, case_id_for, open_case
from service.domain.changes import Change, ChangeKind, Named
from service.domain.desk.catalogue import CouponKind
from service.domain.desk.notices import NoticeAsked
from service.domain.desk.purchases import PurchaseRequest
from service.domain.desk.taxonomy import Severity
from service.domain.desk.workflows import Effect, EffectKind
from service.domain.errors import InvalidRequestError, OrderNotFoundError, ProviderUnknownError
from service.domain.journal import Origin
from service.domain.lifecycle import LIFECYCLE, Action
from service.domain.money import Money
from service.domain.order import Order
from service.domain.stock_names import demand
from service.domain.terms import USUAL, Terms

EFFECT_NAMESPACE: Final = uuid.UUID("0d1f6c52-53c5-5d43-9b0e-2d1a5a9c7e44")
SOURCE: Final = "desk"


def _nothing() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What an effect is brought about for."""

    key: str
    order_id: str
    case_id: str = ""
    batch_id: str = ""
    # What messages may say: documents by kind, the delay, the type.
    values: Mapping[str, str] = field(default_factory=_nothing, repr=False)
    severity: Severity = Severity.NORMAL


@dataclass(frozen=True, slots=True)
class Effects:
    """Brings effects about within one transaction, on behalf of one caller."""

    unit: Unit
    encoder: Encoder
    origin: Origin
    at: datetime
    terms: Terms = USUAL

    def bring_about(self, effect: Effect, cause: Cause) -> str:
        """Bring an effect about, once a key; say what was done, or the order's refusal is raised.

        Raises:
            OrderNotFoundError, InvalidRequestError: it is about an order, and there is none; or
                what the effect names is not known.
            OrderError: what a command on the order refuses.
        """
        done = self.unit.done_effect(cause.key)
        if done is not None:
            return done.result
        result = _DOERS[effect.kind](self, effect.values, cause)
        self.unit.keep_effect(
            cause.key, DoneEffect(effect.kind.value, cause.order_id, result), at=self.at
        )
        return result

    def hold(self, values: Mapping[str, str], cause: Cause) -> str:
        """Stop outbound; nothing where the reason stands already."""
        order = self._order(cause)
        reason = values["reason"]
        if reason not in {each.reason for each in order.holds}:
            self._commands.place_hold(self._ask(cause), reason)
        return reason

    def release(self, values: Mapping[str, str], cause: Cause) -> str:
        """End every hold of a reason."""
        reason = values["reason"]
        for hold in self._order(cause).holds:
            if hold.reason == reason:
                self._commands.release_hold(self._ask(cause), hold.hold_id)
        return reason

    def transition(self, values: Mapping[str, str], cause: Cause) -> str:
        """Move the order; nothing where it is there already."""
        order, action = self._order(cause), Action(values["action"])
        targets = {moves[action] for moves in LIFECYCLE.values() if action in moves}
        if action is not Action.APPROVE_OUTBOUND and targets == {order.state}:
            return f"{action.value}: it is {order.state.value} already"
        details = Details(amount=order.total) if action is Action.CONFIRM_PAYMENT else Details()
        self._commands.advance(self._ask(cause), action, details)
        return action.value

    def refund(self, values: Mapping[str, str], cause: Cause) -> str:
        """Ask money back: of the provider, or of finance where none told of the payment."""
        order = self._order(cause)
        amount = asked_back(order, values.get("amount", "all"))
        if amount.minor <= 0:
            return "nothing is left to give back"
        ask = self._ask(cause, values.get("reason", ""))
        details = Details(voucher=f"rf{_id(cause.key).hex}", amount=amount)
        try:
            self._commands.refund(ask, details)
        except ProviderUnknownError:
            self._commands.request_refund(ask, details)
        return f"{amount} as {details.voucher}"

    def notice(self, values: Mapping[str, str], cause: Cause) -> str:
        """Let somebody be told."""
        asked = self.notice_of(values, cause)
        self.unit.queue_notices([asked], at=self.at)
        return f"{asked.template} to {asked.recipient}"

    def notice_of(self, values: Mapping[str, str], cause: Cause) -> NoticeAsked:
        """Return the notice that a notice effect asks for."""
        return NoticeAsked(
            key=cause.key,
            template=values["template"],
            recipient=values["to"],
            values=cause.values,
            order_id=cause.order_id,
            case_id=cause.case_id,
            batch_id=cause.batch_id,
            severity=cause.severity,
        )

    def purchase(self, _values: Mapping[str, str], cause: Cause) -> str:
        """Ask purchasing for what is missing, or for all of it where no stock is kept."""
        order = self._order(cause)
        names = self.unit.sku_names(order.channel, [each.sku for each in order.lines])
        wanted = demand(order.lines, names).pieces
        free = self.unit.free_stock(list(wanted))
        short = {
            sku: count - max(free[sku], 0)
            for sku, count in wanted.items()
            if sku in free and free[sku] < count
        }
        request = PurchaseRequest(
            purchase_id=f"pur-{_id(cause.key)}",
            case_id=cause.case_id,
            order_id=order.order_id,
            lines=tuple(sorted((short or wanted).items())),
            requested_at=self.at,
            actor=self.origin.actor,
        )
        self.unit.save_purchase(request)
        return request.purchase_id

    def milestone(self, values: Mapping[str, str], cause: Cause) -> str:
        """Set the named sub-state."""
        self._commands.set_milestone(self._ask(cause), values["name"])
        return values["name"]

    def coupon(self, values: Mapping[str, str], cause: Cause) -> str:
        """Give whoever bought a coupon."""
        order, name = self._order(cause), values["template"]
        kind = self.terms.catalogue.coupons.get(name)
        if kind is None:
            raise InvalidRequestError((("template", f"no coupon is called {name}"),))
        return self.unit.issue_coupon(coupon_asked(kind, order, cause), at=self.at).code

    def case(self, values: Mapping[str, str], cause: Cause) -> str:
        """Open another case on the order; the clockwork begins its handling."""
        order, case_type = self._order(cause), values["type"]
        case_id = case_id_for(order.order_id, case_type, cause.key)
        if self.unit.case_exists(case_id):
            return case_id
        opened = open_case(
            case_id, order.order_id, case_type, at=self.at, catalogue=self.terms.catalogue
        )
        act = CaseAct(opened, "OPENED", self.origin.actor, self.at, role=self.origin.role)
        change = Change(
            kind=ChangeKind.CASE_CHANGED,
            detail=Named(case_id, "OPENED"),
            occurred_at=self.at,
            source=SOURCE,
            new=case_type,
            reason=cause.case_id or cause.batch_id,
        )
        decided = Decided(order=order, changes=((change, self.origin),), acts=((act, self.origin),))
        record(self.unit, [decided], encoder=self.encoder, at=self.at)
        if cause.case_id:
            link = CaseLink(case_id, cause.case_id, "OPENED_BY", self.origin.actor, self.at)
            self.unit.link_cases(link)
        return case_id

    @property
    def _commands(self) -> Commands:
        return Commands(self.unit, self.encoder, self.at, self.terms)

    def _ask(self, cause: Cause, reason: str = "") -> Ask:
        return Ask(
            cause.order_id,
            self.origin,
            str(_id(cause.key)),
            reason=reason or cause.case_id or cause.batch_id,
            source=SOURCE,
        )

    def _order(self, cause: Cause) -> Order:
        found = self.unit.open_dossiers([cause.order_id]) if cause.order_id else {}
        order = found[cause.order_id].order if found else None
        if order is None:
            raise OrderNotFoundError(order=cause.order_id)
        return order


_Doer = Callable[[Effects, Mapping[str, str], Cause], str]

_DOERS: Final[Mapping[EffectKind, _Doer]] = MappingProxyType(
    {
        EffectKind.HOLD: Effects.hold,
        EffectKind.RELEASE: Effects.release,
        EffectKind.TRANSITION: Effects.transition,
        EffectKind.REFUND: Effects.refund,
        EffectKind.NOTICE: Effects.notice,
        EffectKind.PURCHASE: Effects.purchase,
        EffectKind.MILESTONE: Effects.milestone,
        EffectKind.COUPON: Effects.coupon,
        EffectKind.CASE: Effects.case,
    }
)

# What leaves the order as it is: nothing of the case need be written before.
BESIDE_THE_ORDER: Final = frozenset({EffectKind.NOTICE, EffectKind.PURCHASE, EffectKind.COUPON})


def coupon_asked(kind: CouponKind, order: Order, cause: Cause) -> CouponAsked:
    """Return the coupon that a cause gives whoever bought."""
    return CouponAsked(
        key=cause.key,
        customer=order.customer,
        order_id=order.order_id,
        template=kind.name,
        amount=Money(kind.amount_minor, kind.currency),
        valid_days=kind.valid_days,
        batch_id=cause.batch_id,
        case_id=cause.case_id,
    )


def asked_back(order: Order, amount: str) -> Money:
    """Return how much: `all` that is left of it, the `surplus` over the price, or so much."""
    currency = order.total.currency
    if amount == "all":
        return Money(order.paid.minor - order.refunded.minor, currency)
    if amount == "surplus":
        return Money(order.paid.minor - order.total.minor - order.refunded.minor, currency)
    return Money(int(amount), currency)


def _id(key: str) -> uuid.UUID:
    return uuid.uuid5(EFFECT_NAMESPACE, key)
