"""Reads what is stored, each call in a short transaction of its own."""

import sqlalchemy as sa

from service.postgres.chain_reading import ChainReading
from service.postgres.desk_reading import DeskReading
from service.postgres.order_reading import OrderReading


class PostgresReader(OrderReading, DeskReading, ChainReading):
    """Implements `service.application.reading.Reader`."""

    def __init__(self, engine: sa.Engine) -> None:
        """Take the engine."""
        self._engine = engine
