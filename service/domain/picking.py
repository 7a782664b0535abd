"""Pick lists: what a person takes from the shelves of one warehouse for one order."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, unique
from types import MappingProxyType
from typing import Final

from service.domain.errors import PickListClosedError
from service.domain.lifecycle import State
from service.domain.order import Order
from service.domain.stock import LEFT, Reservation, number_for


@unique
class PickState(Enum):
    """Where the picking is; the names are those of `concord.fulfilment.v1.PickList.State`."""

    OPEN = "OPEN"
    """Waits for a picker."""
    PICKING = "PICKING"
    """Somebody picks."""
    DONE = "DONE"
    """Everything was taken."""
    VOID = "VOID"
    """Nothing is to be taken any more."""


PICKABLE: Final = frozenset({PickState.OPEN, PickState.PICKING})


@dataclass(frozen=True, slots=True)
class PickLine:
    """One article to take."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class PickList:
    """One list. The picker's name stands here and on no journal, log or paper."""

    pick_list_id: str
    order_id: str
    reservation_id: str
    warehouse: str
    order_number: str
    channel: str
    created_at: datetime
    lines: tuple[PickLine, ...] = ()
    state: PickState = PickState.OPEN
    picker: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    void_reason: str = ""

    @property
    def is_closed(self) -> bool:
        """Nothing is to be picked from it."""
        return self.state not in PICKABLE

    def start(self, picker: str, *, at: datetime) -> "PickList":
        """Give the list to a picker, or to another one; or raise `PickListClosedError`."""
        self._refuse_closed()
        began = self.started_at or at
        return replace(self, state=PickState.PICKING, picker=picker, started_at=began)

    def complete(self, picker: str, *, at: datetime) -> "PickList":
        """End the list; who ends a list that nobody began picked it. Or `PickListClosedError`."""
        self._refuse_closed()
        return replace(
            self,
            state=PickState.DONE,
            picker=self.picker or picker,
            started_at=self.started_at or at,
            ended_at=at,
        )

    def void(self, reason: str, *, at: datetime) -> "PickList":
        """Return the list as nobody need pick it any more."""
        return replace(self, state=PickState.VOID, void_reason=reason, ended_at=at)

    def _refuse_closed(self) -> None:
        if self.is_closed:
            raise PickListClosedError(pick_list=self.pick_list_id, state=self.state.value)


def lists_for(order: Order, reservation: Reservation, *, at: datetime) -> tuple[PickList, ...]:
    """Return a fresh list for each warehouse of a reservation."""
    lines: dict[str, list[PickLine]] = defaultdict(list)
    for part in sorted(reservation.parts):
        lines[part.warehouse].append(PickLine(part.sku, part.quantity))
    return tuple(
        PickList(
            pick_list_id=number_for("pck", reservation.reservation_id, warehouse),
            order_id=order.order_id,
            reservation_id=reservation.reservation_id,
            warehouse=warehouse,
            order_number=order_number(order),
            channel=order.channel,
            created_at=at,
            lines=tuple(each),
        )
        for warehouse, each in sorted(lines.items())
    )


def order_number(order: Order) -> str:
    """Return the number by which people know the order: its channel's, where it has one."""
    own = (each.value for each in order.refs if each.namespace == order.channel)
    return next(own, order.refs[0].value)


def void_reason(order: Order) -> str:
    """Return why nothing is to be picked for an order any more."""
    if order.state is State.CANCELLED:
        return "CANCELLED"
    return "SHIPPED" if order.state in LEFT else "REFUNDED"


@unique
class Language(Enum):
    """In which words a list is printed."""

    BOTH = "BOTH"
    EN = "EN"
    ZH = "ZH"


_WORDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "title": ("PICK LIST", "拣货单"),
        "order": ("Order", "订单号"),
        "channel": ("Channel", "渠道"),
        "warehouse": ("Warehouse", "仓库"),
        "made": ("Made", "生成时间"),
        "take": ("Take", "数量"),
        "sku": ("Article", "商品编码"),
        "sum": ("Articles, pieces", "品种数、件数"),
        "void": ("VOID - DO NOT PICK", "已作废,请勿拣货"),
        "done": ("DONE", "已完成"),
    }
)
RULE: Final = "-" * 48


def printed(pick: PickList, language: Language = Language.BOTH) -> str:
    """Return the list as text for paper. It names no person."""

    def word(key: str) -> str:
        english, chinese = _WORDS[key]
        told = {Language.EN: english, Language.ZH: chinese}
        return told.get(language, f"{english} {chinese}")

    heads = [
        ("order", pick.order_number),
        ("channel", pick.channel),
        ("warehouse", pick.warehouse),
        ("made", f"{pick.created_at:%Y-%m-%d %H:%M} UTC"),
    ]
    pieces = sum(each.quantity for each in pick.lines)
    rows = [
        f"{word('title')}  {pick.pick_list_id}",
        *([f"*** {word(pick.state.value.lower())} ***"] if pick.is_closed else []),
        *(f"{word(key)}: {_line(value)}" for key, value in heads if value),
        RULE,
        f"      {word('take')}  {word('sku')}",
        *(f"[ ] {each.quantity:6} x {_line(each.sku)}" for each in pick.lines),
        RULE,
        f"{word('sum')}: {len(pick.lines)}, {pieces}",
    ]
    return "\n".join(rows) + "\n"


def _line(text: str) -> str:
    """Return text that cannot break out of its line of paper."""
    return "".join(each if each.isprintable() else " " for each in text)
