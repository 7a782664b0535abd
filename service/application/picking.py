"""Works off pick lists. The last list of an order that is done approves its outbound."""

from dataclasses import dataclass, replace
from datetime import datetime

from service.application.commands import GUARDS, Ask, Commands, Details
from service.application.ports import Unit
from service.domain.errors import OrderNotFoundError
from service.domain.lifecycle import Action, next_state
from service.domain.order import Order
from service.domain.picking import PickList


@dataclass(frozen=True, slots=True)
class Picking:
    """Handles pick lists within one transaction, on behalf of one caller."""

    unit: Unit
    commands: Commands
    # Everything but the order, which the list names.
    ask: Ask
    at: datetime

    def start(self, pick_list_id: str, picker: str) -> PickList:
        """Give a list to a picker.

        Raises:
            PickListNotFoundError, PickListClosedError, IllegalTransitionError, OrderOnHoldError.
        """
        order, lists = self._open(pick_list_id)
        begun = lists[pick_list_id].start(picker, at=self.at)
        _refuse_stopped(order)
        self.unit.save_pick_lists([begun])
        return begun

    def complete(self, pick_list_id: str, picker: str) -> PickList:
        """End a list; with the last one, outbound is approved under its number.

        Raises:
            PickListNotFoundError, PickListClosedError, IllegalTransitionError, OrderOnHoldError.
        """
        order, lists = self._open(pick_list_id)
        done = lists.pop(pick_list_id).complete(picker, at=self.at)
        _refuse_stopped(order)
        is_last = all(each.is_closed for each in lists.values())
        # Somebody else's word may have approved it before.
        if is_last and not order.outbound_approved:
            ask = replace(self.ask, order_id=order.order_id)
            self.commands.advance(ask, Action.APPROVE_OUTBOUND, Details(voucher=pick_list_id))
        self.unit.save_pick_lists([done])
        return done

    def _open(self, pick_list_id: str) -> tuple[Order, dict[str, PickList]]:
        order_id = self.unit.order_of_pick_list(pick_list_id)
        order = self.unit.open_dossiers([order_id])[order_id].order
        if order is None:
            raise OrderNotFoundError(order=order_id)
        return order, {each.pick_list_id: each for each in self.unit.lock_pick_lists(order_id)}


def _refuse_stopped(order: Order) -> None:
    """Refuse what ApproveOutbound would be refused for."""
    next_state(order.state, Action.APPROVE_OUTBOUND, order=order.order_id)
    GUARDS[Action.APPROVE_OUTBOUND](order, Details())
