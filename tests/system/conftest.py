"""One stack for each file of tests: starting it takes ten seconds, a test of it often one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system.whole_stack import WITHOUT_TRAFFIC, WholeStack, whole_stack


@pytest.fixture(scope="module")
def stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WholeStack]:
    """All of Concord but its traffic, on servers of its own; or what a file's `PARTS` say."""
    parts = getattr(request.module, "PARTS", WITHOUT_TRAFFIC)
    with whole_stack(tmp_path_factory.mktemp("stack"), *parts) as running:
        yield running
