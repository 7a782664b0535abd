"""Messages of the contract to our own words, and back."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from clients.connectors.amounts import Amount, UnfitAmountError
from clients.connectors.inquiry import Code, Evidence, Kind, Question, refused
from concord.intake.v1.receipt_pb2 import Receipt
from concord.probes.v1.probe_service_pb2 import Probe

# What the contract takes.
CODE_MAX: Final = 64
_NO_CODE: Final = re.compile(r"[^\w. -]", re.ASCII)


def receipt_of(probe: Probe, account: str, evidence: Evidence, arrived_at: datetime) -> Receipt:
    """Return the answer as the receipt that it is."""
    arrived = Timestamp()
    arrived.FromDatetime(arrived_at)
    return Receipt(
        source=probe.provider,
        account=account,
        template=evidence.template,
        # No message id: the same answer again is the same receipt, and any other is another.
        body=evidence.body,
        content_type=evidence.content_type,
        receive_time=arrived,
        order_hint=probe.trade,
    )


def question_of(probe: Probe) -> Question:
    """Return what a probe asks.

    Raises:
        NothingLearntError: it cannot be asked like this.
    """
    try:
        return Question(
            kind=Kind(kind_of(probe)),
            trade=probe.trade,
            since=probe.arm_time.ToDatetime(tzinfo=UTC),
            handle=probe.handle,
            payment=probe.payment,
            refund=probe.refund,
            amount=Amount.of(probe.amount) if probe.HasField("amount") else None,
            total=Amount.of(probe.total) if probe.HasField("total") else None,
            submit=probe.submit,
        )
    except UnfitAmountError as error:
        raise refused(Code.REFUND_UNFIT) from error


def word(code: str) -> str:
    """Return a provider's code as a word that may be stored and logged: it wrote it, not we."""
    return _NO_CODE.sub("_", code)[:CODE_MAX]


def kind_of(probe: Probe) -> str:
    """Return the contract's word; the number where a newer service sent one."""
    try:
        return Probe.Kind.Name(probe.kind).removeprefix("KIND_")
    except ValueError:
        return str(probe.kind)
