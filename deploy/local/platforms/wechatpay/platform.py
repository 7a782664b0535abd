"""WeChat Pay's notices, and what it makes of the answers."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import orjson
from starlette.routing import BaseRoute

from deploy.local.platforms import certificates as certs
from deploy.local.platforms.accounts import Account, SigningKey, WechatPayAccount
from deploy.local.platforms.clock import Moment
from deploy.local.platforms.front import Front
from deploy.local.platforms.notices import OK, Answer, Call, Content, Notice, Verdict, by_status
from deploy.local.platforms.trades import Event, Refund, RefundState, Trade, TradeState, digits
from deploy.local.platforms.wechatpay import sealing, wording
from deploy.local.platforms.wechatpay.api import WechatPayApi

V2: Final = "v2"

REFUND_EVENTS: Final = {
    RefundState.SUCCEEDED: "REFUND.SUCCESS",
    RefundState.CLOSED: "REFUND.CLOSED",
    RefundState.FAILED: "REFUND.ABNORMAL",
}

SUMMARIES: Final = {"TRANSACTION.SUCCESS": "支付成功", "REFUND.SUCCESS": "退款成功"}

STALE_S: Final = 3600

RETURN_CODE: Final = re.compile(r"<return_code>\s*(?:<!\[CDATA\[)?(\w+)")


class WechatPay:
    """WeChat Pay; trades of dialect `v2` have their notices in the XML of v2."""

    provider = "wechatpay"
    patience_s = 5.0
    forgeries: tuple[str, ...] = (
        "other_key",
        "changed_body",
        "stale",
        "unknown_serial",
        "signature_probe",
    )

    def __init__(self, front: Front, accounts: Callable[[], Mapping[str, Account]]) -> None:
        self._accounts = accounts
        self._api = WechatPayApi(front)

    def name_trade(self, trade: Trade) -> None:
        """Give it the number that its payment will have; a merchant learns that with it."""
        date = trade.created.beijing("%Y%m%d")
        trade.id = f"4200{digits(6)}{date}{digits(10)}"

    def name_refund(self, trade: Trade) -> str:
        """Give a refund its id."""
        return wording.refund_id(trade)

    def contents(self, event: Event, trade: Trade, refund: Refund | None) -> list[Content]:
        """Return the notice of a payment, or of a refund that has ended."""
        account = self._account(trade)
        is_v2 = trade.dialect == V2
        if event is Event.PAID:
            if is_v2:
                return [Content("v2.transaction", "", wording.v2_transaction(account, trade))]
            told = wording.transaction(account, trade)
            return [Content("TRANSACTION.SUCCESS", _notice_id(), told)]
        if event is Event.REFUND_SETTLED and refund is not None:
            if is_v2:
                return [Content("v2.refund", "", wording.v2_refund(refund))]
            told = wording.refund_resource(account, refund)
            return [Content(REFUND_EVENTS[refund.state], _notice_id(), told)]
        return []

    def call(self, notice: Notice, moment: Moment) -> Call:
        """Return one attempt: sealed and signed anew, under the key in use at this moment."""
        account = self._account(notice.trade)
        if notice.trade.dialect == V2:
            return self._v2_call(account, notice)
        body = self._envelope(account, notice.content, moment)
        return self._v3_call(notice.trade.notify_url, account.key(), body, moment.epoch_s())

    def forged(self, trade: Trade, kind: str, moment: Moment) -> Call:
        """Return a call that says that the trade is paid."""
        account = self._account(trade)
        lie = replace(trade, state=TradeState.PAID, paid=moment, refunds={})
        told = wording.transaction(account, lie)
        content = Content("TRANSACTION.SUCCESS", _notice_id(), told)
        body, key, at_s = self._envelope(account, content, moment), account.key(), moment.epoch_s()
        if kind in ("other_key", "unknown_serial"):
            key_id = key.id if kind == "other_key" else f"PUB_KEY_ID_0{digits(26)}"
            key = SigningKey(key_id, certs.forger())
        if kind == "stale":
            at_s -= STALE_S
        call = self._v3_call(trade.notify_url, key, body, at_s)
        if kind == "changed_body":
            return replace(call, body=body.replace(b'"summary":"', b'"summary":"!'))
        if kind == "signature_probe":
            probe = {"Wechatpay-Signature": f"WECHATPAY/SIGNTEST/{secrets.token_urlsafe(256)}"}
            return replace(call, headers={**call.headers, **probe})
        return call

    def verdict(self, notice: Notice, answer: Answer) -> Verdict:
        """Read v3 by its status, v2 by its body.

        A 200 with `FAIL` in its body stops v3's retries all the same, and whoever answers so
        believes that it does not: that is improper.
        """
        text = answer.body.decode(errors="replace")
        if notice.trade.dialect == V2:
            told = RETURN_CODE.search(text)
            is_success = answer.status == OK and told is not None and told[1] == "SUCCESS"
            return Verdict.TAKEN if is_success else Verdict.AGAIN
        verdict = by_status(answer)
        if verdict is Verdict.TAKEN and _code(text) == "FAIL":
            return Verdict.IMPROPER
        return verdict

    def routes(self) -> list[BaseRoute]:
        """Return API v3."""
        return self._api.routes()

    def _account(self, trade: Trade) -> WechatPayAccount:
        account = self._accounts()[trade.account]
        if not isinstance(account, WechatPayAccount):
            raise TypeError(f"{trade.account} is no account at WeChat Pay")
        return account

    def _envelope(self, account: WechatPayAccount, content: Content, moment: Moment) -> bytes:
        is_refund = content.kind.startswith("REFUND")
        original = "refund" if is_refund else "transaction"
        plaintext = orjson.dumps(content.fields)
        envelope: dict[str, Any] = {
            "id": content.id,
            "create_time": moment.rfc3339(),
            "resource_type": "encrypt-resource",
            "event_type": content.kind,
            "summary": SUMMARIES.get(content.kind, "退款异常"),
            "resource": {
                "original_type": original,
                **sealing.seal(account.api_v3_key, plaintext, original),
            },
        }
        return orjson.dumps(envelope)

    @staticmethod
    def _v3_call(url: str, key: SigningKey, body: bytes, at_s: int) -> Call:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Mozilla/4.0",
            **sealing.signed(key, body, at_s),
        }
        return Call(url, headers, body)

    @staticmethod
    def _v2_call(account: WechatPayAccount, notice: Notice) -> Call:
        fields = {**notice.content.fields, "nonce_str": secrets.token_hex(16)}
        if notice.content.kind == "v2.refund":
            sealed = sealing.v2_seal(account.api_v2_key, wording.xml("root", notice.content.fields))
            fields = {
                "return_code": "SUCCESS",
                "appid": account.app,
                "mch_id": account.merchant,
                "nonce_str": fields["nonce_str"],
                "req_info": sealed,
            }
        else:
            fields["sign"] = sealing.v2_sign(fields, account.api_v2_key)
        headers = {"Content-Type": "text/xml", "User-Agent": "Mozilla/4.0"}
        return Call(notice.trade.notify_url, headers, wording.xml("xml", fields))


def _notice_id() -> str:
    digest = secrets.token_hex(16)
    return "-".join((digest[:8], digest[8:12], f"5{digest[13:16]}", digest[16:20], digest[20:]))


def _code(text: str) -> str:
    try:
        told = json.loads(text)
    except ValueError:
        return ""
    return str(told.get("code", "")) if isinstance(told, dict) else ""
