"""Callbacks of Alipay: a signed form, whose every field but two is signed."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from clients.providers.accounts.account import AlipayAccount
from clients.providers.alipay.signing import BEIJING, RSA2, text_to_sign, verify
from clients.providers.calls import STATUSES, Answer, Call, Opened, Refusal, RefusedError
from clients.providers.parsing import (
    charset_of,
    decoded,
    fields_of_form,
    malformed,
    name,
    string,
    text_of,
)

# Exactly seven bytes; anything else makes it come again.
TAKEN: Final = Answer(200, b"success")
NOT_TAKEN: Final = Answer(503, b"fail")

UNSIGNED: Final = ("sign", "sign_type")
TRADE: Final = "trade_status_sync"
TIME: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
# The eighth and last send is 24 h 22 min after the first, and whether `notify_time` is that of
# the send is not documented; an hour and a half is for clocks and queues.
AGE_MAX: Final = timedelta(hours=26)
AHEAD_MAX: Final = timedelta(minutes=10)


class Alipay:
    """Opens and answers the callbacks of Alipay."""

    def open(self, account: AlipayAccount, call: Call, now: datetime) -> Opened:
        """Return what the call says, once it is proved.

        Raises:
            RefusedError: it is not.
        """
        raw = fields_of_form(call.body)
        charset = _charset(raw, call)
        fields = decoded(raw, charset)
        if fields.get("sign_type") != RSA2 or not fields.get("sign"):
            raise RefusedError(Refusal.SIGNATURE, "sign is missing, or sign_type is not RSA2")
        signed = {key: value for key, value in raw.items() if key not in UNSIGNED}
        verify(account, text_to_sign(signed), fields["sign"], now)
        is_trade = string(fields, "notify_type") == TRADE and "trade_status" in fields
        _check_owner(account, fields, is_trade=is_trade)
        _check_time(string(fields, "notify_time"), now)
        return Opened(
            template="alipay.notice" if is_trade else "alipay.unknown",
            message_id=name(fields.get("notify_id")),
            body=call.body,
            content_type=f"application/x-www-form-urlencoded; charset={charset}",
            order_hint=name(fields.get("out_trade_no")),
        )

    def taken(self, call: Call) -> Answer:
        """Return what makes the platform stop."""
        return TAKEN

    def refused(self, call: Call, refusal: Refusal) -> Answer:
        """Return what a call gets that is not believed."""
        return Answer(STATUSES[refusal], NOT_TAKEN.body, NOT_TAKEN.content_type)

    def again(self, call: Call) -> Answer:
        """Return what makes the platform come again."""
        return NOT_TAKEN


def _charset(raw: dict[str, bytes], call: Call) -> str:
    """Return the charset of the fields: what the signed field says, else the header."""
    if "charset" in raw:
        return charset_of(text_of(raw["charset"], "ascii"))
    _, _, declared = call.headers.get("content-type", "").lower().partition("charset=")
    return charset_of(declared.partition(";")[0] or "utf-8")


def _check_owner(account: AlipayAccount, fields: dict[str, str], *, is_trade: bool) -> None:
    for field, own in (("app_id", account.app), ("seller_id", account.seller)):
        if (is_trade or field in fields) and fields.get(field) != own:
            raise RefusedError(Refusal.OTHER_ACCOUNT, f"{field} is another")


def _check_time(written: str, now: datetime) -> None:
    sent_at = _beijing(written)
    if sent_at is None:
        raise malformed("notify_time is no time")
    if not -AHEAD_MAX <= now - sent_at <= AGE_MAX:
        raise RefusedError(Refusal.STALE, "notify_time is too far from now")


def _beijing(written: str) -> datetime | None:
    if TIME.fullmatch(written) is None:
        return None
    try:
        return datetime.fromisoformat(written).replace(tzinfo=BEIJING)
    except ValueError:
        return None
