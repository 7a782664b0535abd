"""What the platforms know of money outlasts a restart, and does not grow for ever."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.local.platforms import ledger, trades
from deploy.local.platforms.clock import Moment
from deploy.local.platforms.trades import Book, Refund, RefundState, Trade, TradeState

AT = datetime(2030, 1, 1, tzinfo=UTC)
MOMENT = Moment(AT, AT)


def a_trade(number: str, *, handle: str = "") -> Trade:
    return Trade(
        provider="unionpay",
        account="union-main",
        number=number,
        handle=handle,
        id=f"T{number}{handle}",
        amount_minor=1000,
        currency="CNY",
        created=MOMENT,
        notify_url="http://gateway.example",
    )


def test_trades_and_refunds_are_as_they_were(tmp_path: Path) -> None:
    book, path = Book(), tmp_path / "trades.json"
    paid, open_ = a_trade("U1"), a_trade("U2")
    paid.state, paid.paid = TradeState.PAID, MOMENT
    for trade in (paid, open_):
        book.add(trade)
    book.add_refund(
        Refund(
            paid, "R1", "re1", 400, MOMENT,
            state=RefundState.SUCCEEDED, settled=MOMENT, metadata={"txnTime": "20300101000000"},
        )
    )  # fmt: skip

    ledger.save(book, path)
    loaded = Book()
    ledger.load(loaded, path)

    assert [each.described() for each in loaded] == [each.described() for each in book]
    refund = loaded.find_refund("unionpay", "union-main", "R1")
    assert refund is not None
    assert refund.metadata == {"txnTime": "20300101000000"}
    assert refund.trade is loaded.find("unionpay", "union-main", "TU1")
    assert path.stat().st_mode & 0o777 == 0o600


def test_there_is_nothing_to_take_over_at_first(tmp_path: Path) -> None:
    book = Book()

    ledger.load(book, tmp_path / "trades.json")

    assert len(book) == 0


def test_a_number_leads_to_its_newest_trade() -> None:
    book = Book()
    for handle in ("20300101000000", "20300101000001"):
        book.add(a_trade("U1", handle=handle))

    found = book.find("unionpay", "union-main", "U1")

    assert found is not None
    assert found.handle == "20300101000001"
    assert len(book.all_of("unionpay", "union-main", "U1")) == 2


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trades, "TRADES_MAX", 2)
    book, first = Book(), a_trade("U1")
    book.add(first)
    book.add_refund(Refund(first, "R1", "re1", 400, MOMENT))

    for number in ("U2", "U3"):
        book.add(a_trade(number))

    assert [each.number for each in book] == ["U2", "U3"]
    assert book.find("unionpay", "union-main", "U1") is None
    assert book.find("unionpay", "union-main", "TU1") is None
    assert book.find_refund("unionpay", "union-main", "R1") is None
    assert book.all_of("unionpay", "union-main", "U1") == []
