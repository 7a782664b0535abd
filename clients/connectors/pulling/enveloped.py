"""Gateways of one make, at Taobao, JD and Pinduoduo.

A form goes out in which every parameter is signed. What comes back as HTTP 200 is an object in an
envelope that is named after the method, or a failure in one that is called `error_response`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from clients.connectors.inquiry import Code, NothingLearntError, unreachable
from clients.connectors.pulling import bodies
from clients.connectors.pulling.calling import Caller, Request
from clients.connectors.pulling.signing import md5_signed
from clients.connectors.web import Reply

FORM: Final = "application/x-www-form-urlencoded; charset=utf-8"


def form(url: str, parameters: Mapping[str, str], secret: str) -> Request:
    """Return the request with these parameters, and the signature over all of them."""
    sent = {**parameters, "sign": md5_signed(parameters, secret)}
    return Request(
        method="POST", url=url, headers={"content-type": FORM}, body=urlencode(sent).encode()
    )


def reader(
    caller: Caller, envelope: str, failure: Callable[[object], NothingLearntError]
) -> Callable[[Reply], tuple[str, dict[str, Any]]]:
    """Return who reads an answer: its text, and what its envelope holds.

    Raises, when it reads:
        NothingLearntError: the platform refused, as `failure` understands it; or it answered
            what is no answer.
    """

    def read(reply: Reply) -> tuple[str, dict[str, Any]]:
        caller.refuse_failure(reply)
        told = bodies.parsed(reply.body)
        if "error_response" in told:
            raise failure(told["error_response"])
        found = told.get(envelope)
        if not isinstance(found, dict):
            raise unreachable(Code.MALFORMED)
        return reply.body.decode(), found

    return read
