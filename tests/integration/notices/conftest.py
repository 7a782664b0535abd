"""Notices over PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from clients.notifier import channels, wiring
from clients.notifier.config import Settings
from clients.notifier.metrics import Metrics as NotifierMetrics
from clients.notifier.posting import new_client
from clients.sdk import AsyncConcord
from clients.telemetry import new_registry
from concord.notices.v1 import notice_service_pb2_grpc
from service.kafka.encoding import ProtobufEncoder, ProtobufEnvelopes
from service.postgres.engine import make_engine
from service.postgres.notice_reading import PostgresNoticeReader
from service.postgres.storage import PostgresStorage
from service.rpc.calling import Mutations
from service.rpc.errors import ErrorsInterceptor
from service.rpc.notices import NoticeServicer
from service.rpc.server import Server
from service.telemetry.metrics import Metrics
from tests.fake_clock import FakeClock, FakeIds
from tests.integration.notices.receiver import Robot
from tests.integration.notices.world import Telling, Told
from tests.integration.service.world import free_port


@pytest.fixture(scope="module")
def engine(module_database_url: str) -> Iterator[sa.Engine]:
    """Connections to a migrated database."""
    made = make_engine(module_database_url, connections=8)
    yield made
    made.dispose()


@pytest.fixture
def told(engine: sa.Engine) -> Told:
    """Notices, with names that no other test uses."""
    return Told(
        PostgresStorage(engine, ProtobufEnvelopes()),
        PostgresNoticeReader(engine),
        FakeClock(),
        uuid.uuid4().hex[:12],
    )


@pytest.fixture
def robot(told: Told) -> Iterator[Robot]:
    """A robot on the test's clock, listening."""
    made = Robot(told.clock)
    made.up()
    yield made
    made.down()


@pytest.fixture
def address(told: Told) -> Iterator[str]:
    """The service's edge for notices, on the test's clock."""
    metrics = Metrics()
    where = f"127.0.0.1:{free_port()}"
    mutations = Mutations(told.storage, ProtobufEncoder(), told.clock, FakeIds())
    servicer = NoticeServicer(mutations, told.noticing, told.reader, metrics)
    server = Server(
        where,
        {
            "concord.notices.v1.NoticeService": (
                notice_service_pb2_grpc.add_NoticeServiceServicer_to_server,
                servicer,
            )
        },
        interceptors=(ErrorsInterceptor(metrics),),
        threads=4,
        watchers_max=1,
    )
    server.start()
    yield where
    server.stop(1)


@pytest.fixture
def telling(told: Told, robot: Robot, address: str, tmp_path: Path) -> Telling:
    """A notifier that knows one robot, by the name of the test."""
    file = tmp_path / "channels.yaml"
    file.write_text(
        f"hosts: [127.0.0.1]\nprivate: [127.0.0.0/8]\n"
        f"wecom: {{'{told.name}': {{url: '{robot.url}', key: {{env: KEY}}}}}}\n"
    )
    known = channels.load(file, {"KEY": "key-1"})
    settings = Settings(
        channels=file, service_address=address, metrics_address="127.0.0.1:1", timeout_s=5.0
    )
    senders = wiring.senders(known, new_client(timeout_s=5.0, connections=8), 5.0)
    (loop,) = wiring.loops(
        settings, senders, AsyncConcord(address), NotifierMetrics(new_registry())
    )
    told.reach(("wecom", told.name))
    return Telling(told, robot, loop)
