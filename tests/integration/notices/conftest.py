"""Notices over PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from service.kafka.encoding import ProtobufEnvelopes
from service.postgres.engine import make_engine
from service.postgres.migrating import migrate
from service.postgres.notice_reading import PostgresNoticeReader
from service.postgres.storage import PostgresStorage
from tests.fake_clock import FakeClock
from tests.integration.notices.world import Told


@pytest.fixture(scope="module")
def engine(module_database_url: str) -> Iterator[sa.Engine]:
    """Connections to a migrated database."""
    migrate(module_database_url)
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
