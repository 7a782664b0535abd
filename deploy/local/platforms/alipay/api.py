"""Alipay's gateway: one address, the method in a parameter, failures under HTTP 200."""

from __future__ import annotations

import secrets
import urllib.parse
from collections.abc import Callable
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from deploy.local.platforms import certificates as certs
from deploy.local.platforms.accounts import Account, AlipayAccount
from deploy.local.platforms.alipay.writing import STATUSES, TIME, message, minor, serial, yuan
from deploy.local.platforms.behaviour import Fault
from deploy.local.platforms.front import Front, Question, RejectedError, Reply, plain
from deploy.local.platforms.signing import is_signed, sign
from deploy.local.platforms.trades import Refund, RefundState, RefusedError, Trade

METHODS: Final = {
    "alipay.trade.query": "query",
    "alipay.trade.refund": "refund",
    "alipay.trade.fastpay.refund.query": "refund_query",
}

REFUSALS: Final = {
    "reused": ("ACQ.DISCORDANT_REPEAT_REQUEST", "请求信息不一致"),
    "state": ("ACQ.TRADE_STATUS_ERROR", "交易状态不合法"),
    "amount": ("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "退款金额超限"),
}

MISSING: Final = "Missing Required Arguments"
INVALID: Final = "Invalid Arguments"
FAILED: Final = "Business Failed"
NO_TRADE: Final = ("40004", FAILED, "ACQ.TRADE_NOT_EXIST", "交易不存在")

BROKEN: Final = {
    Fault.TOO_MANY: ("40006", "ISV.REQUEST_LIMIT", "isv.app-call-limited", "应用调用次数超限"),
    Fault.SERVER_ERROR: ("20000", "Service Currently Unavailable", "aop.unknow-error", "系统错误"),
    Fault.ERROR_200: ("20000", "Service Currently Unavailable", "isp.unknow-error", "系统繁忙"),
}  # fmt: skip


class AlipayApi:
    """The gateway; what it signs is the object in the answer, byte for byte as it is sent."""

    provider = "alipay"
    signs_answers = True

    def __init__(self, front: Front) -> None:
        self._front = front

    def routes(self) -> list[BaseRoute]:
        """Return the gateway's one address."""
        return [self._front.route(self, "/gateway.do", ["GET", "POST"], self._read)]

    def seal(
        self, request: Request, account: Account | None, reply: Reply, *, wrongly: bool
    ) -> Response:
        """Wrap an answer in its envelope, and sign what is inside."""
        if reply.media_type == "text/html":
            return plain(reply)
        name = request.scope.get("alipay_method") or "error"
        parts = [f'"{name.replace(".", "_")}_response":'.encode() + reply.body]
        if isinstance(account, AlipayAccount):
            if account.certificate is not None:
                parts.append(f'"alipay_cert_sn":"{serial(account.certificate)}"'.encode())
            key = certs.forger() if wrongly else account.key
            parts.append(f'"sign":"{sign(key, reply.body)}"'.encode())
        body = b"{" + b",".join(parts) + b"}"
        return Response(body, reply.status, media_type="text/html;charset=utf-8")

    def broken(self, fault: Fault) -> Reply:
        """Answer as an overloaded gateway does: with HTTP 200."""
        return _error(*BROKEN[fault])

    def _read(self, request: Request, body: bytes) -> Question:
        params = _params(request, body)
        method = params.get("method", "")
        request.scope["alipay_method"] = method
        account = self._authenticate(params)
        if method not in METHODS:
            raise RejectedError(
                _error("40001", MISSING, "isv.missing-method", "方法名缺失"), account
            )
        try:
            content = orjson.loads(params["biz_content"])
            name = str(content.get("out_trade_no") or content["trade_no"])
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise RejectedError(
                _error("40002", INVALID, "isv.invalid-parameter", "参数无效"), account
            ) from error
        acts: dict[str, Callable[[], Reply]] = {
            "query": lambda: self._query(account, name),
            "refund": lambda: self._refund(account, name, content),
            "refund_query": lambda: self._refund_query(account, name, content),
        }
        operation = METHODS[method]
        return Question(operation, account, name, acts[operation])

    def _authenticate(self, params: dict[str, str]) -> AlipayAccount:
        """Return who signed the request.

        Raises:
            RejectedError: nobody whom we know, or not this request.
        """
        accounts = self._front.accounts(AlipayAccount)
        account = next((each for each in accounts if each.app == params.get("app_id")), None)
        if account is None:
            raise RejectedError(_error("40002", INVALID, "isv.invalid-app-id", "无效的AppID参数"))
        if account.certificate is not None and not _names_certificates(account, params):
            raise RejectedError(
                _error("40002", INVALID, "isv.invalid-cert-sn", "证书序列号无效"), account
            )
        if params.get("sign_type") != "RSA2":
            raise RejectedError(
                _error("40002", INVALID, "isv.invalid-signature-type", "无效签名类型"), account
            )
        signed = message(params, without=("sign",))
        if not is_signed(account.app_key, signed, params.get("sign", "")):
            raise RejectedError(
                _error("40002", INVALID, "isv.invalid-signature", "验签出错"), account
            )
        return account

    def _query(self, account: AlipayAccount, name: str) -> Reply:
        trade = self._find(account, name)
        if trade is None:
            return _error(*NO_TRADE)
        amount = yuan(trade.amount_minor)
        state = STATUSES[trade.state]
        succeeded = _refunded_minor(trade)
        if trade.is_paid and succeeded == trade.amount_minor:
            state = "TRADE_CLOSED"
        told = {
            "buyer_logon_id": "ifv***@sandbox.com",
            "buyer_pay_amount": amount if trade.paid else "0.00",
            "buyer_user_id": "2088722003899169",
            "buyer_user_type": "PRIVATE",
            "invoice_amount": amount if trade.paid else "0.00",
            "out_trade_no": trade.number,
            "point_amount": "0.00",
            "receipt_amount": amount if trade.paid else "0.00",
            "store_name": "线上/1号店",
            "total_amount": amount,
            "trade_no": trade.id,
            "trade_status": state,
        }
        if trade.paid is not None:
            told["send_pay_date"] = trade.paid.beijing(TIME)
        return _success(told)

    def _refund(self, account: AlipayAccount, name: str, content: dict[str, Any]) -> Reply:
        trade = self._find(account, name)
        if trade is None:
            return _error(*NO_TRADE)
        number = str(content.get("out_request_no") or trade.number)
        try:
            refund, is_new = self._front.desk.refund(
                trade,
                number=number,
                id=f"{trade.id}-{secrets.token_hex(4)}",
                amount_minor=minor(str(content.get("refund_amount", ""))),
            )
        except ValueError:
            return _error("40004", FAILED, "ACQ.INVALID_PARAMETER", "参数无效")
        except RefusedError as error:
            return _error("40004", FAILED, *REFUSALS[error.reason])
        told = {
            "buyer_logon_id": "ifv***@sandbox.com",
            "buyer_user_id": "2088722003899169",
            "fund_change": "Y" if is_new and refund.state is RefundState.SUCCEEDED else "N",
            "out_trade_no": trade.number,
            # All that went back of this trade so far.
            "refund_fee": yuan(trade.refunded_minor),
            "send_back_fee": yuan(refund.amount_minor if refund.settled else 0),
            "trade_no": trade.id,
        }
        return _success(told)

    def _refund_query(self, account: AlipayAccount, name: str, content: dict[str, Any]) -> Reply:
        number = str(content.get("out_request_no", ""))
        refund = self._front.desk.book.find_refund(self.provider, account.name, number)
        trade = self._find(account, name)
        if trade is None:
            return _error(*NO_TRADE)
        # One that does not exist is answered with success, too, and with nothing in it.
        if refund is None or refund.trade is not trade:
            return _success({})
        return _success(_refund_fields(refund))

    def _find(self, account: AlipayAccount, name: str) -> Trade | None:
        return self._front.desk.book.find(self.provider, account.name, name)


def _params(request: Request, body: bytes) -> dict[str, str]:
    """Return the parameters, which may come in the address, in the body or in both."""
    params = dict(request.query_params)
    params.update(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True))
    return params


