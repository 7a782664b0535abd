"""One PostgreSQL transaction as the use cases see it: a part for each concern, one connection.

Behind each group of writes there is a failpoint; the writes themselves are the parts' affair.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from service.application.ports import (
    Answer,
    DueTimer,
    Envelopes,
    Message,
    ReceiptResult,
    StoredFlag,
    StoredReceipt,
    Writes,
)
from service.application.probe_ports import Claim
from service.application.shared_ports import Kept
from service.domain.cases import CaseAct
from service.domain.facts import OrderRef
from service.domain.picking import PickList
from service.domain.probing import Probe
from service.domain.stock import Reservation, Stock
from service.failpoints import Failpoints
from service.postgres.batch_rows import BatchRows
from service.postgres.case_rows import CaseRows
from service.postgres.coupon_rows import CouponRows
from service.postgres.desk_rows import DeskRows
from service.postgres.dossiers import Dossiers
from service.postgres.expected_rows import ExpectedRows
from service.postgres.feed_rows import FeedRows
from service.postgres.import_rows import ImportRows
from service.postgres.notice_delivering import NoticeDelivering
from service.postgres.outbox_rows import OutboxRows
from service.postgres.people_rows import PeopleRows
from service.postgres.pick_rows import PickRows
from service.postgres.probe_rows import ProbeRows
from service.postgres.receipt_rows import ReceiptRows
from service.postgres.reconciliation_rows import ReconciliationRows
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
    DeskRows,
    StockQueueRows,
    StockRows,
    PickRows,
    ProbeRows,
    BatchRows,
    CouponRows,
    FeedRows,
    ImportRows,
    ExpectedRows,
    NoticeDelivering,
    PeopleRows,
    ReconciliationRows,
):
    """Implements `service.application.ports.Unit`."""

    def __init__(
        self,
        connection: sa.Connection,
        envelopes: Envelopes,
        failpoints: Failpoints | None = None,
    ) -> None:
        """Take the transaction's connection, and what addresses messages."""
        self._connection = connection
        self._envelopes = envelopes
        self._failpoints = failpoints or Failpoints()
        self.saved = []

    def claim_request(self, request_id: str, fingerprint: bytes) -> Answer | None:
        kept = super().claim_request(request_id, fingerprint)
        self._failpoints.reach("unit:after_request")
        return kept

    def keep_answer(self, request_id: str, answer: Answer) -> None:
        super().keep_answer(request_id, answer)
        self._failpoints.reach("unit:after_answer")

    def keep_answers(self, answers: Sequence[Kept]) -> None:
        super().keep_answers(answers)
        self._failpoints.reach("unit:after_answers")

    def own_refs(self, owners: Mapping[OrderRef, str]) -> None:
        super().own_refs(owners)
        self._failpoints.reach("unit:after_refs")

    def save(self, writes: Sequence[Writes]) -> None:
        super().save(writes)
        self._failpoints.reach("unit:after_orders")

    def save_acts(self, acts: Sequence[CaseAct]) -> None:
        super().save_acts(acts)
        self._failpoints.reach("unit:after_cases")

    def publish(self, messages: Sequence[Message]) -> None:
        super().publish(messages)
        self._failpoints.reach("unit:after_outbox")

    def keep_customer_events(self, messages: Sequence[Message]) -> None:
        super().keep_customer_events(messages)
        self._failpoints.reach("unit:after_customers")

    def store_receipts(
        self, receipts: Sequence[StoredReceipt], arrivals: Mapping[str, int]
    ) -> frozenset[str]:
        fresh = super().store_receipts(receipts, arrivals)
        self._failpoints.reach("unit:after_receipts")
        return fresh

    def close_receipts(self, results: Sequence[ReceiptResult]) -> None:
        super().close_receipts(results)
        self._failpoints.reach("unit:after_outcomes")

    def keep_probes(self, probes: Sequence[Probe]) -> None:
        super().keep_probes(probes)
        self._failpoints.reach("unit:after_probes")

    def claim_probes(self, claim: Claim, now: datetime) -> list[Probe]:
        claimed = super().claim_probes(claim, now)
        self._failpoints.reach("unit:after_claim")
        return claimed

    def claim_timers(self, now: datetime, *, most: int) -> list[DueTimer]:
        due = super().claim_timers(now, most=most)
        self._failpoints.reach("unit:after_timers")
        return due

    def save_stock(self, stocks: Sequence[Stock]) -> None:
        super().save_stock(stocks)
        self._failpoints.reach("unit:after_stock")

    def save_reservation(self, reservation: Reservation) -> None:
        super().save_reservation(reservation)
        self._failpoints.reach("unit:after_reservation")

    def save_pick_lists(self, lists: Sequence[PickList]) -> None:
        super().save_pick_lists(lists)
        self._failpoints.reach("unit:after_pick_lists")

    def store_flag(self, flag: StoredFlag, *, at: datetime) -> StoredFlag | None:
        stored = super().store_flag(flag, at=at)
        self._failpoints.reach("unit:after_flag")
        return stored
