"""Reads receipts and readings: what cannot be accepted is named, field by field."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from concord.intake.v1 import fact_pb2, intake_service_pb2, receipt_pb2
from service.application.intake import Reading
from service.application.ports import NewReceipt, Rejection
from service.domain.customers.identity import Identity, IdentityKind
from service.domain.facts import Circumstance, Fact, FactKind, OrderLine, OrderRef
from service.domain.reconciling.statements import ShopDay
from service.rpc.order_requests import LINES_MAX, REFS_MAX, read_ref
from service.rpc.violations import Violations

BATCH_MAX: Final = 1_000
BODY_MAX: Final = 1 << 20
BATCH_BYTES_MAX: Final = 4 << 20
TEMPLATE_MAX: Final = 100
FACTS_MAX: Final = 500
ADVICE_MAX: Final = 500
IDENTITIES_MAX: Final = 20
NAMES_MAX: Final = 50
TRACEPARENT_MAX: Final = 64


def read_batch(
    receipts: list[receipt_pb2.Receipt], *, address: str, now: datetime
) -> list[NewReceipt]:
    """Read receipts, or raise `InvalidRequestError`."""
    violations = Violations()
    if not 1 <= len(receipts) <= BATCH_MAX:
        violations.add("receipts", f"send 1 to {BATCH_MAX} receipts")
    if sum(len(each.body) for each in receipts) > BATCH_BYTES_MAX:
        violations.add("receipts", f"send at most {BATCH_BYTES_MAX} bytes of bodies in one batch")
    read = [
        _read_receipt(f"receipts[{index}]", each, address, now, violations)
        for index, each in enumerate(receipts[:BATCH_MAX])
    ]
    violations.refuse()
    return read


def _read_receipt(
    path: str,
    receipt: receipt_pb2.Receipt,
    address: str,
    now: datetime,
    violations: Violations,
) -> NewReceipt:
    if not receipt.body:
        violations.add(f"{path}.body", "send the message as it arrived: it must not be empty")
    if len(receipt.body) > BODY_MAX:
        violations.add(f"{path}.body", f"send at most {BODY_MAX} bytes")
    text = violations.text
    return NewReceipt(
        source=violations.word(f"{path}.source", receipt.source),
        message_id=text(f"{path}.message_id", receipt.message_id),
        template=text(f"{path}.template", receipt.template, longest=TEMPLATE_MAX, needed=True),
        channel=violations.word(f"{path}.channel", receipt.channel, needed=False),
        body=receipt.body,
        content_type=text(f"{path}.content_type", receipt.content_type),
        received_at=violations.moment(f"{path}.receive_time", receipt.receive_time, default=now),
        order_hint=text(f"{path}.order_hint", receipt.order_hint),
        address=text(f"{path}.address", receipt.address) or address,
        traceparent=text(f"{path}.traceparent", receipt.traceparent, longest=TRACEPARENT_MAX),
        account=text(f"{path}.account", receipt.account),
    )


def read_readings(request: intake_service_pb2.ApplyFactsRequest) -> list[Reading]:
    """Read what receipts mean, or raise `InvalidRequestError`."""
    violations = Violations()
    if not 1 <= len(request.readings) <= BATCH_MAX:
        violations.add("readings", f"send 1 to {BATCH_MAX} readings")
    read = [
        _read_reading(f"readings[{index}]", each, violations)
        for index, each in enumerate(request.readings[:BATCH_MAX])
    ]
    violations.refuse()
    return read


def _read_reading(
    path: str, reading: intake_service_pb2.Reading, violations: Violations
) -> Reading:
    rejection = None
    if reading.HasField("rejection"):
        rejection = _read_rejection(f"{path}.rejection", reading.rejection, violations)
    if len(reading.facts) > FACTS_MAX:
        violations.add(f"{path}.facts", f"send at most {FACTS_MAX} facts")
    stated, hint = None, ""
    if reading.HasField("statement"):
        stated, hint = _read_statement(f"{path}.statement", reading.statement, violations)
    return Reading(
        receipt_id=violations.resource(f"{path}.receipt", reading.receipt, "receipts"),
        facts=tuple(
            _read_fact(f"{path}.facts[{index}]", each, violations)
            for index, each in enumerate(reading.facts[:FACTS_MAX])
        ),
        rejection=rejection,
        traceparent=violations.text(
            f"{path}.traceparent", reading.traceparent, longest=TRACEPARENT_MAX
        ),
        stated=stated,
        order_hint=hint,
        template_version=_read_version(f"{path}.template_version", reading, violations),
    )


def _read_version(path: str, reading: intake_service_pb2.Reading, violations: Violations) -> int:
    if reading.template_version < 0:
        violations.add(path, "send a version from 1, or 0 where there is none")
    return reading.template_version


def _read_statement(
    path: str, statement: intake_service_pb2.StatementDay, violations: Violations
) -> tuple[ShopDay, str]:
    of = ShopDay(
        violations.word(f"{path}.channel", statement.channel),
        violations.text(f"{path}.shop", statement.shop),
        violations.day(f"{path}.day", statement.day),
    )
    return of, violations.text(f"{path}.order_hint", statement.order_hint)


def _read_rejection(
    path: str, rejection: receipt_pb2.Rejection, violations: Violations
) -> Rejection:
    number = rejection.reason
    known = number in receipt_pb2.Rejection.Reason.values() and number != 0
    if not known:
        violations.add(f"{path}.reason", "send a known reason")
    name = receipt_pb2.Rejection.Reason.Name(number) if known else ""
    return Rejection(
        reason=name.removeprefix("REASON_"),
        field=violations.text(f"{path}.field", rejection.field),
        advice=violations.text(f"{path}.advice", rejection.advice, longest=ADVICE_MAX),
    )


def _read_fact(path: str, fact: fact_pb2.Fact, violations: Violations) -> Fact:
    text = violations.text
    if not fact.HasField("occurred_time"):
        violations.add(f"{path}.occurred_time", "send when it happened")
    if len(fact.more_refs) > REFS_MAX or len(fact.lines) > LINES_MAX:
        violations.add(path, f"send at most {REFS_MAX} references and {LINES_MAX} lines")
    return Fact(
        fact_id=text(f"{path}.fact_id", fact.fact_id, longest=64, needed=True),
        kind=_read_kind(f"{path}.kind", fact.kind, violations),
        ref=read_ref(f"{path}.ref", fact.ref, violations),
        source=violations.word(f"{path}.source", fact.source),
        occurred_at=violations.moment(f"{path}.occurred_time", fact.occurred_time, default=_EPOCH),
        channel=violations.word(f"{path}.channel", fact.channel, needed=False),
        amount=(
            violations.money(f"{path}.amount", fact.amount) if fact.HasField("amount") else None
        ),
        voucher=text(f"{path}.voucher", fact.voucher),
        circumstances=_read_circumstances(path, fact, violations),
        more_refs=_read_more_refs(path, fact, violations),
        list_amount=(
            violations.money(f"{path}.list_amount", fact.list_amount)
            if fact.HasField("list_amount")
            else None
        ),
        customer=text(f"{path}.customer", fact.customer),
        lines=tuple(
            OrderLine(
                sku=text(f"{path}.lines[{index}].sku", line.sku),
                quantity=line.quantity,
                unit_price=(
                    violations.money(f"{path}.lines[{index}].unit_price", line.unit_price)
                    if line.HasField("unit_price")
                    else None
                ),
            )
            for index, line in enumerate(fact.lines[:LINES_MAX])
        ),
        note=text(f"{path}.note", fact.note),
        provider=violations.word(f"{path}.provider", fact.provider, needed=False),
        account=text(f"{path}.account", fact.account),
        payment=text(f"{path}.payment", fact.payment),
        identities=_read_identities(path, fact, violations),
        categories=_read_names(f"{path}.categories", fact.categories, violations),
        coupons=_read_names(f"{path}.coupons", fact.coupons, violations),
    )


def _read_kind(path: str, number: int, violations: Violations) -> FactKind:
    if number == 0:
        violations.add(path, "send what happened")
        return FactKind.NOTED
    # A kind of a newer contract is a note here: kept, and moving nothing.
    known = number in fact_pb2.Fact.Kind.values()
    name = fact_pb2.Fact.Kind.Name(fact_pb2.Fact.Kind.ValueType(number)) if known else "KIND_NOTED"
    return FactKind(name.removeprefix("KIND_"))


def _read_circumstances(
    path: str, fact: fact_pb2.Fact, violations: Violations
) -> frozenset[Circumstance]:
    found = set()
    for index, number in enumerate(fact.circumstances):
        if number == 0 or number not in fact_pb2.Fact.Circumstance.values():
            violations.add(f"{path}.circumstances[{index}]", "send a known circumstance")
        else:
            name = fact_pb2.Fact.Circumstance.Name(number)
            found.add(Circumstance(name.removeprefix("CIRCUMSTANCE_")))
    return frozenset(found)


def _read_names(path: str, names: Sequence[str], violations: Violations) -> tuple[str, ...]:
    if len(names) > NAMES_MAX:
        violations.add(path, f"send at most {NAMES_MAX}")
    told = [
        violations.text(f"{path}[{index}]", each, needed=True)
        for index, each in enumerate(names[:NAMES_MAX])
    ]
    return tuple(sorted(set(told)))


def _read_identities(
    path: str, fact: fact_pb2.Fact, violations: Violations
) -> tuple[Identity, ...]:
    if len(fact.identities) > IDENTITIES_MAX:
        violations.add(f"{path}.identities", f"send at most {IDENTITIES_MAX} identities")
    found = []
    for index, each in enumerate(fact.identities[:IDENTITIES_MAX]):
        digest = violations.text(f"{path}.identities[{index}].digest", each.digest)
        if each.is_masked is bool(digest):
            violations.add(f"{path}.identities[{index}]", "send a digest, or that it was masked")
        # A kind of a newer contract is left out: nobody here could match it.
        if each.kind in fact_pb2.Identity.Kind.values() and each.kind != 0:
            name = fact_pb2.Identity.Kind.Name(each.kind)
            found.append(Identity(IdentityKind(name.removeprefix("KIND_")), digest))
    return tuple(dict.fromkeys(found))


def _read_more_refs(path: str, fact: fact_pb2.Fact, violations: Violations) -> tuple[OrderRef, ...]:
    refs = [
        read_ref(f"{path}.more_refs[{index}]", each, violations)
        for index, each in enumerate(fact.more_refs[:REFS_MAX])
    ]
    first = OrderRef(fact.ref.namespace, fact.ref.value)
    return tuple(each for each in dict.fromkeys(refs) if each != first)


_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
