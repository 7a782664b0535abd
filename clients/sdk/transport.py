"""Makes calls over a channel: the only two places that differ between blocking and asyncio."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import Message

from clients.sdk.calls import Call, Feed, Pages, Upload
from clients.sdk.errors import Failure, MessageTooLargeError
from clients.sdk.line import Line
from clients.sdk.metadata import ANYBODY, Identity, headers
from clients.sdk.paging import AsyncListing, Listing
from clients.sdk.policy import DEADLINE_S, MESSAGE_BYTES_MAX
from clients.sdk.watching import AsyncWatch, Resumption, Watch
from clients.sdk.wire_errors import from_rpc


@dataclass(frozen=True)
class Options:
    """What holds for every call of a client."""

    identity: Identity = ANYBODY
    timeout_s: float = DEADLINE_S

    def of(self, timeout_s: float | None = None) -> dict[str, Any]:
        """Return gRPC's arguments for a call with this deadline, or with the default one."""
        return {"timeout": timeout_s or self.timeout_s, "metadata": headers(self.identity)}


def refuse_too_large(request: Message) -> None:
    """Refuse what the server would refuse: gRPC's own answer looks like an overload.

    Raises:
        MessageTooLargeError: the request is larger than the server takes.
    """
    size = request.ByteSize()
    if size > MESSAGE_BYTES_MAX:
        text = f"the request has {size:,} bytes, and at most {MESSAGE_BYTES_MAX:,} are taken"
        code, reason = grpc.StatusCode.RESOURCE_EXHAUSTED, MessageTooLargeError.REASON
        raise MessageTooLargeError(Failure(code, reason, text))


class BlockingTransport:
    """Makes calls that return their answers."""

    def __init__(self, line: Line[grpc.Channel], options: Options) -> None:
        self.line = line
        self.options = options

    def unary(self, call: Call[Any]) -> Any:  # noqa: ANN401
        refuse_too_large(call.request)
        method = getattr(self.line.stub(call.stub), call.method)
        try:
            return method(call.request, **self.options.of(call.timeout_s))
        except grpc.RpcError as error:
            raise from_rpc(error) from error

    def listing(self, pages: Pages[Any]) -> Listing[Any]:
        def fetch(request: Message) -> Any:  # noqa: ANN401
            return self.unary(Call(pages.first.stub, pages.first.method, request))

        return Listing(pages.first.request, pages.items, fetch)

    def watch(self, feed: Feed[Any]) -> Watch[Any]:
        def start(request: Message) -> Any:  # noqa: ANN401
            method = getattr(self.line.stub(feed.call.stub), feed.call.method)
            return method(request, metadata=headers(self.options.identity))

        resumption = Resumption(feed.call.request, has_cursor=feed.has_cursor)
        return Watch(resumption, feed.is_news, start)

    def upload(self, upload: Upload[Any]) -> Any:  # noqa: ANN401
        if not isinstance(upload.requests, Iterable):
            raise TypeError("an asynchronous iterator needs AsyncConcord")
        method = getattr(self.line.stub(upload.stub), upload.method)
        try:
            return method(iter(upload.requests), **self.options.of(upload.timeout_s))
        except grpc.RpcError as error:
            raise from_rpc(error) from error


class AsyncTransport:
    """Makes calls that return awaitables."""

    def __init__(self, line: Line[grpc.aio.Channel], options: Options) -> None:
        self.line = line
        self.options = options

    async def unary(self, call: Call[Any]) -> Any:  # noqa: ANN401
        refuse_too_large(call.request)
        method = getattr(self.line.stub(call.stub), call.method)
        try:
            return await method(call.request, **self.options.of(call.timeout_s))
        except grpc.RpcError as error:
            raise from_rpc(error) from error

    def listing(self, pages: Pages[Any]) -> AsyncListing[Any]:
        async def fetch(request: Message) -> Any:  # noqa: ANN401
            return await self.unary(Call(pages.first.stub, pages.first.method, request))

        return AsyncListing(pages.first.request, pages.items, fetch)

    def watch(self, feed: Feed[Any]) -> AsyncWatch[Any]:
        def start(request: Message) -> Any:  # noqa: ANN401
            method = getattr(self.line.stub(feed.call.stub), feed.call.method)
            return method(request, metadata=headers(self.options.identity))

        resumption = Resumption(feed.call.request, has_cursor=feed.has_cursor)
        return AsyncWatch(resumption, feed.is_news, start)

    async def upload(self, upload: Upload[Any]) -> Any:  # noqa: ANN401
        method = getattr(self.line.stub(upload.stub), upload.method)
        try:
            return await method(upload.requests, **self.options.of(upload.timeout_s))
        except grpc.RpcError as error:
            raise from_rpc(error) from error
