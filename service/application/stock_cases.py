"""The cases of an order's stock: pieces that are missing, items that nobody mapped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from service.application.ports import Encoder
from service.application.recording import Decided, record
from service.application.stock_desk import StockDesk
from service.domain.cases import Case, CaseAct, case_id_for, open_case
from service.domain.changes import Change, ChangeKind, Named
from service.domain.desk.awaited import ALLOCATED
from service.domain.desk.workflows import Awaited
from service.domain.order import Order
from service.domain.stock_late import LATE_AFTER, Oversold, told_late
from service.domain.stock_names import UNMAPPED_CASE, UnmappedSku
from service.domain.terms import Terms

OUT_OF_STOCK: Final = "OUT_OF_STOCK"
# What a person reads in a case; an order may have a thousand lines.
MISSING_TOLD: Final = 20


@dataclass(frozen=True, slots=True)
class StockCases:
    """Opens and ends the cases of one order while its stock is looked at."""

    desk: StockDesk
    encoder: Encoder
    terms: Terms

    def tell_missing(self, missing: Mapping[str, int]) -> None:
        """Tell purchasing what is missing, once each time that the order asks for stock.

        What came late was sold although it was gone: that is kept, for those who sell elsewhere.
        """
        desk = self.desk
        if desk.unit.case_exists(desk.case_id):
            return
        is_late = desk.late >= LATE_AFTER
        told = ", ".join([f"{sku}: {n} missing" for sku, n in missing.items()][:MISSING_TOLD])
        text = f"{told}; {told_late(desk.late)}" if is_late else told
        self._open(desk.order, desk.case_id, OUT_OF_STOCK, text)
        if is_late:
            desk.unit.keep_oversold(
                [
                    Oversold(
                        order_id=desk.order.order_id,
                        sku=sku,
                        channel=desk.order.channel,
                        pieces=pieces,
                        late=desk.late,
                        case_id=desk.case_id,
                        found_at=desk.at,
                    )
                    for sku, pieces in missing.items()
                ]
            )

    def tell_unmapped(self, items: Sequence[str]) -> None:
        """Tell operations of items (names locked) that nobody mapped, one case for each of them."""
        desk, order = self.desk, self.desk.order
        for item in items:
            if desk.unit.unmapped(order.channel, item) is not None:
                continue
            # Mapped and forgotten again, it is another case.
            wait = f"{item}|{desk.at.isoformat()}"
            case_id = case_id_for(order.order_id, UNMAPPED_CASE, wait)
            order = self._open(order, case_id, UNMAPPED_CASE, f"{order.channel}: {item}")
            desk.unit.keep_unmapped(
                UnmappedSku(order.channel, item, case_id, order.order_id, desk.at)
            )

    def close_short(self, order: Order, outcome: str) -> Order:
        """End the case of pieces that were missing."""
        case = self.desk.open_case
        # A workflow that waits for stock goes on by itself, to whatever it does then.
        goes_on = case is not None and Awaited.STOCK.value in case.awaits
        if case is None or (goes_on and order.state in ALLOCATED):
            return order
        return self._close(order, case, outcome)

    def close_unmapped(self, outcome: str) -> Order:
        """End the cases of items that nobody had mapped."""
        order = self.desk.order
        for case in self.desk.open_cases:
            if case.type == UNMAPPED_CASE:
                order = self._close(order, case, outcome)
        return order

    def close_all(self, outcome: str) -> None:
        """End every case of an order that asks for nothing; others may still lack a mapping."""
        desk = self.desk
        had = any(each.type == UNMAPPED_CASE for each in desk.open_cases)
        for each in desk.order.lines if had else ():
            told = desk.unit.unmapped(desk.order.channel, each.sku)
            if told is not None and told.order_id == desk.order.order_id:
                # Whoever else waits for it opens a case of its own when it is looked at.
                desk.unit.end_unmapped(told.channel, told.channel_sku)
        self.close_short(self.close_unmapped(outcome), outcome)

    def _open(self, order: Order, case_id: str, case_type: str, text: str) -> Order:
        case = open_case(
            case_id, order.order_id, case_type, at=self.desk.at, catalogue=self.terms.catalogue
        )
        return self._record(order, CaseAct(case, "OPENED", "system", self.desk.at, text), old="")

    def _close(self, order: Order, case: Case, outcome: str) -> Order:
        ended = case.resolve(outcome, at=self.desk.at)
        return self._record(
            order, CaseAct(ended, "RESOLVED", "system", self.desk.at), old=case.type
        )

    def _record(self, order: Order, act: CaseAct, *, old: str) -> Order:
        desk = self.desk
        change = Change(
            kind=ChangeKind.CASE_CHANGED,
            detail=Named(act.case.case_id, act.act),
            occurred_at=desk.at,
            source="system",
            old=old,
            new="RESOLVED" if old else act.case.type,
            reason=act.case.outcome,
        )
        decided = Decided(order=order, changes=((change, desk.origin),), acts=((act, desk.origin),))
        (after,) = record(desk.unit, [decided], encoder=self.encoder, at=desk.at)
        return after
