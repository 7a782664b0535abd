"""Does what a risk finding asks for, once: hold, review pool, or dismissal."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

from service.application.ports import Encoder, StoredFlag, Unit
from service.application.recording import Decided, record
from service.domain.changes import Change, ChangeKind, HoldChanged, Named
from service.domain.errors import OrderNotFoundError
from service.domain.journal import Origin
from service.domain.order import Hold

ACTS: Final[Mapping[str, str]] = MappingProxyType(
    {"HOLD": "HELD", "REVIEW": "SENT_TO_REVIEW", "DISMISS": "DISMISSED"}
)


def act_on_flag(
    unit: Unit,
    flag: StoredFlag,
    action: str,
    *,
    origin: Origin,
    encoder: Encoder,
    at: datetime,
) -> StoredFlag:
    """Store the flag and act; a flag that was acted on the same way is left as it is.

    Raises:
        FlagNotFoundError: a flag is dismissed that nobody raised.
        OrderNotFoundError: the flag's order does not exist.
    """
    act = ACTS[action]
    # A refusal is kept in this transaction, so it must come before the flag is stored.
    if action != "DISMISS" and unit.open_dossiers([flag.order_id])[flag.order_id].order is None:
        raise OrderNotFoundError(order=flag.order_id)
    stored = unit.find_flag(flag.flag_id) if action == "DISMISS" else unit.store_flag(flag, at=at)
    if stored is not None and stored.act in {act, "DISMISSED"}:
        return stored
    told = replace(stored or flag, act=act)
    order = unit.open_dossiers([told.order_id])[told.order_id].order
    if order is None:
        raise OrderNotFoundError(order=told.order_id)
    changes = [_flag_change(told, stored)]
    if action == "HOLD":
        # The hold carries the flag's id, so that the flag and its release can be told together.
        hold = Hold(f"hold-{told.flag_id}", "RISK", origin.actor, at)
        order = order.hold(hold, at=at)
        changes.append(_hold_change(hold, told, released=False))
    elif action == "DISMISS":
        for hold in order.holds:
            if hold.hold_id == f"hold-{told.flag_id}":
                order, released = order.release(hold.hold_id, at=at)
                changes.append(_hold_change(released, told, released=True))
    unit.mark_flag(told.flag_id, act)
    decided = Decided(order=order, changes=tuple((each, origin) for each in changes))
    record(unit, [decided], encoder=encoder, at=at)
    return told


def _flag_change(flag: StoredFlag, before: StoredFlag | None) -> Change:
    return Change(
        kind=ChangeKind.FLAG_CHANGED,
        detail=Named(flag.flag_id, flag.act),
        occurred_at=flag.occurred_at,
        source="risk",
        old=before.act if before else "",
        new=flag.act,
        reason=f"rule {flag.rule} v{flag.rule_version}",
    )


def _hold_change(hold: Hold, flag: StoredFlag, *, released: bool) -> Change:
    return Change(
        kind=ChangeKind.HOLD_CHANGED,
        detail=HoldChanged(hold.hold_id, hold.reason, hold.actor, hold.placed_at, released),
        occurred_at=hold.placed_at,
        source="risk",
        new="" if released else hold.reason,
        old=hold.reason if released else "",
        reason=f"rule {flag.rule} v{flag.rule_version}",
    )
