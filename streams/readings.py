"""Receipts of the contract to the reader's plain data, and its readings back to the contract."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money as MoneyMessage

from concord.intake.v1 import fact_pb2, receipt_pb2
from concord.intake.v1.intake_service_pb2 import Reading as ReadingMessage
from concord.intake.v1.intake_service_pb2 import StatementDay
from concord.orders.v1 import order_pb2
from streams.logic.normalising import Fact, Money, Reading, Receipt
from streams.logic.normalising.currencies import exponent

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# What a template of files of orders is called.
ORDERS_FILE: Final = ".orders.file"
# What the service takes of kinds of goods, and of coupons.
NAMES_MAX: Final = 50
_NANOS: Final = 1_000_000_000


def receipt_of(message: receipt_pb2.Receipt) -> Receipt:
    """Return the receipt as the reader takes it."""
    at = message.receive_time
    return Receipt(
        name=message.name,
        source=message.source,
        template=message.template,
        channel=message.channel,
        body=message.body,
        content_type=message.content_type,
        receive_time=_EPOCH + timedelta(seconds=at.seconds, microseconds=at.nanos // 1000),
        account=message.account,
    )


def reading_message(reading: Reading, traceparent: str | None) -> ReadingMessage:
    """Return the reading as the service takes it, in the trace of its receipt."""
    message = ReadingMessage(receipt=reading.receipt, traceparent=traceparent or "")
    message.facts.extend(_fact(fact) for fact in reading.facts)
    if reading.rejection is not None:
        told = reading.rejection
        reason = receipt_pb2.Rejection.Reason.Value(f"REASON_{told.reason.value}")
        message.rejection.CopyFrom(
            receipt_pb2.Rejection(reason=reason, field=told.field, advice=told.advice)
        )
    return message


def statement_of(receipt: receipt_pb2.Receipt) -> StatementDay | None:
    """Return of which day's file a receipt holds an order's rows; None where it holds none.

    Files of orders alone: those of returns tell of an order again, and not of all of it.
    """
    if not receipt.template.endswith(ORDERS_FILE):
        return None
    try:
        body = json.loads(receipt.body)
        day = date.fromisoformat(body["day"]).isoformat()
    # Whatever is wrong with the body, its reading tells; without a day it belongs to none.
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return StatementDay(
        channel=receipt.channel or receipt.source,
        shop=receipt.account,
        day=day,
        order_hint=receipt.order_hint,
    )


def _fact(fact: Fact) -> fact_pb2.Fact:
    return fact_pb2.Fact(
        fact_id=fact.fact_id,
        kind=fact_pb2.Fact.Kind.Value(f"KIND_{fact.kind.value}"),
        ref=order_pb2.OrderRef(namespace=fact.ref.namespace, value=fact.ref.value),
        source=fact.source,
        channel=fact.channel,
        occurred_time=_timestamp(fact.occurred_at),
        amount=_money(fact.amount),
        voucher=fact.voucher,
        circumstances=[
            fact_pb2.Fact.Circumstance.Value(f"CIRCUMSTANCE_{each.value}")
            for each in fact.circumstances
        ],
        more_refs=[
            order_pb2.OrderRef(namespace=ref.namespace, value=ref.value) for ref in fact.more_refs
        ],
        list_amount=_money(fact.list_amount),
        customer=fact.customer,
        lines=[
            order_pb2.OrderLine(
                sku=line.sku, quantity=line.quantity, unit_price=_money(line.unit_price)
            )
            for line in fact.lines
        ],
        note=fact.note,
        provider=fact.provider,
        account=fact.account,
        payment=fact.payment,
        categories=sorted({line.category for line in fact.lines if line.category})[:NAMES_MAX],
        coupons=fact.coupons[:NAMES_MAX],
        identities=[
            fact_pb2.Identity(
                kind=fact_pb2.Identity.Kind.Value(f"KIND_{each.kind.value}"),
                digest=each.digest,
                is_masked=each.is_masked,
            )
            for each in fact.identities
        ],
    )


def _timestamp(at: datetime) -> Timestamp:
    since = at - _EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1000)


def _money(amount: Money | None) -> MoneyMessage | None:
    """Return the amount as whole units and nanos of the same sign, as google.type.Money wants."""
    if amount is None:
        return None
    minor_per_unit = 10 ** exponent(amount.currency)
    units, minor = divmod(abs(amount.minor), minor_per_unit)
    sign = -1 if amount.minor < 0 else 1
    nanos = minor * (_NANOS // minor_per_unit)
    return MoneyMessage(currency_code=amount.currency, units=sign * units, nanos=sign * nanos)
