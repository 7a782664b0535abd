"""Composes notices, gives deliveries to those who send, and takes what came of it.

Whoever sends is outside. An attempt is leased before anything leaves, so whatever becomes of the
sender, each delivery is sent once or is shown as uncertain:

1. a claim writes down the attempt; asked again under the same lease it gives the same;
2. the sender sends, and reports;
3. an attempt that nobody reported by the end of its lease is uncertain, and is left to a person.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from service.application.notice_ports import Contact, NoticeDesk, NoticeStorage
from service.application.ports import Clock
from service.domain.desk import grouping
from service.domain.desk.grouping import CHANNELS, GROUPED
from service.domain.desk.messages import MessageError, Messages, Text
from service.domain.desk.notices import (
    INBOX,
    Delivery,
    DeliveryState,
    Notice,
    NoticeState,
    Sending,
    SendReport,
    lapsed,
    reported,
    state_of,
)

# Composing is reading a template: a thousand take about half a second.
COMPOSED_MOST: Final = 200
LAPSED_MOST: Final = 200
# Of one address, at once: twenty full messages carry fewer.
WAITING_MOST: Final = 1_000


@dataclass(frozen=True, slots=True)
class Claiming:
    """Who wants work: which channels, how much, for how long."""

    lease: str
    channels: tuple[str, ...]
    most: int
    lease_for: timedelta


@dataclass(frozen=True, slots=True)
class Noticing:
    """The use cases of composing and delivering."""

    storage: NoticeStorage
    clock: Clock
    messages: Messages

    def compose_due(self) -> int:
        """Make deliveries of notices that were asked for; return how many notices."""

        def work(desk: NoticeDesk) -> int:
            now = self.clock()
            queued = desk.claim_queued(most=COMPOSED_MOST)
            if not queued:
                return 0
            about = sorted({each.asked.order_id for each in queued if each.asked.order_id})
            customers = desk.customers_of(about)
            wanted = {name for each in queued for name in _recipients(each, customers)}
            contacts = desk.contacts_of(sorted(wanted))
            desk.keep_composed([self._composed(each, contacts, customers, now) for each in queued])
            return len(queued)

        return self.storage.transact(work)

    def lapse_due(self) -> int:
        """Mark what nobody reported in time as uncertain; return how many attempts."""

        def work(desk: NoticeDesk) -> int:
            found = desk.claim_lapsed(self.clock(), most=LAPSED_MOST)
            for each in found:
                desk.end_sending(lapsed(each))
            return len(found)

        return self.storage.transact(work)

    def claim(self, claiming: Claiming) -> list[Sending]:
        """Lease deliveries that are due, as messages; asked again, give the same ones."""

        def work(desk: NoticeDesk) -> list[Sending]:
            known = desk.sendings_of(claiming.lease)
            if known:
                return [_with_text(each) for each in known if each.ended_at is None]
            now = self.clock()
            taken = [*self._grouped(desk, claiming, now)]
            room = claiming.most - len(taken)
            single = [each for each in claiming.channels if each not in GROUPED]
            if room > 0 and single:
                due = desk.claim_single(single, now, most=room)
                taken += [(each,) for each in due]
            begun = [
                Sending(
                    sending_id=f"snd-{claiming.lease}-{number:03}",
                    lease=claiming.lease,
                    channel=group[0].channel,
                    address=group[0].address,
                    claimed_at=now,
                    lease_until=now + claiming.lease_for,
                    deliveries=group,
                )
                for number, group in enumerate(taken)
            ]
            desk.begin_sendings(begun)
            return [_with_text(each) for each in begun]

        return self.storage.transact(work)

    def report(self, sending_id: str, report: SendReport) -> Sending:
        """Take what came of an attempt.

        Raises:
            SendingEndedError: it is another's, is over, or never was.
        """

        def work(desk: NoticeDesk) -> Sending:
            before = desk.lock_sending(sending_id)
            after = reported(before, report, at=self.clock())
            if after != before:
                desk.end_sending(after)
                if after.channel in GROUPED:
                    line = desk.lock_line(after.channel, after.address)
                    desk.keep_line(grouping.following(line, after, report.retry_after))
            return after

        return self.storage.transact(work)

    def _grouped(
        self, desk: NoticeDesk, claiming: Claiming, now: datetime
    ) -> list[tuple[Delivery, ...]]:
        channels = [each for each in claiming.channels if each in GROUPED]
        taken: list[tuple[Delivery, ...]] = []
        for line in desk.lock_lines(channels, now) if channels else ():
            if len(taken) >= claiming.most:
                break
            waiting = desk.waiting_for(line, now, most=WAITING_MOST)
            taken += grouping.groups(line, waiting, at=now)[: claiming.most - len(taken)]
        return taken

    def _composed(
        self,
        notice: Notice,
        contacts: dict[str, Contact],
        customers: dict[str, str],
        at: datetime,
    ) -> Notice:
        asked = notice.asked
        names = _recipients(notice, customers)
        contact = next((contacts[name] for name in names if name in contacts), None)
        try:
            text = self.messages.render(
                asked.template,
                asked.values,
                asked.language or (contact.language if contact else ""),
            )
            where = _addresses(notice, names, contact)
        except MessageError as error:
            return replace(
                notice, state=NoticeState.DEAD, composed_at=at, problem=str(error), deliveries=()
            )
        deliveries = tuple(
            _delivery(notice, number, channel, address, text, at)
            for number, (channel, address) in enumerate(where)
        )
        return replace(
            notice,
            state=state_of(deliveries),
            composed_at=at,
            title=text.title,
            body=text.body,
            deliveries=deliveries,
        )


def _recipients(notice: Notice, customers: dict[str, str]) -> tuple[str, ...]:
    """Return under which names the recipient may be known, the closest first."""
    asked = notice.asked
    if asked.recipient != "customer":
        return (asked.recipient,)
    customer = customers.get(asked.order_id)
    own = (f"order:{asked.order_id}",) if asked.order_id else ()
    return (*own, f"customer:{customer}") if customer else own


def _addresses(
    notice: Notice, names: Sequence[str], contact: Contact | None
) -> list[tuple[str, str]]:
    """Return where it goes; whoever cannot be reached finds it in an inbox of ours."""
    recipient = notice.asked.recipient
    if recipient.startswith("address:"):
        _, channel, name = (*recipient.split(":", 2), "", "")[:3]
        if channel not in CHANNELS or not name:
            raise MessageError(f"{recipient} is no address:CHANNEL:NAME")
        return [(channel, name)]
    inbox = (INBOX, names[-1] if names else recipient)
    if contact is None or not contact.addresses:
        return [inbox]
    # Those who work here find everything in their inbox, too.
    reached = list(contact.addresses)
    return [*reached, inbox] if recipient.startswith("role:") else reached


def _delivery(
    notice: Notice, number: int, channel: str, address: str, text: Text, at: datetime
) -> Delivery:
    arrived = channel == INBOX
    return Delivery(
        delivery_id=f"{notice.notice_id}.{number}",
        notice_id=notice.notice_id,
        channel=channel,
        address=address,
        state=DeliveryState.SENT if arrived else DeliveryState.WAITING,
        queued_at=notice.queued_at,
        due_at=at,
        severity=notice.asked.severity,
        sent_at=at if arrived else None,
        title=text.title,
        body=text.body,
        template=notice.asked.template,
        values=notice.asked.values,
    )


def _with_text(sending: Sending) -> Sending:
    return replace(sending, text=grouping.text_of(sending.channel, sending.deliveries))
