"""Providers' sides of a query: they answer what a test scripted, signed with keys of the tests'."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx2

from clients.connectors.amounts import Amount
from clients.connectors.inquiry import Finding, Kind, NothingLearntError, Question, Result
from clients.connectors.web import Web, new_client
from clients.providers.accounts.account import Account
from tests.unit.clients.providers.key_ring import NOW, certified, rsa_key, signed
from tests.unit.clients.providers.platforms import unionpay_certificate, unionpay_fields

# An answer, a failure of the connection, or what makes one of the request.
Answer = httpx2.Response | Exception | Callable[[httpx2.Request], httpx2.Response]


@dataclass
class Provider(httpx2.AsyncBaseTransport):
    """The other end of every connection: gives one scripted answer for each request."""

    answers: list[Answer] = field(default_factory=list)
    requests: list[httpx2.Request] = field(default_factory=list)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer(request) if callable(answer) else answer

    @property
    def form(self) -> dict[str, str]:
        """The fields of the last request."""
        return dict(httpx2.QueryParams(self.requests[-1].content.decode()))


def a_web(provider: Provider, timeout_s: float = 5.0) -> Web:
    return Web(
        new_client(4, timeout_s=timeout_s, transport=provider),
        timeout_s=timeout_s,
        clock=lambda: NOW,
    )


def a_question(**changes: object) -> Question:
    given: dict[str, Any] = {"kind": Kind.PAYMENT, "trade": "T-1", "since": NOW}
    return Question(**(given | changes))


def a_refund_question(**changes: object) -> Question:
    given: dict[str, Any] = {
        "kind": Kind.REFUND,
        "refund": "R-1",
        "payment": "4200000000000000000000000001",
        "amount": Amount(40, "CNY"),
        "total": Amount(100, "CNY"),
    }
    return a_question(**(given | changes))


async def found(connector: Any, account: Account, question: Question) -> Finding:  # noqa: ANN401
    """Ask, and return what came of it either way."""
    try:
        finding: Finding = await connector.ask(account, question)
    except NothingLearntError as error:
        finding = error.finding
        assert finding.evidence is None
    return finding


def said(finding: Finding) -> tuple[Result, str]:
    return finding.result, finding.code


def of_wechatpay(
    told: Mapping[str, Any] | bytes,
    status: int = 200,
    *,
    at: datetime = NOW,
    key: str = "wechatpay platform",
    **headers: str,
) -> httpx2.Response:
    """Return an answer signed by WeChat Pay, or with another key."""
    body = told if isinstance(told, bytes) else json.dumps(told, ensure_ascii=False).encode()
    timestamp, nonce = str(int(at.timestamp())), "EcZ9Cmy4Xyx1i6RlJQzLcCyEqDa26NBz"
    text = f"{timestamp}\n{nonce}\n".encode() + body + b"\n"
    return httpx2.Response(
        status,
        content=body,
        headers={
            "Content-Type": "application/json",
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": f"{certified('wechatpay platform').serial_number:X}",
            "Wechatpay-Signature": signed(rsa_key(key), text),
            **headers,
        },
    )


def of_alipay(method: str, told: Mapping[str, Any], key: str = "alipay") -> httpx2.Response:
    """Return an answer signed by Alipay, or with another key; as it is sent, as HTML."""
    inner = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    signature = signed(rsa_key(key), inner.encode())
    body = f'{{"{method.replace(".", "_")}_response":{inner},"sign":"{signature}"}}'
    return httpx2.Response(
        200, content=body.encode(), headers={"Content-Type": "text/html;charset=utf-8"}
    )


def of_unionpay(told: Mapping[str, str], key: str = "") -> httpx2.Response:
    """Return an answer signed by UnionPay, or with another key; not url-encoded."""
    given = {
        "version": "5.1.0",
        "encoding": "UTF-8",
        "signMethod": "01",
        "merId": "777290058110048",
        **told,
    }
    fields = unionpay_fields(given, unionpay_certificate(), key)
    body = "&".join(f"{name}={value}" for name, value in fields.items())
    return httpx2.Response(
        200, content=body.encode(), headers={"Content-Type": "text/html;charset=UTF-8"}
    )


def of_stripe(told: Mapping[str, Any], status: int = 200, **headers: str) -> httpx2.Response:
    return httpx2.Response(status, json=told, headers=headers)


def an_html_page(status: int = 200) -> httpx2.Response:
    return httpx2.Response(status, html="<html><body>502 Bad Gateway</body></html>")
