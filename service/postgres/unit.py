"""One PostgreSQL transaction as the use cases see it: a part for each concern, one connection."""

import sqlalchemy as sa

from service.application.ports import Envelopes
from service.postgres.case_rows import CaseRows
from service.postgres.dossiers import Dossiers
from service.postgres.outbox_rows import OutboxRows
from service.postgres.pick_rows import PickRows
from service.postgres.probe_rows import ProbeRows
from service.postgres.receipt_rows import ReceiptRows
from service.postgres.request_rows import RequestRows
from service.postgres.saving import Saving
from service.postgres.stock_queue_rows import StockQueueRows
from service.postgres.stock_rows import StockRows
from service.postgres.timer_rows import TimerRows


class PostgresUnit(
    Dossiers,
    Saving,
    ReceiptRows,
    OutboxRows,
    RequestRows,
    TimerRows,
    CaseRows,
    StockQueueRows,
    StockRows,
    PickRows,
    ProbeRows,
):
    """Implements `service.application.ports.Unit`."""

    def __init__(self, connection: sa.Connection, envelopes: Envelopes) -> None:
        """Take the transaction's connection, and what addresses messages."""
        self._connection = connection
        self._envelopes = envelopes
        self.saved = []
