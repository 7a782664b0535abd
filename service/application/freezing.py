"""Freezes the list of a batch: who is on it, and for each who is not, why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from service.application.case_contexts import CaseContexts
from service.application.conditions import Conditions
from service.application.ports import Unit
from service.domain.desk.batches import BatchTemplate, Member, MemberState, Selection
from service.domain.errors import ConditionFailedError, InvalidRequestError
from service.domain.order import Order

# Why an order is left out, beside the template's own reasons.
NOT_FOUND: Final = "ORDER_NOT_FOUND"
NOT_SELECTED: Final = "NOT_SELECTED"
STATE: Final = "STATE_NOT_COVERED"
CONDITION: Final = "CONDITION_NOT_MET"
NOBODY: Final = "NO_CUSTOMER"
CURRENCY: Final = "OTHER_CURRENCY"
ELSEWHERE: Final = "IN_ANOTHER_BATCH"

Why = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Freezing:
    """Looks at orders for one batch."""

    unit: Unit
    conditions: Conditions
    template: BatchTemplate
    selection: Selection
    # Currencies of the coupons that the template gives.
    currencies: frozenset[str]
    most: int
    at: datetime

    def members(self, batch_id: str) -> list[Member]:
        """Return the list, those that are left out behind those that are on it.

        Raises:
            InvalidRequestError: more is selected than one batch may take.
        """
        owners = self.unit.owners_of(self.selection.refs)
        unknown = [f"{one.namespace}:{one.value}" for one in self.selection.refs]
        unknown = [
            name
            for name, ref in zip(unknown, self.selection.refs, strict=True)
            if ref not in owners
        ]
        named = tuple(dict.fromkeys((*self.selection.orders, *owners.values())))
        found = self._chosen(named)
        passed = sorted(set(named) - {each.order_id for each in found})
        there = {each.order_id: each for each in self._named(passed)}
        unknown += [each for each in passed if each not in there]
        busy = self.unit.busy_members(self.template.name, [each.order_id for each in found])
        pairs: list[tuple[str, str, Why | None]] = [
            (each.order_id, _number(each), self._why_not(each, busy)) for each in found
        ]
        pairs += [
            (each.order_id, _number(each), (NOT_SELECTED, "other conditions of the selection"))
            for each in there.values()
        ]
        pairs += [(each, each, (NOT_FOUND, "there is no such order")) for each in unknown]
        pairs.sort(key=lambda pair: pair[2] is not None)
        return [self._member(batch_id, position, *pair) for position, pair in enumerate(pairs, 1)]

    def _chosen(self, named: Sequence[str]) -> list[Order]:
        if not named and (self.selection.refs or self.selection.orders):
            return []
        asked = Selection(
            tags=self.selection.tags,
            channels=self.selection.channels,
            states=self.selection.states,
            orders=tuple(named),
        )
        found = self.unit.chosen_orders(asked, most=self.most + 1)
        if len(found) > self.most:
            advice = f"select {self.most} orders at most, and make another batch for the rest"
            raise InvalidRequestError((("selection", advice),))
        return found

    def _named(self, order_ids: Sequence[str]) -> list[Order]:
        if not order_ids:
            return []
        return self.unit.chosen_orders(Selection(orders=tuple(order_ids)), most=len(order_ids))

    def _why_not(self, order: Order, busy: Mapping[str, str]) -> Why | None:
        """Return why an order is left out; None where it is not."""
        if order.state not in self.template.states:
            states = ", ".join(each.value for each in self.template.states)
            return STATE, f"it is {order.state.value}, not one of {states}"
        if other := busy.get(order.order_id):
            return ELSEWHERE, other
        if not order.customer and any(each.is_for_customer for each in self.template.steps):
            return NOBODY, "nobody knows whose it is"
        if self.currencies - {order.total.currency}:
            return CURRENCY, f"it is in {order.total.currency}"
        return self._judged(order)

    def _judged(self, order: Order) -> Why | None:
        texts = (self.selection.condition, self.template.condition)
        whole = " ".join((*texts, *(each.when for each in self.template.exclusions)))
        context = {"now": self.at, **CaseContexts(self.unit, self.at).about(whole, order)}
        try:
            for text in texts:
                if text and not self.conditions.holds(text, context):
                    return CONDITION, text
            for each in self.template.exclusions:
                if self.conditions.holds(each.when, context):
                    return each.reason, each.title.get("en", each.when)
        except ConditionFailedError as error:
            return error.reason, str(error)
        return None

    def _member(
        self, batch_id: str, position: int, order_id: str, number: str, why: Why | None
    ) -> Member:
        reason, detail = why or ("", "")
        return Member(
            batch_id=batch_id,
            order_id=order_id,
            position=position,
            number=number,
            state=MemberState.EXCLUDED if why else MemberState.WAITING,
            due_at=self.at,
            changed_at=self.at,
            reason=reason,
            detail=detail,
        )


def _number(order: Order) -> str:
    return order.refs[0].value
