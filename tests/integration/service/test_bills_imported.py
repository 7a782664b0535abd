"""A bill on its way in: its rows are receipts of the provider, and lines of its statement."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from clients.files.importing import FileImporter, Imported
from clients.files.reading import Source
from clients.sdk import Concord
from concord.imports.v1 import import_service_pb2 as api
from concord.reconciliations.v1.statement_pb2 import Statement
from tests.builders import NOON
from tests.integration.service.world import Service
from tests.unit.clients.files.bills import HEADER, SUMS, paid, refunded
from tests.unit.clients.files.reads import saved

DAY = "2026-01-01"


@pytest.fixture
def concord(service: Service) -> Iterator[Concord]:
    with Concord(service.address) as client:
        yield client


@pytest.fixture
def account() -> str:
    """An account that no other test has."""
    return f"acc-{uuid.uuid4().hex[:8]}"


def imported(concord: Concord, path: Path, account: str) -> Imported:
    importer = FileImporter(concord, path.parent / "work", lambda: NOON)
    return importer.run(Source.of(path, shop=account))


def stated(concord: Concord, account: str) -> list[Statement]:
    pages = concord.reconciliations.list_statements(channel="wechatpay")
    return [each for each in pages if each.shop == account]


def test_a_bill_becomes_receipts_of_the_provider_and_a_statement_that_is_whole(
    concord: Concord, account: str, tmp_path: Path, engine: sa.Engine
) -> None:
    number, order = str(uuid.uuid4().int)[:28], f"T-{account}"
    rows = (
        paid(number, order),
        refunded(number, order, "R-1"),
        paid(f"9{number[1:]}", f"{order}2"),
    )
    file = saved(tmp_path / "bill.csv", HEADER, *rows, *SUMS)

    done = imported(concord, file, account).kept

    assert done.state == api.Import.STATE_DONE
    assert (done.template, done.counts.rows, done.counts.orders) == ("wechatpay.bill.file", 3, 2)
    (statement,) = stated(concord, account)
    assert statement.kind == Statement.KIND_PAYMENTS
    assert (statement.lines, statement.expected_lines) == (3, 3)
    assert (statement.day, statement.zone) == (DAY, "Asia/Shanghai")
    assert statement.HasField("close_time")
    with engine.connect() as connection:
        name = connection.execute(
            sa.text("SELECT receipt_id FROM receipts WHERE order_hint = :order"), {"order": order}
        ).scalar_one()
    receipt = concord.intake.get(name)
    assert (receipt.source, receipt.channel, receipt.account) == ("wechatpay", "", account)


def test_a_bill_of_refunds_alone_is_booked_and_not_compared(
    concord: Concord, account: str, tmp_path: Path
) -> None:
    header = HEADER.replace("微信退款单号", "退款申请时间,退款成功时间,微信退款单号")
    row = refunded("4200", f"T-{account}", "R-1").replace(
        "`5030R-1", "`2026-01-01 23:59:59,`2026-01-02 00:00:09,`5030R-1"
    )
    file = saved(tmp_path / "bill.csv", header, row, *SUMS)

    done = imported(concord, file, account).kept

    assert (done.counts.stored, done.counts.open) == (1, 0)
    assert stated(concord, account) == []
