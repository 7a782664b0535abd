"""WeChat Pay's API v3: queries, refunds and the list of certificates."""

from __future__ import annotations

from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from deploy.local.platforms import certificates as certs
from deploy.local.platforms.accounts import Account, SigningKey, WechatPayAccount
from deploy.local.platforms.behaviour import Fault
from deploy.local.platforms.front import Front, Question, RejectedError, Reply, as_json, plain
from deploy.local.platforms.signing import is_signed
from deploy.local.platforms.trades import RefusedError, Trade
from deploy.local.platforms.wechatpay import sealing, wording

# Of a request's timestamp, by the platform's clock.
WINDOW_S: Final = 300

REFUSALS: Final = {
    "reused": (400, "PARAM_ERROR", "订单金额或退款金额与之前请求不一致，请核实后再试"),
    "state": (400, "INVALID_REQUEST", "订单未支付，不可退款"),
    "amount": (400, "INVALID_REQUEST", "申请退款金额大于订单可退款金额"),
}

BROKEN: Final = {
    Fault.TOO_MANY: (429, "FREQUENCY_LIMITED", "频率超限"),
    Fault.SERVER_ERROR: (500, "SYSTEM_ERROR", "系统异常"),
    # There is no such thing in v3: what is not 2xx is a failure, and it says so.
    Fault.ERROR_200: (503, "SYSTEM_ERROR", "系统繁忙"),
}


class WechatPayApi:
    """What merchants may ask, each request signed by the merchant and each answer by us."""

    provider = "wechatpay"
    signs_answers = True

    def __init__(self, front: Front) -> None:
        self._front = front

    def routes(self) -> list[BaseRoute]:
        """Return the routes, at the same paths as the real ones."""
        pay, refunds = "/v3/pay/transactions", "/v3/refund/domestic/refunds"
        route = self._front.route
        return [
            route(self, f"{pay}/out-trade-no/{{number}}", ["GET"], self._query),
            route(self, f"{pay}/id/{{number}}", ["GET"], self._query),
            route(self, refunds, ["POST"], self._refund),
            route(self, f"{refunds}/{{number}}", ["GET"], self._refund_query),
            route(self, "/v3/certificates", ["GET"], self._certificates),
        ]

    def seal(
        self, request: Request, account: Account | None, reply: Reply, *, wrongly: bool
    ) -> Response:
        """Sign an answer with the key that the request names, else with that of notices."""
        response = plain(reply)
        if isinstance(account, WechatPayAccount) and reply.media_type.startswith("application"):
            key = account.key(request.headers.get("wechatpay-serial", ""))
            if wrongly:
                key = SigningKey(key.id, certs.forger())
            at_s = self._front.desk.clock.moment().epoch_s()
            response.headers.update(sealing.signed(key, reply.body, at_s))
        return response

    def broken(self, fault: Fault) -> Reply:
        """Answer as an overloaded server does."""
        return _error(*BROKEN[fault])

    def _query(self, request: Request, body: bytes) -> Question:
        account = self._authenticate(request, body)
        number = request.path_params["number"]
        if request.query_params.get("mchid") != account.merchant:
            raise RejectedError(_error(400, "PARAM_ERROR", "mchid 与签名的商户号不一致"), account)

        def act() -> Reply:
            trade = self._front.desk.book.find(self.provider, account.name, number)
            if trade is None or not _is_by(request, trade, number):
                return _error(404, "ORDER_NOT_EXIST", "订单不存在")
            return as_json(200, wording.transaction(account, trade))

        return Question("query", account, number, act)

    def _refund(self, request: Request, body: bytes) -> Question:
        account = self._authenticate(request, body)
        try:
            asked = orjson.loads(body)
            name = asked.get("out_trade_no") or asked["transaction_id"]
            number, amount = asked["out_refund_no"], asked["amount"]
            back, total = int(amount["refund"]), int(amount["total"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RejectedError(_error(400, "PARAM_ERROR", "参数错误"), account) from error

        def act() -> Reply:
            desk = self._front.desk
            trade = desk.book.find(self.provider, account.name, name)
            if trade is None:
                return _error(404, "RESOURCE_NOT_EXISTS", "订单不存在")
            if total != trade.amount_minor:
                return _error(*REFUSALS["reused"])
            try:
                refund, _ = desk.refund(
                    trade, number=number, id=wording.refund_id(trade), amount_minor=back
                )
            except RefusedError as error:
                return _error(*REFUSALS[error.reason])
            return as_json(200, wording.refund_answer(refund))

        return Question("refund", account, name, act)

    def _refund_query(self, request: Request, body: bytes) -> Question:
        account = self._authenticate(request, body)
        number = request.path_params["number"]

        def act() -> Reply:
            refund = self._front.desk.book.find_refund(self.provider, account.name, number)
            if refund is None:
                return _error(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
            return as_json(200, wording.refund_answer(refund))

        return Question("refund_query", account, number, act)

    def _certificates(self, request: Request, body: bytes) -> Question:
        account = self._authenticate(request, body)

        def act() -> Reply:
            listed: list[dict[str, Any]] = []
            for key in account.keys:
                if key.certificate is not None:
                    pem = certs.certificate_pem(key.certificate).encode()
                    listed.append(
                        {
                            "serial_no": key.id,
                            "effective_time": key.certificate.not_valid_before_utc.isoformat(),
                            "expire_time": key.certificate.not_valid_after_utc.isoformat(),
                            "encrypt_certificate": sealing.seal(
                                account.api_v3_key, pem, "certificate"
                            ),
                        }
                    )
            return as_json(200, {"data": listed})

        return Question("other", account, "", act)

    def _authenticate(self, request: Request, body: bytes) -> WechatPayAccount:
        """Return who signed the request.

        Raises:
            RejectedError: nobody whom we know, not this request, or not now.
        """
        fields = sealing.read_authorization(request.headers.get("authorization", ""))
        if not {"mchid", "nonce_str", "signature", "timestamp", "serial_no"} <= fields.keys():
            raise RejectedError(_error(401, "SIGN_ERROR", "Http头Authorization值格式错误"))
        account = next(
            (
                each
                for each in self._front.accounts(WechatPayAccount)
                if each.merchant == fields["mchid"] and each.merchant_serial == fields["serial_no"]
            ),
            None,
        )
        if account is None:
            raise RejectedError(_error(401, "SIGN_ERROR", "商户证书序列号有误"))
        timestamp, now_s = fields["timestamp"], self._front.desk.clock.moment().epoch_s()
        if not timestamp.isdigit() or abs(now_s - int(timestamp)) >= WINDOW_S:
            raise RejectedError(_error(401, "SIGN_ERROR", "Authorization 时间戳过期"), account)
        message = sealing.request_message(request.method, _target(request), fields, body)
        key = certs.key_of(account.merchant_certificate)
        if not is_signed(key, message, fields["signature"]):
            raise RejectedError(_error(401, "SIGN_ERROR", "错误的签名，验签失败"), account)
        return account


def _target(request: Request) -> str:
    """Return path and query as they came over the wire, which is what was signed."""
    path = bytes(request.scope["raw_path"]).decode("latin-1")
    query = bytes(request.scope["query_string"]).decode("latin-1")
    return f"{path}?{query}" if query else path


def _is_by(request: Request, trade: Trade, number: str) -> bool:
    """Whether the number is of the kind that the path asks by; an id exists once it is paid."""
    if "/out-trade-no/" in request.url.path:
        return trade.number == number
    return trade.id == number and trade.paid is not None


def _error(status: int, code: str, message: str) -> Reply:
    return as_json(status, {"code": code, "message": message}, reason=code)
