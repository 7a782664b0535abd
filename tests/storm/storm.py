"""A storm from its begin to its end: two phases of faults and calm, then what was late comes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

from tests.storm.chaos import chaos
from tests.storm.evidence import Blows, Evidence, gather
from tests.storm.plan import QUESTION_FAULTS, Plan, Shape, plan
from tests.storm.report import commit
from tests.storm.shops import Shops, open_shops
from tests.storm.stack import Stormy, stormy_stack
from tests.system.whole_stack import WholeStack, until

# Far more than it takes: a question is asked again within minutes of provider time.
KNOWN_WITHIN_S: Final = 240.0
DRAINED_WITHIN_S: Final = 240.0
DELIVERED_WITHIN_S: Final = 240.0

# A day in six seconds.
HURRY: Final = 14_400.0


def weather(shape: Shape, folder: Path) -> Evidence:
    """Let a storm of this shape pass over a stack, and return what is known then."""
    under = commit()
    try:
        return _weather(shape, folder, under)
    except BaseException as error:
        error.add_note(f"storm of seed {shape.seed} at commit {under}")
        raise


def _weather(shape: Shape, folder: Path, under: str) -> Evidence:
    began = time.monotonic()
    storm = plan(shape)
    with stormy_stack(folder, speed=shape.speed) as stormy:
        knobs: dict[str, Any] = {**storm.faults, "query_faults": dict(QUESTION_FAULTS)}
        stormy.control.behave(**knobs)
        address = stormy.stack.address("service")
        platforms = f"http://{stormy.stack.address('platforms')}"
        shops = Shops(address, platforms, shape, storm.purchases)
        with open_shops(shops), chaos(storm, stormy, shops) as blows:
            until(
                lambda: shops.is_done and blows.is_done,
                "every order is told, and everything was broken",
                # Shops wait for a service that is away.
                2 * shape.lasts_s / shape.speed + KNOWN_WITHIN_S,
            )
        told = Blows(
            killed=dict(blows.killed),
            database_down_s=blows.database_down_s,
            shop_calls_answered=shops.answered,
            shop_calls_unanswered=shops.unanswered,
            acknowledged=frozenset(shops.acknowledged),
        )
        unrest = come_to_rest(stormy, storm)
        lasted_s = time.monotonic() - began
        return gather(storm, stormy, told, commit=under, unrest=unrest, lasted_s=lasted_s)


def come_to_rest(stormy: Stormy, storm: Plan) -> tuple[str, ...]:
    """Break nothing more, and wait until it is right by itself; return what did not come."""
    stormy.control.behave(query_faults={})
    missing = []
    for wait in (
        lambda: until(lambda: is_known(stormy, storm), "every payment is known", KNOWN_WITHIN_S),
        lambda: hurry(stormy),
        lambda: until(lambda: is_drained(stormy.stack), "nothing waits", DRAINED_WITHIN_S),
    ):
        try:
            wait()
        except TimeoutError as error:
            # The judge says what it did to the orders.
            missing.append(str(error))
    return tuple(missing)


def is_known(stormy: Stormy, storm: Plan) -> bool:
    """Tell whether every order is paid here whose buyer pays; and so none has yet to."""
    paying = sum(each.pays_after_s is not None for each in storm.purchases)
    [(paid,)] = stormy.stack.rows("SELECT count(*) FROM orders WHERE paid_minor > 0")
    return bool(paid >= paying)


def hurry(stormy: Stormy) -> None:
    """Let the platforms' day pass in seconds, until they have nothing more to say."""
    stormy.control.clock(HURRY)
    until(
        lambda: (
            not any(
                count
                for kind, count in stormy.control.statistics()["pending"].items()
                if kind != "lost"
            )
        ),
        "the platforms have told everything",
        DELIVERED_WITHIN_S,
    )


def is_drained(stack: WholeStack) -> bool:
    """Tell whether every receipt is decided on and every event published."""
    waiting = "SELECT 1 FROM receipts WHERE outcome IS NULL LIMIT 1"
    unpublished = "SELECT 1 FROM outbox WHERE published_at IS NULL LIMIT 1"
    return not stack.rows(waiting) and not stack.rows(unpublished)
