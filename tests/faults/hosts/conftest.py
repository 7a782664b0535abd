"""Runs each test that asks for a `host` in namespaces of its own, by another pytest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.hosts.namespaces import REQUIRED, is_inside, is_required, run_inside, why_not
from tests.faults.hosts.world import Host


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run the test itself inside only; outside, run the pytest that does."""
    if "host" not in pyfuncitem.fixturenames or is_inside():
        return None
    run_inside(pyfuncitem.nodeid)
    return True


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host | None]:
    """PostgreSQL and a broker on a host of the test's own; outside, only whether there can be one.

    Where there cannot, the test is skipped; in CI, which says that there must, it fails.
    """
    if is_inside():
        with Host(tmp_path) as made:
            yield made
        return
    if reason := why_not():
        if is_required():
            pytest.fail(f"{REQUIRED} asks for hosts, and there can be none: {reason}")
        pytest.skip(reason)
    yield None
