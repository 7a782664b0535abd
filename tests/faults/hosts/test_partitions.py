"""What is asked, or what is answered, does not arrive: callers are told, and all heals by itself.

Between the service or the relay and PostgreSQL, the relay and the broker, the gateway and the
service.
"""

from __future__ import annotations

import pytest

from tests.faults.hosts.calling import assert_told_the_truth
from tests.faults.hosts.cutting import Way, cut
from tests.faults.hosts.platforms import ANSWERS_WITHIN_S, Platforms, assert_kept
from tests.faults.hosts.world import Host

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

# Who holds the relay's locks, and from which port.
RELAY_PORTS = "SELECT client_port FROM pg_stat_activity WHERE application_name = 'concord-relay'"


@pytest.mark.parametrize("way", Way, ids=lambda each: each.name.lower())
def test_a_cut_between_service_and_postgresql_is_told_and_heals(host: Host, way: Way) -> None:
    host.start()
    with host.callers() as callers:
        host.eventually(lambda: len(callers.acknowledged) >= 50, "traffic", 30)
        with cut(way, host.postgres_port):
            host.eventually(lambda: not host.service.is_ready(), "a service that says so", 30)
            host.eventually(lambda: sum(callers.refused.values()) >= 8, "refusals", 60)
            before = len(callers.acknowledged)
        host.eventually(lambda: len(callers.acknowledged) > before, "an answer again")
        host.eventually(host.service.is_ready, "a service that says so")
        host.eventually(lambda: len(callers.acknowledged) > before + 50, "traffic again", 30)

    host.assert_clean()
    assert_told_the_truth(callers, host.servers.database_url)


@pytest.mark.parametrize("way", Way, ids=lambda each: each.name.lower())
def test_the_locks_of_a_relay_that_is_cut_off_for_good_are_freed(host: Host, way: Way) -> None:
    host.start()
    with host.callers() as callers:
        host.eventually(lambda: len(callers.acknowledged) >= 50, "traffic", 30)
        ports = [int(str(port)) for (port,) in host.rows(RELAY_PORTS)]
        before = host.rows("SELECT min(epoch) FROM relay_epochs")[0]
        # This session never heals; whoever connects anew is not concerned.
        with cut(way, host.postgres_port, *ports):
            host.eventually(
                lambda: host.rows("SELECT min(epoch) FROM relay_epochs")[0] > before,
                "the locks in other hands",
                20,
            )
            more = host.published() + 50
            host.eventually(lambda: host.published() > more, "a relay that publishes", 20)

    host.assert_clean()
    assert_told_the_truth(callers, host.servers.database_url)


@pytest.mark.parametrize("way", Way, ids=lambda each: each.name.lower())
def test_a_relay_that_is_cut_off_the_broker_waits_and_publishes(host: Host, way: Way) -> None:
    host.start()
    with host.callers() as callers:
        host.eventually(lambda: host.published() >= 50, "what is published", 60)
        with cut(way, host.broker_port):
            host.eventually(lambda: not host.relay.is_ready(), "a relay that says so", 40)
            # Orders are taken all the same.
            before = len(callers.acknowledged)
            host.eventually(lambda: len(callers.acknowledged) > before + 50, "traffic", 30)
            published = host.published()
        host.eventually(lambda: host.published() > published, "a relay that publishes", 15)
        host.eventually(host.relay.is_ready, "a relay that says so")

    host.assert_clean()
    assert not callers.refused, "the broker is nobody's concern but the relay's"
    assert_told_the_truth(callers, host.servers.database_url)


@pytest.mark.parametrize("way", Way, ids=lambda each: each.name.lower())
def test_a_gateway_that_is_cut_off_the_service_has_platforms_come_again(
    host: Host, way: Way
) -> None:
    host.start()
    gateway, merchant = host.start_gateway()
    with Platforms(gateway.address, merchant) as platforms:
        host.eventually(lambda: len(platforms.taken) >= 50, "callbacks", 60)
        with cut(way, host.service_port):
            host.eventually(lambda: not gateway.is_ready(), "a gateway that says so", 30)
            host.eventually(lambda: platforms.sent_again.total() >= 8, "refusals", 60)
            before = len(platforms.taken)
        host.eventually(lambda: len(platforms.taken) > before, "a callback that is taken again")
        host.eventually(gateway.is_ready, "a gateway that says so")
        host.eventually(lambda: len(platforms.taken) > before + 50, "callbacks again", 30)

    # In the time that platforms wait, and a look at the clock of a machine with other work.
    assert platforms.slowest_s < 2 * ANSWERS_WITHIN_S
    assert_kept(platforms, host.servers.database_url)
