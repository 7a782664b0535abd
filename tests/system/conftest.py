"""One stack for each file of tests: starting it takes ten seconds, a test of it often one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system.whole_stack import WholeStack, whole_stack


@pytest.fixture(scope="module")
def stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WholeStack]:
    """All of Concord but its traffic, on servers of its own; a file's `VARIABLES` are set."""
    variables = getattr(request.module, "VARIABLES", None)
    with whole_stack(tmp_path_factory.mktemp("stack"), variables=variables) as running:
        yield running
