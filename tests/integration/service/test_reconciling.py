"""A shop's day is compared three ways: every seeded difference is found, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from service.application.asking_again import ask_feeds
from service.domain.channels.feeds import Feed, Mode, begun
from service.domain.reconciling.judging import DifferenceKind
from tests.integration.service.reconciling_world import BEGIN, KINDS, a_world
from tests.integration.service.world import Storing


def a_feed(feed_id: str, shop: str) -> Feed:
    return Feed(
        feed_id=feed_id,
        channel="douyin",
        shop=shop,
        mode=Mode.PULL,
        platform="douyin",
        template="douyin.orders",
        zone="Asia/Shanghai",
        begin_at=BEGIN,
        created_at=BEGIN,
        updated_at=BEGIN,
        progress=begun(BEGIN, BEGIN),
    )


@pytest.fixture(autouse=True)
def nothing_of_others(engine: sa.Engine, owner: sa.Engine) -> None:
    """Shops of one channel are judged together; a test is about its own alone."""
    with owner.begin() as connection:
        connection.execute(sa.text("TRUNCATE statements, statement_lines, orders, order_refs"))


def test_every_seeded_difference_is_found_and_nothing_else(
    storing: Storing, engine: sa.Engine
) -> None:
    world = a_world(storing, engine, count=2_000, each=4)
    world.keep(world.file())

    world.compare()

    assert {kind: world.names_found(kind) for kind in KINDS} == {
        kind: world.seeded(kind) for kind in KINDS
    }


@pytest.mark.long
@pytest.mark.timeout(600)
def test_two_hundred_differences_among_fifty_thousand_orders_are_found(
    storing: Storing, engine: sa.Engine
) -> None:
    world = a_world(storing, engine, count=50_000, each=25)
    world.keep(world.file())

    world.compare()

    assert sum(world.found().values()) == 200
    assert {kind: world.names_found(kind) for kind in KINDS} == {
        kind: world.seeded(kind) for kind in KINDS
    }


def test_what_is_safe_is_repaired_and_the_rest_is_somebodys_case(
    storing: Storing, engine: sa.Engine
) -> None:
    world = a_world(storing, engine, count=200, each=2)
    world.keep(world.file())
    world.compare()

    world.settle()

    found = world.found()
    assert found[("STATE", "REPAIRED")] == 2
    assert {kind for kind, state in found if state == "IN_CASE"} == {
        each.value for each in KINDS if each is not DifferenceKind.STATE
    }
    with engine.connect() as connection:
        types = connection.execute(
            sa.text(
                "SELECT c.type, count(DISTINCT case_id) AS many FROM cases AS c"
                " JOIN differences AS d USING (case_id) JOIN reconciliations AS r"
                " USING (reconciliation_id) WHERE r.shop = :shop GROUP BY 1"
            ),
            {"shop": world.shop},
        )
        # Amounts and doubled ones, two each; of the rest, what we lack is one case for the day.
        assert {row.type: row.many for row in types} == {
            "STATEMENT_MONEY_DIFFERS": 4,
            "STATEMENT_DIFFERS": 9,
        }


def test_comparing_again_changes_nothing(storing: Storing, engine: sa.Engine) -> None:
    world = a_world(storing, engine, count=200, each=2)
    world.keep(world.file())
    world.compare()
    world.settle()
    before = world.found()

    world.keep(world.file())
    world.compare()
    world.settle()

    assert world.found() == before


def test_what_is_there_by_the_next_time_is_gone_and_its_case_ends(
    storing: Storing, engine: sa.Engine
) -> None:
    world = a_world(storing, engine, count=100, each=1)
    world.keep(world.file())
    world.compare()
    world.settle()

    corrected = [replace(each, quantity=1) for each in world.file()]
    world.keep(corrected)
    world.compare()

    assert world.found()[("QUANTITY", "GONE")] == 1
    with engine.connect() as connection:
        state = connection.execute(
            sa.text(
                "SELECT c.state FROM cases AS c JOIN differences AS d USING (case_id)"
                " WHERE d.kind = 'QUANTITY' AND d.value LIKE :shop"
            ),
            {"shop": f"{world.shop}%"},
        ).scalar_one()
    assert state == "RESOLVED"


def test_what_we_lack_is_asked_for_again_before_anybody_is_told(
    storing: Storing, engine: sa.Engine
) -> None:
    world = a_world(storing, engine, count=100, each=1)
    world.keep(world.file())
    world.compare()
    asked: list[tuple[object, ...]] = []

    def ask(*given: object) -> bool:
        asked.append(given[1:4])
        return True

    world.settle(ask_again=ask)

    assert world.found()[("MISSING_HERE", "REPAIRING")] == 1
    ((of, begin, end),) = asked
    assert of == world.of
    assert (begin, end) == (BEGIN, BEGIN + timedelta(days=1))


def test_the_shops_pulled_feed_gets_a_run_for_the_whole_day(
    storing: Storing, engine: sa.Engine
) -> None:
    world = a_world(storing, engine, count=100, each=1)
    feed = f"douyin-{world.shop}"
    storing.storage.transact(lambda unit: unit.add_feed(a_feed(feed, world.shop)))
    world.keep(world.file())
    world.compare()

    world.settle(ask_again=ask_feeds)

    assert world.found()[("MISSING_HERE", "REPAIRING")] == 1
    with engine.connect() as connection:
        runs = connection.execute(
            sa.text(
                "SELECT purpose, window_start, window_end FROM feed_runs WHERE feed_id = :feed"
            ),
            {"feed": feed},
        ).all()
    assert [tuple(each) for each in runs] == [("BY_HAND", BEGIN, BEGIN + timedelta(days=1))]
