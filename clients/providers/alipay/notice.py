"""Callbacks of Alipay."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from clients.providers.accounts.account import AlipayAccount
from clients.providers.calls import STATUSES, Answer, Call, Opened, Refusal, RefusedError

TAKEN: Final = Answer(200, b"success")
NOT_TAKEN: Final = Answer(503, b"fail")


class Alipay:
    """Opens and answers the callbacks of Alipay."""

    def open(self, account: AlipayAccount, call: Call, now: datetime) -> Opened:
        """Return what the call says, once it is proved."""
        raise RefusedError(Refusal.MALFORMED, "not readable")

    def taken(self, call: Call) -> Answer:
        """Return what makes the platform stop."""
        return TAKEN

    def refused(self, call: Call, refusal: Refusal) -> Answer:
        """Return what a call gets that is not believed."""
        return Answer(STATUSES[refusal], NOT_TAKEN.body, NOT_TAKEN.content_type)

    def again(self, call: Call) -> Answer:
        """Return what makes the platform come again."""
        return NOT_TAKEN
