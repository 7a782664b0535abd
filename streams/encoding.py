"""The border between readings and the contract: protobuf on the wire, plain data inside."""

from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money as MoneyProto

from concord.intake.v1 import fact_pb2, intake_service_pb2, receipt_pb2
from concord.orders.v1 import order_pb2
from streams.logic.normalising import Fact, Money, OrderRef, Reading, Receipt
from streams.logic.normalising.amounts import exponent

# google.type.Money counts billionths of the unit.
_NANO_DIGITS = 9

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def receipt_from_proto(message: receipt_pb2.Receipt) -> Receipt:
    """Return a received receipt as the reader takes it."""
    moment = message.receive_time
    return Receipt(
        name=message.name,
        source=message.source,
        template=message.template,
        channel=message.channel,
        body=message.body,
        content_type=message.content_type,
        receive_time=_EPOCH + timedelta(seconds=moment.seconds, microseconds=moment.nanos // 1000),
    )


def reading_to_proto(reading: Reading, traceparent: str = "") -> intake_service_pb2.Reading:
    """Return a reading as ApplyFacts takes it, in the receipt's trace."""
    message = intake_service_pb2.Reading(
        receipt=reading.receipt,
        facts=[fact_to_proto(fact) for fact in reading.facts],
        traceparent=traceparent,
    )
    if reading.rejection is not None:
        rejection = reading.rejection
        reason = receipt_pb2.Rejection.Reason.Value(f"REASON_{rejection.reason.name}")
        message.rejection.reason = reason
        message.rejection.field = rejection.field
        message.rejection.advice = rejection.advice
    return message


def fact_to_proto(fact: Fact) -> fact_pb2.Fact:
    """Return a fact of the contract."""
    message = fact_pb2.Fact(
        fact_id=fact.fact_id,
        kind=fact_pb2.Fact.Kind.Value(f"KIND_{fact.kind.name}"),
        ref=_ref(fact.ref),
        source=fact.source,
        channel=fact.channel,
        occurred_time=_timestamp(fact.occurred_at),
        voucher=fact.voucher,
        circumstances=[
            fact_pb2.Fact.Circumstance.Value(f"CIRCUMSTANCE_{each.name}")
            for each in fact.circumstances
        ],
        more_refs=[_ref(each) for each in fact.more_refs],
        customer=fact.customer,
        note=fact.note,
    )
    if fact.amount is not None:
        message.amount.CopyFrom(_money(fact.amount))
    if fact.list_amount is not None:
        message.list_amount.CopyFrom(_money(fact.list_amount))
    for line in fact.lines:
        added = message.lines.add(sku=line.sku, quantity=line.quantity)
        if line.unit_price is not None:
            added.unit_price.CopyFrom(_money(line.unit_price))
    return message


def _ref(ref: OrderRef) -> order_pb2.OrderRef:
    return order_pb2.OrderRef(namespace=ref.namespace, value=ref.value)


def _money(money: Money) -> MoneyProto:
    digits = exponent(money.currency)
    units, rest = divmod(money.minor, 10**digits)
    nanos = rest * 10 ** (_NANO_DIGITS - digits)
    return MoneyProto(currency_code=money.currency, units=units, nanos=nanos)


def _timestamp(at: datetime) -> Timestamp:
    # Integer arithmetic: a float of seconds loses microseconds.
    since = at - _EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1000)
