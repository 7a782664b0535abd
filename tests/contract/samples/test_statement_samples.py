"""What a channel's real export says of an order, as the line of a statement that is compared."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

from concord.intake.v1.intake_service_pb2 import ApplyFactsRequest, Reading
from concord.intake.v1.receipt_pb2 import Receipt
from service.domain.facts import OrderRef
from service.domain.lifecycle import State
from service.domain.money import Money
from service.domain.reconciling.statements import Line, ShopDay, line_of
from service.rpc.fact_requests import read_readings
from streams.readings import reading_message, statement_of
from tests.contract.samples.conformance import reading_of
from tests.contract.samples.sold import as_receipt, rows_of

Sample = Callable[[str], bytes]


def told(template: str, body: bytes) -> tuple[ShopDay | None, Line | None]:
    """Return what the service is told by the streams: of which day, and what of the order."""
    message = reading_message(reading_of(template, body), None)
    receipt = Receipt(source="douyin", template=template, body=body, account="shop-1")
    message.MergeFrom(Reading(statement=statement_of(receipt)))
    message.receipt = "receipts/r-1"
    (reading,) = read_readings(ApplyFactsRequest(readings=[message]))
    return reading.stated, line_of(reading.facts, reading.receipt_id)


def test_a_douyin_export_is_a_line_with_amount_pieces_state_and_times(sample: Sample) -> None:
    rows = rows_of(sample("csv/douyin_orders_export_utf8bom.csv"), "utf-8-sig")

    of, line = told("douyin.orders.file", as_receipt(rows[1]))

    assert of == ShopDay("douyin", "shop-1", date(2025, 12, 28))
    assert line == Line(
        ref=OrderRef("douyin", "6917926768823643752"),
        amount=Money(2_000, "CNY"),
        quantity=1,
        state=State.SHIPPING,
        refunded=Money(0, "CNY"),
        # 2026-09-25 10:00:00 and 18:00:00 in Beijing.
        placed_at=datetime(2026, 9, 25, 2, 0, tzinfo=UTC),
        told_at=datetime(2026, 9, 25, 10, 0, tzinfo=UTC),
        receipt_id="r-1",
    )
