"""Relays and sessions die at every step of a round; each order still arrives whole, in order."""

import signal

import pytest

from tests.integration.relay.world import ORDERS, World, wait_until
from tests.invariants import assert_clean

# The writers here write journals and an outbox, and nothing that these are of.
NO_ORDERS = dict.fromkeys(("I4", "I15"), "no orders are kept here")


def assert_all_arrived(world: World) -> None:
    wait_until(world.is_drained, what="an empty outbox")
    guard = world.guard()
    assert dict(guard.applied) == world.written()
    assert guard.gaps == []
    assert_clean(world.url, but=NO_ORDERS)


def test_what_many_writers_wrote_arrives_in_order(world: World) -> None:
    world.start_relay()

    world.write_many(writers=6, each=100, orders=8).join()

    assert_all_arrived(world)
    assert sum(world.written().values()) == 600


@pytest.mark.parametrize("place", ["after_claim", "after_send", "before_mark", "after_mark"])
def test_a_relay_killed_at_any_step_loses_nothing(world: World, place: str) -> None:
    writing = world.write_many(writers=4, each=60, orders=6)
    for visit in (2, 1, 3):
        relay = world.start_relay(**{place: f"kill {visit}"})
        wait_until(
            lambda one=relay: not one.is_running() or _is_done(world, writing),
            what=f"the relay's death at {place}",
        )
        relay.end()
    world.start_relay()
    writing.join()

    assert_all_arrived(world)


def test_crash_between_send_and_mark_repeats(world: World) -> None:
    for _ in range(5):
        world.write("order-1")
    relay = world.start_relay(after_send="kill 1")
    wait_until(lambda: not relay.is_running(), what="the relay's death")
    world.start_relay()

    assert_all_arrived(world)
    assert world.guard().repeats == 5


def test_a_standby_takes_over_from_a_zombie_that_then_wakes(world: World) -> None:
    world.write_many(writers=2, each=20, orders=3).join()
    zombie = world.start_relay(after_send="stop 1")
    wait_until(zombie.is_stopped, what="the relay to stop between send and mark")
    standby = world.start_relay()
    assert world.end_sessions() >= 1
    writing = world.write_many(writers=2, each=60, orders=3)
    wait_until(world.is_drained, what="the standby to publish")
    zombie.signal(signal.SIGCONT)
    writing.join()

    assert_all_arrived(world)
    assert standby.is_running()
    assert zombie.is_running()
    owners = world.query("SELECT DISTINCT owner FROM relay_epochs")
    assert [row.owner for row in owners] == [str(standby.pid)]


def test_a_relay_whose_session_ends_takes_its_shards_again(world: World) -> None:
    relay = world.start_relay()
    writing = world.write_many(writers=4, each=80, orders=6)
    for expected in (1, 2, 3):
        wait_until(
            lambda least=expected: _taken(world) >= least, what=f"shards taken {expected} times"
        )
        world.end_sessions()
    writing.join()

    assert_all_arrived(world)
    assert relay.is_running()


def test_a_restart_of_postgres_is_waited_out(world: World) -> None:
    relay = world.start_relay()
    world.write_many(writers=2, each=20, orders=4).join()
    world.servers.kill("postgres")
    world.engine.dispose()
    world.servers.start("postgres")
    world.write_many(writers=2, each=20, orders=4).join()

    assert_all_arrived(world)
    assert relay.is_running()


def test_an_open_transaction_holds_up_nobody_else(world: World) -> None:
    world.start_relay()
    with world.engine.begin() as slow:
        # It may take longer to publish than a session of the service may leave one open.
        slow.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        slow.exec_driver_sql("SELECT pg_current_xact_id()")
        world.write_many(writers=2, each=20, orders=4).join()
        wait_until(world.is_drained, what="an empty outbox beside an open transaction")


def test_a_row_that_is_committed_after_a_later_one_arrives_too(world: World) -> None:
    world.start_living()
    # Its id is drawn first, and nobody sees it before the other one was published.
    with world.writing("order-1"):
        world.write("order-2")
        wait_until(world.is_drained, what="the later row to be published")
    world.write("order-1")

    assert_all_arrived(world)


def test_only_one_relay_publishes(world: World) -> None:
    first = world.start_living()
    world.start_relay()
    wait_until(lambda: world.sessions() == 2, what="the second relay, which stands by")
    world.write_many(writers=4, each=50, orders=4).join()

    assert_all_arrived(world)
    assert world.guard().repeats == 0
    owners = world.query("SELECT DISTINCT owner FROM relay_epochs")
    assert [row.owner for row in owners] == [str(first.pid)]


def test_repeats_of_a_record_are_equal(world: World) -> None:
    world.write("order-1", b"the bytes")
    relay = world.start_relay(before_mark="kill 1")
    wait_until(lambda: not relay.is_running(), what="the relay's death")
    world.start_relay()
    wait_until(world.is_drained, what="an empty outbox")

    first, second = world.read(ORDERS, least=2)
    assert first == second


def _is_done(world: World, writing: object) -> bool:
    return not writing.is_alive() and world.is_drained()  # type: ignore[attr-defined]


def _taken(world: World) -> int:
    return int(world.query("SELECT coalesce(min(epoch), 0) AS n FROM relay_epochs")[0].n)
