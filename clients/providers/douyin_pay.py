"""Callbacks of payments in a Douyin mini program: JSON whose inner text is signed with a token.

`type` is not signed, so what the signed text itself is decides, and `type` must agree with it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from clients.providers.accounts.account import DouyinPayAccount
from clients.providers.calls import JSON, STATUSES, Answer, Call, Opened, Refusal, RefusedError
from clients.providers.parsing import json_object, malformed, name, string

TAKEN: Final = Answer(200, b'{"err_no":0,"err_tips":"success"}', JSON)
NOT_TAKEN: Final = Answer(503, b'{"err_no":1,"err_tips":"fail"}', JSON)

TIMESTAMP: Final = re.compile(r"\d{10}", re.ASCII)
# The platform's plan of retries is not published, nor whether it signs each anew; a day and two
# hours are longer than any other's.
AGE_MAX_S: Final = 26 * 3600
AHEAD_MAX_S: Final = 300
# The field that a message of each kind has; a refund may name its payment, too.
MARKS: Final[Mapping[str, str]] = MappingProxyType(
    {"payment": "cp_orderno", "refund": "cp_refundno"}
)


class DouyinPay:
    """Opens and answers the callbacks of payments in a Douyin mini program."""

    def open(self, account: DouyinPayAccount, call: Call, now: datetime) -> Opened:
        """Return what the call says, once it is proved.

        Raises:
            RefusedError: it is not.
        """
        envelope = json_object(call.body)
        _verify(account, envelope, now)
        message = json_object(string(envelope, "msg"))
        kind = _kind(string(envelope, "type"), message)
        app = name(message.get("appid", message.get("app_id")))
        if account.apps and app not in account.apps:
            raise RefusedError(Refusal.OTHER_ACCOUNT, "appid is another")
        return Opened(
            template="douyin_pay.notice" if kind in MARKS else "douyin_pay.unknown",
            message_id=_message_id(kind, message),
            body=call.body,
            content_type=JSON,
            order_hint=name(message.get("cp_orderno")),
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


def signature(token: str, timestamp: str, nonce: str, message: str) -> str:
    """Return the signature: SHA-1 over the four texts, sorted and joined."""
    text = "".join(sorted((token, timestamp, nonce, message)))
    return hashlib.sha1(text.encode()).hexdigest()  # noqa: S324  # The platform's choice.


def _verify(account: DouyinPayAccount, envelope: Mapping[str, Any], now: datetime) -> None:
    timestamp, nonce, message, given = (
        string(envelope, field) for field in ("timestamp", "nonce", "msg", "msg_signature")
    )
    if TIMESTAMP.fullmatch(timestamp) is None:
        raise malformed("timestamp is no time")
    if not -AHEAD_MAX_S <= now.timestamp() - int(timestamp) <= AGE_MAX_S:
        raise RefusedError(Refusal.STALE, "timestamp is too far from now")
    own = signature(account.token, timestamp, nonce, message)
    if not hmac.compare_digest(own.encode(), given.encode()):
        raise RefusedError(Refusal.SIGNATURE, "msg_signature is not the platform's")


def _kind(told: str, message: Mapping[str, Any]) -> str:
    marked = [kind for kind, mark in MARKS.items() if mark in message]
    # The last mark that is there counts: a refund outweighs the payment that it names.
    proved = marked[-1] if marked else ""
    if (proved or told in MARKS) and proved != told:
        raise RefusedError(Refusal.SIGNATURE, "type is not that of the signed msg")
    return told


def _message_id(kind: str, message: Mapping[str, Any]) -> str:
    number = message.get(MARKS.get(kind, "order_id"))
    return name(f"{kind}:{number}:{message.get('status')}")
