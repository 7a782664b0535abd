"""Callbacks of payments in a Douyin mini program."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from clients.providers.accounts.account import DouyinPayAccount
from clients.providers.calls import JSON, STATUSES, Answer, Call, Opened, Refusal, RefusedError

TAKEN: Final = Answer(200, b'{"err_no":0,"err_tips":"success"}', JSON)
NOT_TAKEN: Final = Answer(503, b'{"err_no":1,"err_tips":"busy"}', JSON)


class DouyinPay:
    """Opens and answers the callbacks of Douyin."""

    def open(self, account: DouyinPayAccount, call: Call, now: datetime) -> Opened:
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
