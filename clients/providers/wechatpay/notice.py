"""Callbacks of WeChat Pay; version 3 is told by its headers, version 2 by its XML."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from clients.providers.accounts.account import WechatPayAccount
from clients.providers.calls import JSON, STATUSES, Answer, Call, Opened, Refusal
from clients.providers.wechatpay import version2, version3

XML: Final = "text/xml; charset=utf-8"
TAKEN: Final = Answer(200, '{"code":"SUCCESS","message":"成功"}'.encode(), JSON)
# Version 3 looks at the status alone: 200 with FAIL would stop it, and the notice were lost.
NOT_TAKEN: Final = Answer(503, '{"code":"FAIL","message":"失败"}'.encode(), JSON)
# Version 2 looks at the body.
TAKEN_2: Final = Answer(
    200,
    b"<xml><return_code><![CDATA[SUCCESS]]></return_code>"
    b"<return_msg><![CDATA[OK]]></return_msg></xml>",
    XML,
)
NOT_TAKEN_2: Final = Answer(
    503,
    b"<xml><return_code><![CDATA[FAIL]]></return_code>"
    b"<return_msg><![CDATA[FAIL]]></return_msg></xml>",
    XML,
)


class WechatPay:
    """Opens and answers the callbacks of WeChat Pay."""

    def open(self, account: WechatPayAccount, call: Call, now: datetime) -> Opened:
        """Return what the call says, once it is proved.

        Raises:
            RefusedError: it is not.
        """
        if _is_version_2(call):
            return version2.opened(account, call)
        return version3.opened(account, call, now)

    def taken(self, call: Call) -> Answer:
        """Return what makes the platform stop."""
        return TAKEN_2 if _is_version_2(call) else TAKEN

    def refused(self, call: Call, refusal: Refusal) -> Answer:
        """Return what a call gets that is not believed."""
        told = self.again(call)
        return Answer(STATUSES[refusal], told.body, told.content_type)

    def again(self, call: Call) -> Answer:
        """Return what makes the platform come again."""
        return NOT_TAKEN_2 if _is_version_2(call) else NOT_TAKEN


def _is_version_2(call: Call) -> bool:
    if "wechatpay-signature" in call.headers:
        return False
    # A call that is turned away before its body was read is told by its type.
    is_xml = not call.body and "xml" in call.headers.get("content-type", "")
    return is_xml or call.body.lstrip().startswith(b"<")
