"""The service in this process, with failpoints that a test arms."""

from __future__ import annotations

import pytest

from tests.faults.wire.conftest import no_rest, telemetry, tell, world

pytest.register_assert_rewrite("tests.faults.wire.acts", "tests.faults.points.walking")

__all__ = ["no_rest", "telemetry", "tell", "world"]
