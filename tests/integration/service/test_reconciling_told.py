"""Finance is told of a day when nothing of it is under way any more: once, whatever is repeated."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from service.catalogue import message_files
from service.domain.reconciling.statements import StatementKind
from tests.integration.service.reconciling_world import World, a_world
from tests.integration.service.world import Storing


@pytest.fixture(autouse=True)
def nothing_of_others(engine: sa.Engine, owner: sa.Engine) -> None:
    """Shops of one channel are judged together; a test is about its own alone."""
    with owner.begin() as connection:
        connection.execute(sa.text("TRUNCATE statements, statement_lines, orders, order_refs"))


def told(world: World) -> list[Any]:
    """Return what finance is told of the days of a shop."""
    with world.engine.connect() as connection:
        return list(
            connection.execute(
                sa.text(
                    "SELECT key, recipient, placeholders FROM notices"
                    " WHERE template = 'day_reconciled' AND placeholders->>'channel' = :channel"
                ),
                {"channel": f"douyin {world.shop}"},
            )
        )


def test_a_day_on_which_all_agrees_is_told_of_as_soon_as_it_is_compared(
    storing: Storing, engine: sa.Engine
) -> None:
    world = a_world(storing, engine, count=20, each=0)
    world.keep(world.file())

    world.compare()

    (notice,) = told(world)
    assert notice.recipient == "role:finance"
    given = {name: notice.placeholders[name] for name in ("lines", "agreeing", "in_case", "cases")}
    assert given == {"lines": "20", "agreeing": "20", "in_case": "0", "cases": "0"}


def test_a_day_is_told_of_once_with_what_became_of_its_differences(
    storing: Storing, engine: sa.Engine
) -> None:
    world = a_world(storing, engine, count=200, each=2)
    world.keep(world.file())
    world.compare()
    assert told(world) == []

    world.settle()

    (notice,) = told(world)
    found = world.found()
    values = notice.placeholders
    repaired = sum(many for (_, state), many in found.items() if state == "REPAIRED")
    assert (values["repaired"], values["in_case"]) == (str(repaired), "14")
    # All that we lack is one case; each of the other twelve has its own.
    assert values["cases"] == "13"
    # Of 200 orders 16 differ, and two of these the file does not have.
    assert (values["lines"], values["agreeing"]) == ("199", "184")

    world.keep(world.file())
    world.compare()
    world.settle()

    assert told(world) == [notice]


def test_nobody_is_told_while_a_channel_is_asked_again(storing: Storing, engine: sa.Engine) -> None:
    world = a_world(storing, engine, count=100, each=1)
    world.keep(world.file())
    world.compare()

    world.settle(ask_again=lambda *_: True)

    assert world.found()[("MISSING_HERE", "REPAIRING")] == 1
    assert told(world) == []


def test_a_day_whose_lines_did_not_all_come_says_how_many_are_missing(
    storing: Storing, engine: sa.Engine
) -> None:
    world = a_world(storing, engine, count=20, each=0)
    lines = world.file()
    world.keep(lines)
    storing.storage.transact(
        lambda unit: unit.close_statement(
            StatementKind.ORDERS,
            world.of,
            zone="Asia/Shanghai",
            expected=len(lines) + 3,
            at=storing.clock() - timedelta(hours=1),
        )
    )

    world.compare()

    (notice,) = told(world)
    assert notice.placeholders["short"] == "3"
    messages = message_files.load()
    values = dict(notice.placeholders)
    assert "尚缺 3 行" in messages.render("day_reconciled", values, "zh").body
    assert "3 announced lines" in messages.render("day_reconciled", values, "en").body