def _names_certificates(account: AlipayAccount, params: dict[str, str]) -> bool:
    """Whether the request names the app's certificate and the platform's root."""
    if account.app_certificate is None or account.root_certificate is None:
        return False
    return (params.get("app_cert_sn"), params.get("alipay_root_cert_sn")) == (
        serial(account.app_certificate),
        serial(account.root_certificate),
    )


def _refund_fields(refund: Refund) -> dict[str, str]:
    told = {
        "out_request_no": refund.number,
        "out_trade_no": refund.trade.number,
        "refund_amount": yuan(refund.amount_minor),
        "total_amount": yuan(refund.trade.amount_minor),
        "trade_no": refund.trade.id,
    }
    if refund.settled is not None and refund.state is RefundState.SUCCEEDED:
        told["refund_status"] = "REFUND_SUCCESS"
        told["gmt_refund_pay"] = refund.settled.beijing(TIME)
    return told


def _refunded_minor(trade: Trade) -> int:
    done = RefundState.SUCCEEDED
    return sum(each.amount_minor for each in trade.refunds.values() if each.state is done)


def _success(fields: dict[str, str]) -> Reply:
    return Reply(200, _written({"code": "10000", "msg": "Success", **fields}))


def _error(code: str, msg: str, sub_code: str, sub_msg: str) -> Reply:
    told = {"code": code, "msg": msg, "sub_code": sub_code, "sub_msg": sub_msg}
    return Reply(200, _written(told), reason=sub_code)


def _written(fields: dict[str, str]) -> bytes:
    # Slashes are escaped, as the real gateway does: who writes the JSON anew cannot verify it.
    return orjson.dumps(fields).replace(b"/", b"\\/")
