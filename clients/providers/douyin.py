"""Pushes of Douyin's shops (抖店): a list of messages, signed as a whole with the application."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, Final

from clients.providers.accounts.shops import DouyinAccount
from clients.providers.calls import JSON, STATUSES, Answer, Call, Opened, Refusal, RefusedError
from clients.providers.parsing import json_object, json_objects, malformed, name

TAKEN: Final = Answer(200, b'{"code":0,"msg":"success"}', JSON)
# The platform's own words for it; any code but 0 brings the push again.
NOT_TAKEN: Final = Answer(503, '{"code":40041,"message":"解析推送数据失败"}'.encode(), JSON)

# The platform gathers some; a hundred are a whole page of any of its lists.
MESSAGES_MAX: Final = 100


class Douyin:
    """Opens and answers the pushes of Douyin's shops."""

    def open(self, account: DouyinAccount, call: Call, now: object) -> Opened:
        """Return what the call says, once it is proved.

        Raises:
            RefusedError: it is not.
        """
        messages = json_objects(call.body)
        given = call.headers.get("event-sign", "")
        own = signature(account.app_key, account.app_secret, call.body)
        if not hmac.compare_digest(own.encode(), given.encode()):
            raise RefusedError(Refusal.SIGNATURE, "event-sign is not the platform's")
        if call.headers.get("app-id", account.app_key) != account.app_key:
            raise RefusedError(Refusal.OTHER_ACCOUNT, "app-id is another")
        if not 0 < len(messages) <= MESSAGES_MAX:
            raise malformed("body is no list of messages")
        contents = [_content(message) for message in messages]
        for content in contents:
            shop = content.get("shop_id")
            if account.shop and shop is not None and str(shop) != account.shop:
                raise RefusedError(Refusal.OTHER_ACCOUNT, "shop_id is another")
        return Opened(
            template="douyin.push",
            message_id=_message_id(messages[0]) if len(messages) == 1 else "",
            body=call.body,
            content_type=JSON,
            order_hint=_text(contents[0].get("p_id")),
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


def signature(app_key: str, app_secret: str, body: bytes) -> str:
    """Return the signature: MD5 over the body between the application's key and secret."""
    return hashlib.md5(app_key.encode() + body + app_secret.encode()).hexdigest()  # noqa: S324  # The platform's choice.


def _content(message: dict[str, Any]) -> dict[str, Any]:
    """Return what the message is about, which some bring along as JSON in a text."""
    content = message.get("data")
    if isinstance(content, str) and content.lstrip().startswith("{"):
        return json_object(content)
    return content if isinstance(content, dict) else {}


def _message_id(message: dict[str, Any]) -> str:
    return _text(message.get("msg_id", message.get("msgId")))


def _text(found: object) -> str:
    """Return an id as text; the platform writes some as numbers."""
    return name(str(found) if type(found) is int else found)
