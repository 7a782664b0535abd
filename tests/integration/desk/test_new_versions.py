"""A new version of a workflow: new cases begin with it, and those that run keep theirs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from clients.sdk.desk_errors import RoleNotAllowedError
from service import bootstrap
from service.config import ConfigurationError, settings
from service.telemetry import Telemetry
from service.wiring.ground import parts_of
from service.wiring.parts import PARTS
from tests.fakes import FakeClock
from tests.integration.desk.world import MONDAY, World
from tests.integration.service.world import free_port

TYPE = """
types:
  ENGRAVING:
    title: {zh: 刻字, en: Engraving}
    side: CUSTOMER
    severity: LOW
    owner: warehouse
    respond: 4h
    resolve: 8h
    warn: 1h
    calendar: warehouse
    workflow: engraving
    may_open: [customer_service]
"""
WORKFLOW = """
workflow: engraving
version: {version}
title: {{zh: 刻字, en: Engraving}}
start: engrave
steps:
  engrave:
    title: {{zh: 刻字, en: Engrave it}}
    role: {role}
    acts:
      done: {{title: {{zh: 完成, en: Done}}, documents: [photo], outcome: {outcome}}}
"""


def catalogue(path: Path, version: int, role: str, outcome: str) -> str:
    """Write a folder that has one version of one workflow, and return its path."""
    for name, text in (
        ("types", TYPE),
        ("workflows", WORKFLOW.format(version=version, role=role, outcome=outcome)),
    ):
        (path / name).mkdir(parents=True, exist_ok=True)
        (path / name / "own.yaml").write_text(text, encoding="utf-8")
    return str(path)


@contextmanager
def started(
    values: dict[str, str], folder: str, engine: sa.Engine, telemetry: Telemetry
) -> Iterator[World]:
    """Run a service that reads a folder, until the block ends."""
    address = f"127.0.0.1:{free_port()}"
    held = settings(
        "serve", {**values, "CONCORD_CATALOGUE": folder, "CONCORD_SERVICE_ADDRESS": address}
    )
    clock = FakeClock(MONDAY)
    ground = bootstrap._ground(held, engine, telemetry, clock)  # the composition root
    services, works = parts_of(ground, PARTS)
    server = bootstrap._listening(held, telemetry, services)
    server.start()
    server.set_serving(is_serving=True)
    try:
        with World(address, clock, works) as world:
            yield world
    finally:
        server.stop(2)


def test_a_new_version_does_not_touch_running_cases(
    values: dict[str, str], engine: sa.Engine, telemetry: Telemetry, tmp_path: Path
) -> None:
    first = catalogue(tmp_path / "one", 1, "warehouse", "ENGRAVED")
    second = catalogue(tmp_path / "two", 2, "quality", "ENGRAVED_AND_CHECKED")

    with started(values, first, engine, telemetry) as world:
        orders = [world.paid().name, world.paid().name]
        running = world.by("customer_service").cases.open(orders[0], "ENGRAVING")
    with started(values, second, engine, telemetry) as world:
        fresh = world.by("customer_service").cases.open(orders[1], "ENGRAVING")
        for case, role, other in (
            (running, "warehouse", "quality"),
            (fresh, "quality", "warehouse"),
        ):
            cases = world.by(role).cases
            cases.add_document(case.name, "photo", file_name="photo.jpg", content=b"jpeg")
            with pytest.raises(RoleNotAllowedError):
                world.by(other).cases.act(case.name, "done")
            cases.act(case.name, "done")
        told = [world.by("operations").cases.get(each.name) for each in (running, fresh)]

    assert [each.outcome for each in told] == ["ENGRAVED", "ENGRAVED_AND_CHECKED"]


def test_a_service_does_not_start_with_a_version_that_changed(
    values: dict[str, str], engine: sa.Engine, telemetry: Telemetry, tmp_path: Path
) -> None:
    with started(values, catalogue(tmp_path / "a", 7, "quality", "DONE"), engine, telemetry):
        pass
    changed = catalogue(tmp_path / "b", 7, "quality", "ALL_DONE")

    with (
        pytest.raises(ConfigurationError, match="engraving@7: another text than before"),
        started(values, changed, engine, telemetry),
    ):
        pass
