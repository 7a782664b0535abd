"""Notices: what somebody is to be told, to whom it goes, and what becomes of each delivery.

A notice is asked for in somebody's transaction, composed into one delivery for each address, and
delivered from outside. A delivery of which nobody knows whether it arrived is never sent again by
itself: a person says what is true.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, unique
from types import MappingProxyType
from typing import Final

from service.domain.desk.taxonomy import Severity
from service.domain.errors import (
    NoticeNotResendableError,
    NoticeNotUncertainError,
    SendingEndedError,
)


def _nothing() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeAsked:
    """That somebody be told something, once: the same `key` again asks for nothing.

    `recipient` is `customer` (of the order), `role:finance`, or `address:wecom:warehouse`, an
    address that the notifier knows by that name. `values` fill the template's placeholders.
    """

    key: str
    template: str
    recipient: str
    values: Mapping[str, str] = field(default_factory=_nothing, repr=False)
    order_id: str = ""
    case_id: str = ""
    batch_id: str = ""
    severity: Severity = Severity.NORMAL
    # `zh` or `en`; empty: the recipient's own, or else the installation's.
    language: str = ""


@unique
class NoticeState(Enum):
    """Where telling is; the names are those of `concord.notices.v1.Notice.State`."""

    QUEUED = "QUEUED"
    WAITING = "WAITING"
    SENT = "SENT"
    UNCERTAIN = "UNCERTAIN"
    DEAD = "DEAD"


@unique
class DeliveryState(Enum):
    """Where one delivery is; the names are those of `concord.notices.v1.Delivery.State`."""

    WAITING = "WAITING"
    SENDING = "SENDING"
    SENT = "SENT"
    UNCERTAIN = "UNCERTAIN"
    DEAD = "DEAD"


@unique
class SendResult(Enum):
    """What an attempt brought; the names are those of `ReportDeliveryRequest.Result`."""

    SENT = "SENT"
    # It surely did not arrive, and may be sent again.
    NOT_SENT = "NOT_SENT"
    # The receiver wants fewer messages; it surely did not arrive.
    THROTTLED = "THROTTLED"
    # It surely did not arrive, and never will: wrong key, unknown address, a host not allowed.
    REFUSED = "REFUSED"
    UNCERTAIN = "UNCERTAIN"


NOTICE_NAMESPACE: Final = uuid.UUID("0d2f1f0a-7a53-5c55-8d0c-4b1a6d2e9c11")

# The inbox is ours: what is put there has arrived.
INBOX: Final = "inbox"
# A receiver that is down for a night is waited for.
GIVE_UP_AFTER: Final = timedelta(hours=24)
FIRST_RETRY: Final = timedelta(seconds=10)
# Down for an hour costs one attempt in five minutes, and is noticed as soon.
LONGEST_RETRY: Final = timedelta(minutes=5)
# 10 s doubled five times is over five minutes.
_DOUBLINGS: Final = 5
# WeCom and DingTalk count by the minute.
THROTTLED_FOR: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notice on its way to one address."""

    delivery_id: str
    notice_id: str
    channel: str
    address: str
    state: DeliveryState
    queued_at: datetime
    due_at: datetime
    severity: Severity = Severity.NORMAL
    attempts: int = 0
    # Since when it has been tried in vain.
    failing_since: datetime | None = None
    # The last attempt, whether under way or over.
    sending_id: str = ""
    # What the receiver said, in its own words' code.
    code: str = ""
    sent_at: datetime | None = None
    title: str = field(default="", repr=False)
    body: str = field(default="", repr=False)
    # For receivers that put the text together themselves, as signed SMS must be.
    template: str = ""
    values: Mapping[str, str] = field(default_factory=_nothing, repr=False)


@dataclass(frozen=True, slots=True)
class Notice:
    """What was asked for, and what was made of it."""

    notice_id: str
    asked: NoticeAsked
    state: NoticeState
    queued_at: datetime
    composed_at: datetime | None = None
    title: str = field(default="", repr=False)
    body: str = field(default="", repr=False)
    # Why it could not be composed.
    problem: str = ""
    deliveries: tuple[Delivery, ...] = ()

    def following(self, deliveries: Sequence[Delivery]) -> "Notice":
        """Return the notice with what became of its deliveries."""
        after = tuple(deliveries)
        return replace(self, deliveries=after, state=state_of(after))


@dataclass(frozen=True, slots=True)
class Sending:
    """One attempt to send one or more deliveries to one address, as one message."""

    sending_id: str
    lease: str
    channel: str
    address: str
    claimed_at: datetime
    lease_until: datetime
    deliveries: tuple[Delivery, ...] = ()
    text: str = field(default="", repr=False)
    ended_at: datetime | None = None
    result: SendResult | None = None
    code: str = ""


@dataclass(frozen=True, slots=True)
class SendReport:
    """What came of an attempt."""

    lease: str
    result: SendResult
    code: str = ""
    retry_after: timedelta = timedelta()


