"""PostgreSQL falls silent for the relay that leads: another leads, and the first finds its way."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.faults.proxy import Bend, FaultyProxy, Way
from tests.integration.relay.test_crashes import assert_all_arrived
from tests.integration.relay.world import RelayProcess, World, wait_until

# A statement of the relay's may take fifteen seconds; so may what is not answered.
GIVEN_UP_WITHIN_S = 40.0


@pytest.mark.long
def test_a_relay_gives_up_a_database_that_does_not_answer(world: World) -> None:
    url = sa.make_url(world.url)
    with FaultyProxy(url.host or "", url.port or 0) as proxy:
        behind = url.set(host="127.0.0.1", port=proxy.port)
        first = RelayProcess(
            behind.render_as_string(hide_password=False), world.servers.kafka_bootstrap, {}
        )
        try:
            world.write_many(writers=2, each=40, orders=3).join()
            wait_until(world.is_drained, what="the first relay to publish")
            assert owners(world) == {first.pid}
            second = world.start_relay()
            proxy.bend(Bend(silent=Way.ANSWERS))
            world.write_many(writers=2, each=40, orders=3).join()

            wait_until(
                lambda: owners(world) == {second.pid},
                what="the locks in other hands",
                within_s=GIVEN_UP_WITHIN_S,
            )
            assert_all_arrived(world)
            assert first.is_running()

            proxy.heal()
            second.end()
            world.write_many(writers=2, each=40, orders=3).join()
            wait_until(lambda: owners(world) == {first.pid}, what="the first relay to lead again")
            assert_all_arrived(world)
        finally:
            first.end()


def owners(world: World) -> set[int]:
    """Return which processes hold shards."""
    return {int(row.owner) for row in world.query("SELECT DISTINCT owner FROM relay_epochs")}
