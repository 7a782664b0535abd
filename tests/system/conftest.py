"""One stack for each file of tests: starting it takes ten seconds, a test of it often one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system.whole_stack import WholeStack, whole_stack


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeStack]:
    """All of Concord but its traffic, on servers of its own."""
    with whole_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture(scope="module")
def untraced_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeStack]:
    """The same without spans, which are a third of all work where tens of thousands are told."""
    variables = {"CONCORD_TRACE_SAMPLE_RATIO": "0"}
    with whole_stack(tmp_path_factory.mktemp("stack"), variables=variables) as running:
        yield running