def notice_id_for(key: str) -> str:
    """Return the id of the one notice of a key."""
    return f"ntc-{uuid.uuid5(NOTICE_NAMESPACE, key)}"


def state_of(deliveries: Sequence[Delivery]) -> NoticeState:
    """Return where a composed notice is: what a person must look at comes first."""
    states = {each.state for each in deliveries}
    if DeliveryState.UNCERTAIN in states:
        return NoticeState.UNCERTAIN
    if DeliveryState.DEAD in states:
        return NoticeState.DEAD
    return NoticeState.SENT if states <= {DeliveryState.SENT} else NoticeState.WAITING


def reported(sending: Sending, report: SendReport, *, at: datetime) -> Sending:
    """Return the attempt and its deliveries as they are after a report.

    The same report again changes nothing. A report that comes after the lease has lapsed still
    tells what is true of deliveries that are uncertain; what a person settled stays settled.

    Raises:
        SendingEndedError: it is another's, or something else was reported of it.
    """
    if sending.lease != report.lease:
        raise SendingEndedError(sending=sending.sending_id)
    if sending.result is report.result:
        return sending
    if sending.result not in (None, SendResult.UNCERTAIN):
        raise SendingEndedError(sending=sending.sending_id)
    return replace(
        sending,
        ended_at=at,
        result=report.result,
        code=report.code,
        deliveries=tuple(_told(each, sending, report, at) for each in sending.deliveries),
    )


def lapsed(sending: Sending) -> Sending:
    """Return an attempt of which nobody told what came of it: it is uncertain."""
    report = SendReport(sending.lease, SendResult.UNCERTAIN, "LEASE_LAPSED")
    return reported(sending, report, at=sending.lease_until)


def backoff(attempts: int) -> timedelta:
    """Return how long to wait after so many attempts in vain."""
    doublings = min(max(attempts - 1, 0), _DOUBLINGS)
    return min(LONGEST_RETRY, FIRST_RETRY * (1 << doublings))


def resent(notice: Notice, *, at: datetime) -> Notice:
    """Return the notice with its dead deliveries waiting anew; or with composing to be tried.

    Raises:
        NoticeNotResendableError: nothing of it is dead.
    """
    if notice.state is NoticeState.DEAD and notice.problem:
        return replace(notice, state=NoticeState.QUEUED, problem="")
    if not any(each.state is DeliveryState.DEAD for each in notice.deliveries):
        raise NoticeNotResendableError(notice=notice.notice_id, state=notice.state.value)
    return notice.following(
        [
            _anew(each, at) if each.state is DeliveryState.DEAD else each
            for each in notice.deliveries
        ]
    )


def settled(notice: Notice, *, arrived: bool, at: datetime) -> Notice:
    """Return the notice as a person found it: it arrived, or it did not and is sent again.

    Raises:
        NoticeNotUncertainError: of all its deliveries it is known.
    """
    if not any(each.state is DeliveryState.UNCERTAIN for each in notice.deliveries):
        raise NoticeNotUncertainError(notice=notice.notice_id, state=notice.state.value)

    def one(each: Delivery) -> Delivery:
        if each.state is not DeliveryState.UNCERTAIN:
            return each
        if arrived:
            return replace(each, state=DeliveryState.SENT, sent_at=at, code="SETTLED")
        return _anew(each, at)

    return notice.following([one(each) for each in notice.deliveries])


def _anew(delivery: Delivery, at: datetime) -> Delivery:
    return replace(
        delivery,
        state=DeliveryState.WAITING,
        due_at=at,
        attempts=0,
        failing_since=None,
        sending_id="",
    )


def _told(delivery: Delivery, sending: Sending, report: SendReport, at: datetime) -> Delivery:
    is_ours = delivery.sending_id == sending.sending_id
    if not is_ours or delivery.state not in (DeliveryState.SENDING, DeliveryState.UNCERTAIN):
        return delivery
    delivery = replace(delivery, code=report.code)
    match report.result:
        case SendResult.SENT:
            return replace(delivery, state=DeliveryState.SENT, sent_at=at)
        case SendResult.UNCERTAIN:
            return replace(delivery, state=DeliveryState.UNCERTAIN)
        case SendResult.REFUSED:
            return replace(delivery, state=DeliveryState.DEAD, attempts=delivery.attempts + 1)
        case SendResult.THROTTLED:
            # A limit is no failure: what waits for its minute does not come nearer to its end.
            due = at + max(report.retry_after, THROTTLED_FOR)
            return replace(delivery, state=DeliveryState.WAITING, due_at=due)
        case SendResult.NOT_SENT:
            return _not_sent(delivery, report, at)


def _not_sent(delivery: Delivery, report: SendReport, at: datetime) -> Delivery:
    since, attempts = delivery.failing_since or at, delivery.attempts + 1
    is_over = at - since >= GIVE_UP_AFTER
    return replace(
        delivery,
        state=DeliveryState.DEAD if is_over else DeliveryState.WAITING,
        due_at=at + max(report.retry_after, backoff(attempts)),
        attempts=attempts,
        failing_since=since,
    )
