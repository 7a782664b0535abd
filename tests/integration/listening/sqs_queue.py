"""A queue of Amazon SQS: hides what it gave, gives it again, deletes by the handle of that giving.

It is strict: who asks must prove it, and each deletion is held against what the service of ours
holds at that moment.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from clients.connectors.listening.sigv4 import Signer

URL = "https://sqs.us-east-1.amazonaws.com/123456789012/order-changes"
SIGNER = Signer(key="AKIDEXAMPLE", secret="secret-of-the-queue", region="us-east-1", service="sqs")
SELLER = "A3TH9S8BH6GOGM"


@dataclass
class Kept:
    """One message in the queue."""

    body: str
    is_hidden: bool = False
    handles: set[str] = field(default_factory=set)
    number: str = ""


@dataclass
class Queue:
    """Answers as an ASGI application."""

    is_durable: Callable[[str], bool]
    """Whether there is a receipt with this body."""
    messages: dict[str, Kept] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    early: list[str] = field(default_factory=list)
    """Deleted, and not durable: lost, if we had died then."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    failures: list[Response] = field(default_factory=list)
    """Given instead of the next answers."""
    undeletable: int = 0
    """So many of the next deletions fail."""
    spoilt: int = 0
    """So many of the next messages are changed on their way."""
    waiting: int = 0
    count: itertools.count[int] = field(default_factory=itertools.count)

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/", self._answer, methods=["POST"])])

    def put(self, body: str) -> str:
        number = f"m-{next(self.count)}"
        self.messages[number] = Kept(body, number=number)
        return number

    def notify(self, seller: str = SELLER) -> str:
        """Put a notification there; return its number, which is Amazon's, not the queue's."""
        number = f"n-{next(self.count)}"
        change = {"SellerId": seller, "AmazonOrderId": f"902-0000000-{len(self.messages):07d}"}
        told = {
            "NotificationType": "ORDER_CHANGE",
            "Payload": {"OrderChangeNotification": change},
            "NotificationMetadata": {"NotificationId": number},
        }
        self.put(json.dumps(told))
        return number

    def show_again(self) -> None:
        """Let the half minute pass for which messages are hidden."""
        for each in self.messages.values():
            each.is_hidden = False

    async def _answer(self, request: Request) -> Response:
        body = await request.body()
        if not self._is_proved(request, body):
            told = {"__type": "com.amazonaws.sqs#SignatureDoesNotMatch", "message": "no"}
            return JSONResponse(told, 403)
        if self.failures:
            return self.failures.pop(0)
        asked = json.loads(body)
        assert asked["QueueUrl"] == URL
        self.asked.append(asked)
        action = request.headers["x-amz-target"]
        if action == "AmazonSQS.ReceiveMessage":
            return JSONResponse(await self._receive(asked))
        assert action == "AmazonSQS.DeleteMessageBatch"
        return JSONResponse(self._delete(asked["Entries"]))

    def _is_proved(self, request: Request, body: bytes) -> bool:
        told = request.headers
        at = datetime.strptime(told["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        headers = {name: told[name] for name in ("content-type", "x-amz-target")}
        url = f"https://{told['host']}/"
        expected = SIGNER.headers("POST", url, headers, body, at)
        is_now = abs((datetime.now(tz=UTC) - at).total_seconds()) < 300
        return is_now and expected["authorization"] == told["authorization"]

    async def _receive(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.waiting += 1
        try:
            async with asyncio.timeout(asked["WaitTimeSeconds"]):
                while not (found := self._visible()):  # noqa: ASYNC110  # Tests put at will.
                    await asyncio.sleep(0.01)
        except TimeoutError:
            return {}
        finally:
            self.waiting -= 1
        return {"Messages": [self._given(each) for each in found[: asked["MaxNumberOfMessages"]]]}

    def _visible(self) -> list[Kept]:
        return [each for each in self.messages.values() if not each.is_hidden]

    def _given(self, kept: Kept) -> dict[str, str]:
        kept.is_hidden = True
        handle = f"{kept.number}#{next(self.count)}"
        kept.handles.add(handle)
        digest = hashlib.md5(kept.body.encode(), usedforsecurity=False).hexdigest()
        body = kept.body
        if self.spoilt:
            self.spoilt -= 1
            body = body.replace("902", "903")
        return {
            "MessageId": kept.number,
            "ReceiptHandle": handle,
            "MD5OfBody": digest,
            "Body": body,
        }

    def _delete(self, entries: list[dict[str, str]]) -> dict[str, Any]:
        done, failed = [], []
        assert 1 <= len(entries) <= 10
        for entry in entries:
            number = entry["ReceiptHandle"].partition("#")[0]
            if self.undeletable:
                self.undeletable -= 1
                failed.append({"Id": entry["Id"], "SenderFault": False, "Code": "InternalError"})
                continue
            if not self.is_durable(self.messages[number].body):
                self.early.append(number)
            del self.messages[number]
            self.deleted.append(number)
            done.append({"Id": entry["Id"]})
        return {"Successful": done, "Failed": failed}
