"""Hears what Amazon puts into a merchant's queue (SQS): notifications of changed orders.

1. The queue is asked for up to ten messages, and waits up to twenty seconds for one. Whoever has
   them is left alone with them for half a minute. If we crash here, they come again.
2. Their receipts are made durable. If we crash here, they come again, and are known by number.
3. They are deleted. One that the queue does not delete comes again.

A message that is no notification, or another seller's, is kept unread and deleted: left there, it
would come again for days.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import structlog

from clients.connectors.inquiry import Clock, Code, NothingLearntError, unreachable
from clients.connectors.listening.desk import BrokenError, Line
from clients.connectors.listening.keeping import Heard, Keeper
from clients.connectors.listening.sigv4 import Signer
from clients.connectors.messages import word
from clients.connectors.pulling import bodies
from clients.connectors.web import Reply, Web
from clients.providers.accounts.shops import AmazonAccount
from clients.providers.amazon import opened
from clients.providers.calls import RefusedError

# Of these, the service gives no more; so do we not ask longer than it waits.
TOGETHER_MAX: Final = 10
WAIT_S: Final = 20
# Of an outage of our service that is longer, messages come again, and are known.
HIDDEN_S: Final = 30
UNREAD: Final = "amazon.unknown"
CONTENT_TYPE: Final = "application/x-amz-json-1.0"
TARGET: Final = "AmazonSQS"
# Ten messages of a quarter of a mebibyte, written as JSON texts.
ANSWER_BYTES_MAX: Final = 8 * 1024 * 1024

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the queue."""

    number: str
    handle: str
    """By which it is deleted; another one each time that it comes."""
    body: str


class SqsListener:
    """`Listener` of Amazon's queues."""

    provider: Final = "amazon"

    def __init__(self, keeper: Keeper, web: Web, clock: Clock) -> None:
        self._keeper = keeper
        self._web = web
        """It waits longer than the queue does, and takes `ANSWER_BYTES_MAX`."""
        self._clock = clock

    def line_of(self, account: AmazonAccount) -> Hashable | None:
        """Return the queue, which sellers may share."""
        return account.queue or None

    async def listen(
        self, accounts: tuple[AmazonAccount, ...], line: Line, stop: asyncio.Event
    ) -> None:
        """Empty the queue until told to stop; what was taken out by then is kept and deleted.

        Raises:
            BrokenError: the queue cannot be asked.
        """
        try:
            while not stop.is_set():
                messages = await self._receive_unless(stop, accounts[0])
                if messages is None:
                    return
                if not line.has_heard:
                    line.has_heard = True
                    line.opened()
                if messages:
                    await self._take(accounts, messages)
        except NothingLearntError as error:
            raise BrokenError(word(error.finding.code)) from error

    async def _receive_unless(
        self, stop: asyncio.Event, account: AmazonAccount
    ) -> list[Message] | None:
        """Return what the queue gave; None: told to stop, and it gave nothing until then."""
        asking = asyncio.create_task(self._receive(account))
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({asking, stopped}, return_when=asyncio.FIRST_COMPLETED)
            return asking.result() if asking.done() else None
        finally:
            asking.cancel()
            stopped.cancel()
            await asyncio.gather(asking, stopped, return_exceptions=True)

    async def _take(self, accounts: tuple[AmazonAccount, ...], messages: Sequence[Message]) -> None:
        kept = await self._keeper.keep([_heard(accounts, each) for each in messages])
        durable = [each for each, is_kept in zip(messages, kept, strict=True) if is_kept]
        if durable:
            await self._delete(accounts[0], durable)

    async def _receive(self, account: AmazonAccount) -> list[Message]:
        told = await self._ask(
            account,
            "ReceiveMessage",
            {
                "MaxNumberOfMessages": TOGETHER_MAX,
                "WaitTimeSeconds": WAIT_S,
                "VisibilityTimeout": HIDDEN_S,
            },
        )
        return [_message(each) for each in told.get("Messages") or ()]

    async def _delete(self, account: AmazonAccount, messages: Sequence[Message]) -> None:
        entries = [
            {"Id": str(index), "ReceiptHandle": each.handle} for index, each in enumerate(messages)
        ]
        told = await self._ask(account, "DeleteMessageBatch", {"Entries": entries})
        if failed := told.get("Failed"):
            log.warning("messages_not_deleted", provider=self.provider, count=len(failed))

    async def _ask(
        self, account: AmazonAccount, action: str, asked: dict[str, Any]
    ) -> dict[str, Any]:
        parts = urlsplit(account.queue)
        url = f"{parts.scheme}://{parts.netloc}/"
        body = json.dumps({"QueueUrl": account.queue, **asked}).encode()
        signer = Signer(
            key=account.queue_key,
            secret=account.queue_secret,
            region=account.queue_region,
            service="sqs",
        )
        headers = {"content-type": CONTENT_TYPE, "x-amz-target": f"{TARGET}.{action}"}
        proved = signer.headers("POST", url, headers, body, self._clock())
        reply = await self._web.send("POST", url, headers=proved, body=body)
        return _told(self._web, reply)


def _told(web: Web, reply: Reply) -> dict[str, Any]:
    web.refuse_failure(reply)
    told = bodies.parsed(reply.body)
    if not reply.is_good:
        # `com.amazonaws.sqs#QueueDoesNotExist`
        raise unreachable(str(told.get("__type", reply.status)).rpartition("#")[2])
    return told


def _message(told: object) -> Message:
    number, handle, body = (
        bodies.at(told, each) for each in ("MessageId", "ReceiptHandle", "Body")
    )
    if not all(isinstance(each, str) and each for each in (number, handle, body)):
        raise unreachable(Code.MALFORMED)
    digest = hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
    if bodies.at(told, "MD5OfBody") != digest:
        raise unreachable(Code.MALFORMED)
    return Message(number, handle, body)


def _heard(accounts: tuple[AmazonAccount, ...], message: Message) -> Heard:
    """Return what a message says, and to whom; unread, where that is to none of them."""
    body = message.body.encode()
    for account in accounts:
        try:
            told = opened(account, body)
        except RefusedError:
            continue
        return Heard(
            account=account.name,
            template=told.template,
            message_id=told.message_id,
            body=body,
            order=told.order_hint,
        )
    return Heard(
        account=accounts[0].name, template=UNREAD, message_id=f"sqs-{message.number}", body=body
    )
