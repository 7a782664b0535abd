"""Stands for the bytes of events: what consumers are told is kept beside them, as values.

Protobuf has tests of its own; here it would take as long as all decisions together.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from service.application.ports import NewReceipt, WaitingReceipt
from service.domain.cases import CaseAct
from service.domain.changes import Change
from service.domain.facts import Fact, Outcome
from service.domain.order import Order


class TellingEncoder:
    """Implements `service.application.ports.Encoder`; the same event has the same bytes."""

    def __init__(self) -> None:
        # What events tell, by their bytes.
        self.told: dict[bytes, Any] = {}

    def order_event(self, order: Order, sequence: int, change: Change, *, at: datetime) -> bytes:
        name = f"order {order.order_id} {sequence} {change.kind.value} {change.new} {at}"
        return self._tell(name, (order.channel, sequence, change))

    def customer_event(self, order: Order, n: int, change: Change) -> bytes:
        return self._tell(f"customer {order.customer} {n} {change.kind.value}", order.order_id)

    def case_event(self, act: CaseAct, n: int) -> bytes:
        return self._tell(f"case {act.case.case_id} {n} {act.act}", act)

    def receipt_event(self, receipt_id: str, receipt: NewReceipt) -> bytes:
        return self._tell(f"receipt {receipt_id}", (receipt_id, receipt))

    def repeat_event(self, receipt_id: str, receipt: NewReceipt) -> bytes:
        return self._tell(f"repeat {receipt_id} {receipt.received_at}", None)

    def weighed_event(
        self,
        receipt: WaitingReceipt,
        outcome: Outcome,
        facts: Sequence[tuple[Fact, Outcome]],
        *,
        revision: int,
        template_version: int,
    ) -> bytes:
        return self._tell(f"weighed {receipt.receipt_id} {revision}", (outcome, facts))

    def _tell(self, name: str, value: object) -> bytes:
        event = name.encode()
        self.told[event] = value
        return event
