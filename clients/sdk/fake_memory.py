"""What every part of the fake service needs: refusals, pages, a counting clock, repeats by id."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

T = TypeVar("T")

EPOCH: Final = datetime(2026, 11, 22, 8, tzinfo=UTC)
PAGE: Final = 50
# How soon a watch notices that its caller or its server is gone.
TICK_S: Final = 0.2


@dataclass(frozen=True)
class Refusal(Exception):  # noqa: N818  # Not an error of ours: an answer that refuses.
    """An answer that refuses, as the service would give it."""

    reason: str = ""
    code: grpc.StatusCode | None = None
    message: str = "refused"
    metadata: Mapping[str, str] = field(default_factory=dict)
    violations: Mapping[str, str] = field(default_factory=dict)
    trace_id: str = ""


def refusal(reason: str, **metadata: str) -> Refusal:
    """Return a refusal for a reason of the contract, with its variables."""
    return Refusal(reason, message=reason.lower().replace("_", " "), metadata=metadata)


class Memory:
    """Answers calls by the method of its name; time is told by the number of changes."""

    def __init__(self) -> None:
        self._answered: dict[str, tuple[bytes, Any]] = {}
        self._changed = threading.Condition(threading.RLock())
        self._closed = False
        self._ticks = 0

    def close(self) -> None:
        """End every watch."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def answer(self, method: MethodDescriptor, request: Any, context: Any) -> Any:  # noqa: ANN401
        """Answer one call; the same request id and body gives the same answer."""
        handle = self._handler(method.name)
        if handle is None:
            return Refusal(code=grpc.StatusCode.UNIMPLEMENTED, message=f"{method.name}: no model")
        if method.server_streaming:
            return handle(request, context)
        with self._changed:
            request_id = getattr(request, "request_id", "")
            if request_id in self._answered:
                body, answer = self._answered[request_id]
                if body != method.name.encode() + request.SerializeToString():
                    return refusal("REQUEST_ID_REUSED", requestId=request_id)
                return answer
            try:
                answer = handle(request)
            except Refusal as refused:
                answer = refused
            if isinstance(answer, Message):
                copy = type(answer)()
                copy.CopyFrom(answer)
                answer = copy
            if request_id:
                body = method.name.encode() + request.SerializeToString()
                self._answered[request_id] = body, answer
            self._changed.notify_all()
            return answer

    def _handler(self, method: str) -> Callable[..., Any] | None:
        snake = re.sub(r"(?<!^)(?=[A-Z])", "_", method).lower()
        return getattr(self, snake, None)

    def _now(self) -> datetime:
        self._ticks += 1
        return EPOCH + timedelta(seconds=self._ticks)


def page_of(items: list[Any], request: Any) -> tuple[list[Any], str]:  # noqa: ANN401
    """Return the page that the request asks for, and the token of the next one."""
    try:
        start = int(request.page_token or 0)
    except ValueError:
        raise refusal("CURSOR_INVALID", token=request.page_token) from None
    end = start + (request.page_size or PAGE)
    return items[start:end], str(end) if end < len(items) else ""


def stamp(at: datetime) -> Timestamp:
    """Return the time as a message."""
    message = Timestamp()
    message.FromDatetime(at)
    return message
