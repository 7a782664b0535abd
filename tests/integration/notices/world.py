"""What the tests of notices hold in their hands."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta

from clients.notifier.worker import Loop
from service.application.notice_ports import Contact, NoticeAsked
from service.application.noticing import Claiming, Noticing
from service.catalogue import message_files
from service.domain.desk.notices import (
    Notice,
    NoticeState,
    Sending,
    SendReport,
    SendResult,
    notice_id_for,
)
from service.postgres.notice_reading import PostgresNoticeReader
from service.postgres.storage import PostgresStorage
from tests.fake_clock import FakeClock
from tests.integration.notices.receiver import Robot

LEASE = timedelta(seconds=60)


@dataclass
class Told:
    """Notices over PostgreSQL, with names that no other test uses."""

    storage: PostgresStorage
    reader: PostgresNoticeReader
    clock: FakeClock
    name: str

    @property
    def noticing(self) -> Noticing:
        return Noticing(self.storage, self.clock, message_files.load())

    @property
    def role(self) -> str:
        return f"role:{self.name}"

    def ask(self, number: int = 0, recipient: str = "", template: str = "alert") -> str:
        asked = NoticeAsked(
            key=f"{self.name}:{number}",
            template=template,
            recipient=recipient or self.role,
            values={"text": f"stock of SKU-{number} is short"},
        )
        self.storage.transact(lambda unit: unit.queue_notices([asked], at=self.clock()))
        return notice_id_for(asked.key)

    def reach(self, *addresses: tuple[str, str]) -> None:
        contact = Contact(self.role, addresses, "en")
        self.storage.transact(lambda unit: unit.set_contact(contact, at=self.clock()))

    def compose(self) -> None:
        while self.noticing.compose_due():
            pass

    def notice(self, notice_id: str) -> Notice:
        return self.reader.notice(notice_id)

    def claim(self, channel: str, lease: str = "", most: int = 50) -> list[Sending]:
        """Claim, and return what is this test's own."""
        wanted = Claiming(lease or str(uuid.uuid4()), (channel,), most, LEASE)
        return [each for each in self.noticing.claim(wanted) if self.name in each.address]

    def report(self, sending: Sending, result: SendResult, code: str = "") -> Sending:
        return self.noticing.report(sending.sending_id, SendReport(sending.lease, result, code))


@dataclass
class Telling:
    """The service over gRPC on a clock of the test's, and a notifier that sends to a robot."""

    told: Told
    robot: Robot
    loop: Loop

    def ask(self, count: int, first: int = 0) -> list[str]:
        return [self.told.ask(first + number) for number in range(count)]

    async def turn(self) -> None:
        """Compose what was asked for, and send all that may be sent now."""
        self.told.compose()
        while await self.loop.claim():
            await self.loop.drain(10)

    async def wait(self, seconds: int, step: int = 1) -> None:
        """Let time pass, the notifier at work."""
        for _ in range(0, seconds, step):
            await self.turn()
            self.told.clock.pass_time(timedelta(seconds=step))
        await self.turn()

    @property
    def heard(self) -> str:
        return "\n".join(self.robot.heard)

    def state(self, name: str) -> NoticeState:
        return self.told.notice(name).state
