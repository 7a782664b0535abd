"""Notices in memory: what others ask for, and what a person does about one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from service.application.notice_ports import Contact
from service.domain.desk.notices import Notice, NoticeAsked, NoticeState, notice_id_for
from service.domain.errors import NoticeNotFoundError
from tests.fake_tables import Tables


class FakeNoticeUnit:
    """Implements `service.application.notice_ports.NoticePart`; nothing is composed."""

    tables: Tables

    def queue_notices(self, asked: Sequence[NoticeAsked], *, at: datetime) -> None:
        for each in asked:
            name = notice_id_for(each.key)
            self.tables.notices.setdefault(name, Notice(name, each, NoticeState.QUEUED, at))

    def lock_notice(self, notice_id: str) -> Notice:
        if notice_id not in self.tables.notices:
            raise NoticeNotFoundError(notice=notice_id)
        return self.tables.notices[notice_id]

    def keep_notice(self, notice: Notice) -> None:
        self.tables.notices[notice.notice_id] = notice

    def set_contact(self, contact: Contact, *, at: datetime) -> None:  # the port's
        self.tables.contacts[contact.recipient] = contact
