"""Rows of a provider's bill as lines of its statement: what it says of each payment and refund."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from clients.files import cells
from clients.files.spool import Order
from clients.sdk.money import money
from concord.orders.v1.order_pb2 import OrderRef
from concord.reconciliations.v1.statement_pb2 import StatementLine

# What a call may have.
LINES_AT_ONCE: Final = 1_000
# Days of bills are Beijing's.
ZONE: Final = "Asia/Shanghai"
# Whose numbers orders have there: ours.
NAMESPACE: Final = "merchant"

# Bills of refunds alone say when each was asked for.
_REFUND_ASKED: Final = "退款申请时间"
_PAID: Final = ("订单金额", "总金额", "应结订单金额")
_GIVEN_BACK: Final = ("申请退款金额", "退款金额")


def is_compared(columns: Sequence[str]) -> bool:
    """Tell whether a bill lists payments; of one of refunds alone all payments seem to lack."""
    return _REFUND_ASKED not in columns


def day_of(orders: Iterable[Order], columns: Sequence[str]) -> str:
    """Return of which day a bill is: every row of it is; empty where it has none."""
    first = next((row for order in orders for row in order.rows), ())
    told = dict(zip(columns, first, strict=False)).get("交易时间", "")
    return told[: len("2026-01-01")]


def lines_of(orders: Iterable[Order], columns: Sequence[str]) -> Iterator[StatementLine]:
    """Yield a line for each row of a bill of WeChat Pay."""
    for order in orders:
        for fields in order.rows:
            yield _line(order.number, dict(zip(columns, fields, strict=False)))


def parted(lines: Iterable[StatementLine]) -> Iterator[list[StatementLine]]:
    """Yield lines as calls may have them."""
    part: list[StatementLine] = []
    for line in lines:
        part.append(line)
        if len(part) == LINES_AT_ONCE:
            yield part
            part = []
    if part:
        yield part


def _line(number: str, row: Mapping[str, str]) -> StatementLine:
    is_refund = row.get("交易状态") != "SUCCESS"
    voucher = _first(row, ("商户退款单号",) if is_refund else ("微信订单号",))
    line = StatementLine(
        key=f"{'refund' if is_refund else 'payment'}:{voucher}",
        ref=OrderRef(namespace=NAMESPACE, value=number),
        voucher=voucher,
    )
    amount = cells.amount(_first(row, _GIVEN_BACK if is_refund else _PAID))
    currency = row.get("货币种类") or "CNY"
    # A refund that has not arrived is there, and no more is said of it.
    if amount is not None and is_refund and row.get("退款状态") == "SUCCESS":
        line.refunded.CopyFrom(money(amount, currency))
    elif amount is not None and not is_refund:
        line.amount.CopyFrom(money(amount, currency))
    return line


def _first(row: Mapping[str, str], names: Iterable[str]) -> str:
    return next((row[name] for name in names if row.get(name)), "")
