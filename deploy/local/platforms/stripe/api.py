"""Stripe's API: payment intents and refunds; what has an idempotency key is done once."""

from __future__ import annotations

import base64
import binascii
import urllib.parse
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from deploy.local.platforms.accounts import Account, StripeAccount
from deploy.local.platforms.behaviour import Fault
from deploy.local.platforms.front import Front, Question, RejectedError, Reply, as_json, plain
from deploy.local.platforms.stripe import wording
from deploy.local.platforms.trades import Refund, RefusedError, Trade, letters

BROKEN: Final = {
    Fault.TOO_MANY: (429, "invalid_request_error", "rate_limit", "Too many requests"),
    Fault.SERVER_ERROR: (500, "api_error", "", "An unknown error occurred"),
    Fault.ERROR_200: (503, "api_error", "", "Service unavailable"),
}

REFUSALS: Final = {
    "reused": ("idempotency_error", "idempotency_key_in_use", "Keys can only be used once"),
    "state": ("invalid_request_error", "charge_not_captured", "This has no successful charge"),
    "amount": ("invalid_request_error", "charge_already_refunded", "Greater than what is left"),
}


class StripeApi:
    """Who asks is known by a key; answers are not signed."""

    provider = "stripe"
    signs_answers = False

    def __init__(self, front: Front) -> None:
        self._front = front
        # By account and idempotency key: what was asked, and the answer to it.
        self._answered: dict[tuple[str, str], tuple[bytes, Reply]] = {}

    def routes(self) -> list[BaseRoute]:
        """Return the routes, at the same paths as the real ones."""
        route = self._front.route
        return [
            route(self, "/v1/payment_intents/{id}", ["GET"], self._intent),
            route(self, "/v1/refunds", ["POST"], self._create_refund),
            route(self, "/v1/refunds", ["GET"], self._list_refunds),
            route(self, "/v1/refunds/{id}", ["GET"], self._refund),
        ]

    def seal(
        self,
        request: Request,
        account: Account | None,
        reply: Reply,
        *,
        wrongly: bool,  # Nothing is signed.
    ) -> Response:
        """Return the answer as it is."""
        response = plain(reply)
        response.headers["Request-Id"] = f"req_{letters(14)}"
        return response

    def broken(self, fault: Fault) -> Reply:
        """Answer as an overloaded server does."""
        return _error(*BROKEN[fault])

    def _intent(self, request: Request, _: bytes) -> Question:
        account, name = self._authenticate(request), request.path_params["id"]

        def act() -> Reply:
            trade = self._find(account, name)
            return _missing(name) if trade is None else as_json(200, wording.intent(trade))

        return Question("query", account, self._number(account, name), act)

    def _create_refund(self, request: Request, body: bytes) -> Question:
        account = self._authenticate(request)
        fields = dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True))
        key = request.headers.get("idempotency-key") or letters(20)
        name = fields.get("payment_intent", "")

        def act() -> Reply:
            answered = self._answered.get((account.name, key))
            if answered is not None:
                asked, reply = answered
                if asked != body:
                    return _error(400, *REFUSALS["reused"])
                headers = {"Idempotent-Replayed": "true"}
                return Reply(reply.status, reply.body, reply.media_type, headers)
            reply = self._refund_now(account, name, fields)
            self._answered[account.name, key] = (body, reply)
            return reply

        return Question("refund", account, self._number(account, name), act)

    def _refund_now(self, account: StripeAccount, name: str, fields: dict[str, str]) -> Reply:
        trade = self._find(account, name)
        if trade is None:
            return _missing(name)
        left = trade.amount_minor - trade.refunded_minor
        amount = fields.get("amount") or str(left)
        if not amount.isdigit():
            return _error(400, "invalid_request_error", "parameter_invalid_integer", "Invalid")
        refund_id = f"re_3{letters(23)}"
        metadata = {
            field[len("metadata[") : -1]: value
            for field, value in fields.items()
            if field.startswith("metadata[")
        }
        try:
            # Stripe knows refunds by its own numbers alone.
            refund, _ = self._front.desk.refund(
                trade, number=refund_id, id=refund_id, amount_minor=int(amount), metadata=metadata
            )
        except RefusedError as error:
            return _error(400, *REFUSALS[error.reason])
        return as_json(200, wording.refund(refund))

    def _list_refunds(self, request: Request, _: bytes) -> Question:
        account = self._authenticate(request)
        name = request.query_params.get("payment_intent", "")

        def act() -> Reply:
            trade = self._find(account, name)
            newest_first = reversed(trade.refunds.values()) if trade else ()
            listed = [wording.refund(each) for each in newest_first]
            content = {"object": "list", "data": listed, "has_more": False, "url": "/v1/refunds"}
            return as_json(200, content)

        return Question("refund_query", account, self._number(account, name), act)

    def _refund(self, request: Request, _: bytes) -> Question:
        account, name = self._authenticate(request), request.path_params["id"]

        def act() -> Reply:
            refund = self._front.desk.book.find_refund(self.provider, account.name, name)
            if not isinstance(refund, Refund):
                return _missing(name)
            return as_json(200, wording.refund(refund))

        return Question("refund_query", account, name, act)

    def _find(self, account: StripeAccount, name: str) -> Trade | None:
        trade = self._front.desk.book.find(self.provider, account.name, name)
        # Our number is no name of an intent to Stripe.
        return trade if trade is not None and trade.id == name else None

    def _number(self, account: StripeAccount, name: str) -> str:
        """Return our number of an intent, which behaviour and records are kept by."""
        trade = self._find(account, name)
        return trade.number if trade else name

    def _authenticate(self, request: Request) -> StripeAccount:
        """Return whose key it is.

        Raises:
            RejectedError: nobody's.
        """
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                given = base64.b64decode(given).decode().partition(":")[0]
            except (binascii.Error, UnicodeDecodeError):
                given = ""
        for account in self._front.accounts(StripeAccount):
            if given == account.api_key:
                return account
        raise RejectedError(
            _error(401, "invalid_request_error", "", "Invalid API Key provided: sk_test_****")
        )


def _missing(name: str) -> Reply:
    return _error(404, "invalid_request_error", "resource_missing", f"No such object: '{name}'")


def _error(status: int, kind: str, code: str, message: str) -> Reply:
    error = {"type": kind, "message": message, **({"code": code} if code else {})}
    return as_json(status, {"error": error}, reason=code or kind)
