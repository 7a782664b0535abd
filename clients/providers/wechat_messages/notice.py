"""Messages of WeChat to a shop of its channels, and to a mini program of our own.

In plain mode the signature covers a time and a random text, and nothing of the message: who has
seen one call can say anything for five minutes. With an `aes_key` only safe mode is believed, in
which the message is sealed and signed.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from clients.providers.accounts.shops import WechatAppAccount
from clients.providers.calls import JSON, STATUSES, Answer, Call, Opened, Refusal, RefusedError
from clients.providers.parsing import (
    bounded,
    decoded,
    fields_of_form,
    json_object,
    malformed,
    name,
    string,
)
from clients.providers.wechat_messages.sealing import SealBrokenError, signature, unsealed
from clients.providers.wechat_messages.xml import object_of_xml

TAKEN: Final = Answer(200, b"success")
NOT_TAKEN: Final = Answer(503, b"fail")

WINDOW_S: Final = 300
TIMESTAMP: Final = re.compile(r"\d{10}", re.ASCII)
# What greets us is sent back: it must be no more than the random text that it says it is.
ECHO: Final = re.compile(r"[0-9A-Za-z]{1,100}", re.ASCII)
# By the template that reads them.
EVENTS: Final[Mapping[str, re.Pattern[str]]] = {
    "wechat_channels.event": re.compile(r"channels_ec_(order|aftersale)_[a-z_]{1,60}", re.ASCII),
    "mini.event": re.compile(r"trade_manage_[a-z_]{1,60}", re.ASCII),
}
# Messages have no number. Of these events an order has each but once in a second; of the others
# the whole content tells a repeat.
ONCE: Final = re.compile(r"channels_ec_order_(new|pay|cancel|wait_shipping|confirm|settle)")


class WechatMessages:
    """Opens and answers messages of WeChat, for one of its two kinds of application."""

    def __init__(self, followed: str, unknown: str) -> None:
        self._followed = followed
        self._unknown = unknown

    def open(self, account: WechatAppAccount, call: Call, now: datetime) -> Opened:
        """Return what the call says, once it is proved; always as JSON.

        Raises:
            RefusedError: it is not.
        """
        query = _query(call)
        _check_time(query, now)
        content = bounded(call.body)
        message = _message(content)
        if account.aes_key is not None:
            content = _unsealed(account, account.aes_key, query, string(message, "Encrypt"))
            message = _message(content)
        elif not _is_signed(account, query):
            raise RefusedError(Refusal.SIGNATURE, "signature is not the platform's")
        if content.lstrip().startswith(b"<"):
            content = json.dumps(message, ensure_ascii=False).encode()
        event = message.get("Event")
        events = EVENTS[self._followed]
        is_followed = isinstance(event, str) and events.fullmatch(event) is not None
        return Opened(
            template=self._followed if is_followed else self._unknown,
            message_id=_message_id(message),
            body=content,
            content_type=JSON,
            order_hint=_order(message),
        )

    def taken(self, call: Call) -> Answer:
        """Return what makes the platform stop."""
        return TAKEN

    def refused(self, call: Call, refusal: Refusal) -> Answer:
        """Return what a call gets that is not believed."""
        return Answer(STATUSES[refusal], NOT_TAKEN.body)

    def again(self, call: Call) -> Answer:
        """Return what makes the platform come again."""
        return NOT_TAKEN


def greeted(account: WechatAppAccount, call: Call, now: datetime) -> Answer | None:
    """Return the text by which the platform wants to see that the address is ours."""
    if call.method != "GET":
        return None
    try:
        query = _query(call)
        _check_time(query, now)
    except RefusedError:
        return None
    echo = query.get("echostr", "")
    if ECHO.fullmatch(echo) is None or not _is_signed(account, query):
        return None
    return Answer(200, echo.encode())


def _query(call: Call) -> dict[str, str]:
    return decoded(fields_of_form(call.query.encode("latin-1")), "ascii")


def _check_time(query: Mapping[str, str], now: datetime) -> None:
    timestamp = query.get("timestamp", "")
    if TIMESTAMP.fullmatch(timestamp) is None:
        raise malformed("timestamp is no time")
    if abs(now.timestamp() - int(timestamp)) > WINDOW_S:
        raise RefusedError(Refusal.STALE, "timestamp is more than 300 s off")


def _is_signed(account: WechatAppAccount, query: Mapping[str, str]) -> bool:
    own = signature(account.message_token, query["timestamp"], query.get("nonce", ""))
    return hmac.compare_digest(own.encode(), query.get("signature", "").encode())


def _message(content: bytes) -> dict[str, Any]:
    is_xml = content.lstrip().startswith(b"<")
    return object_of_xml(content) if is_xml else json_object(content)


def _unsealed(
    account: WechatAppAccount, key: bytes, query: Mapping[str, str], sealed: str
) -> bytes:
    own = signature(account.message_token, query["timestamp"], query.get("nonce", ""), sealed)
    if not hmac.compare_digest(own.encode(), query.get("msg_signature", "").encode()):
        raise RefusedError(Refusal.SIGNATURE, "msg_signature is not the platform's")
    try:
        content, app = unsealed(key, sealed)
    except SealBrokenError:
        raise RefusedError(Refusal.KEY_UNKNOWN, "Encrypt was sealed with another key") from None
    if app != account.app:
        raise RefusedError(Refusal.OTHER_ACCOUNT, "the appid in the seal is another")
    return content


def _order(message: Mapping[str, Any]) -> str:
    """Return the order, which some events name as a number and some as a text."""
    for holder in message.values():
        number = holder.get("order_id") if isinstance(holder, dict) else None
        if isinstance(number, int | str) and not isinstance(number, bool):
            return name(str(number))
    return ""


def _message_id(message: Mapping[str, Any]) -> str:
    event, order, at = message.get("Event"), _order(message), message.get("CreateTime")
    if not isinstance(event, str) or ONCE.fullmatch(event) is None or not order:
        return ""
    return name(f"{event}:{order}:{at}")
