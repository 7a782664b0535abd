"""Reads what is stored, each call in a short transaction of its own."""

import sqlalchemy as sa

from service.domain.expectations import STAGE_LIMITS, Limits
from service.postgres.case_reading import CaseReading
from service.postgres.chain_reading import ChainReading
from service.postgres.desk_reading import DeskReading
from service.postgres.order_reading import OrderReading
from service.postgres.probe_reading import ProbeReading
from service.postgres.queue_reading import QueueReading


class PostgresReader(
    OrderReading, DeskReading, QueueReading, ChainReading, ProbeReading, CaseReading
):
    """Implements `service.application.reading.Reader`, and `QueueReader`."""

    def __init__(self, engine: sa.Engine, limits: Limits = STAGE_LIMITS) -> None:
        """Take the engine, and how long an order may stay in each state."""
        self._engine = engine
        self._limits = limits
