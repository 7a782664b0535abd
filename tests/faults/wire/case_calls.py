"""What every call about the handling of cases is about, for those who cut its connection."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from service import bootstrap, catalogue
from service.application.cases import Desk
from service.application.effects import EFFECT_NAMESPACE
from service.application.ports import Unit
from service.cel import CelConditions
from service.domain.journal import Origin
from service.domain.lifecycle import State
from service.domain.terms import Terms
from service.kafka.encoding import ProtobufEncoder
from tests.faults.wire.preparing import Preparing, Target

TYPE: Final = "OUT_OF_STOCK"
# Who opens such cases, and acts at their first step.
ROLE: Final = "purchasing"
STEP: Final = "purchase"


def handled(preparing: Preparing, count: int) -> list[Target]:
    """Make orders with a case whose workflow is under way."""
    return _opened(preparing, count, lambda _desk, _target: None)


def twins(preparing: Preparing, count: int) -> list[Target]:
    """Make orders with two cases."""
    return _opened(preparing, count, _open_twin)


def paused(preparing: Preparing, count: int) -> list[Target]:
    """Make cases whose clocks stand still."""
    return _opened(preparing, count, lambda desk, target: desk.pause(target.case, "asks"))


def ended(preparing: Preparing, count: int) -> list[Target]:
    """Make cases that ended."""
    return _opened(preparing, count, _end)


def documented(preparing: Preparing, count: int) -> list[Target]:
    """Make cases with a document."""
    return _opened(
        preparing,
        count,
        lambda desk, target: desk.act(target.case, STEP, "cannot", [("cause", "gone")]),
    )


def twin_of(target: Target) -> str:
    """Return the other case of an order."""
    return f"cases/{target.case}-twin"


def purchase_of(target: Target) -> str:
    """Return what purchasing was asked for when the case began."""
    key = f"{target.case}:{STEP}:begin:1:0"
    return f"purchaseRequests/pur-{uuid.uuid5(EFFECT_NAMESPACE, key)}"


def _opened(
    preparing: Preparing, count: int, more: Callable[[Desk, Target], object]
) -> list[Target]:
    terms, conditions = Terms(catalogue=catalogue.load()), CelConditions()
    orders = preparing.orders(count, State.PAID)
    targets = [replace(each, case=f"case-{each.tag}") for each in orders]

    def work(unit: Unit) -> None:
        desk = Desk(
            unit,
            ProtobufEncoder(),
            Origin("preparer", ROLE),
            bootstrap.now(),
            terms,
            conditions,
        )
        for each in targets:
            desk.open(each.order, TYPE, "", each.tag)
            more(desk, each)

    preparing.transact(work)
    return targets


def _open_twin(desk: Desk, target: Target) -> None:
    desk.open(target.order, TYPE, "", f"{target.tag}-twin")


def _end(desk: Desk, target: Target) -> None:
    desk.escalate(target.case, "needs an end")
    upper = desk.terms.catalogue.type(TYPE).escalates_to[0]
    replace(desk, origin=Origin("preparer", upper)).resolve(target.case, "WITHDRAWN", "")
