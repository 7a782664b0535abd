"""A volume of PostgreSQL is full: nothing that was answered is lost, and space is all it takes."""

from __future__ import annotations

import re
from contextlib import suppress

import psycopg2
import pytest

from tests.faults.hosts.calling import assert_told_the_truth
from tests.faults.hosts.volumes import filled
from tests.faults.hosts.world import WELL_AGAIN_WITHIN_S, Host

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


def test_a_full_volume_of_tables_is_told_and_heals_with_space(host: Host) -> None:
    host.start(on_volumes=True)
    pid = host.servers.pid("postgres")
    with host.callers() as callers:
        host.eventually(lambda: len(callers.acknowledged) >= 50, "traffic", 30)
        with filled(host.tables):
            host.eventually(lambda: sum(callers.refused.values()) >= 20, "refusals", 60)
            before = len(callers.acknowledged)
        host.eventually(lambda: len(callers.acknowledged) > before, "an answer again")
        host.eventually(lambda: len(callers.acknowledged) > before + 50, "traffic again", 30)

    # It never went down; its log names a file of the tables, and the service's the cause.
    assert "DiskFull" in host.service.log.read_text()
    assert host.servers.pid("postgres") == pid
    assert re.search(r'"base/\d+/\d+": No space left on device', host.postgres_log)
    host.assert_clean()
    assert_told_the_truth(callers, host.servers.database_url)


def test_a_full_volume_of_wal_takes_postgresql_down_and_nothing_with_it(host: Host) -> None:
    host.start(on_volumes=True)
    with host.callers() as callers:
        host.eventually(lambda: len(callers.acknowledged) >= 50, "traffic", 30)
        with filled(host.wal):
            host.eventually(lambda: is_down(host), "PostgreSQL's end", 60)
            # It tried to come back, as after any crash, and its log says where there is no space.
            assert re.search(r'PANIC: .*"pg_wal/.*": No space left', host.postgres_log)
            host.eventually(lambda: not host.service.is_ready(), "a service that says so", 30)
            before = len(callers.acknowledged)
        host.servers.start("postgres")
        host.eventually(lambda: len(callers.acknowledged) > before, "an answer again")
        host.eventually(host.service.is_ready, "a service that says so", WELL_AGAIN_WITHIN_S)
        host.eventually(lambda: len(callers.acknowledged) > before + 50, "traffic again", 30)

    host.assert_clean()
    assert_told_the_truth(callers, host.servers.database_url)


def is_down(host: Host) -> bool:
    """Tell whether PostgreSQL has ended; until then, have it begin a new file of WAL."""
    with suppress(psycopg2.OperationalError):
        host.rows("SELECT pg_switch_wal()")
    return host.servers.pid("postgres") is None
