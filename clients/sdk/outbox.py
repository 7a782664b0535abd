"""The outbox: what waits to be published, and what could not be."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message

from clients.sdk.calls import Call, M, Pages, SubClient, listed, unary
from clients.sdk.policy import LONG_DEADLINE_S
from concord.outbox.v1 import outbox_service_pb2 as api
from concord.outbox.v1.outbox_service_pb2_grpc import OutboxServiceStub


class Outbox(SubClient[M]):
    """`OutboxService`."""

    @unary
    def get(self) -> Call[api.Outbox]:
        """Return how much waits and for how long."""
        return _call("GetOutbox", api.GetOutboxRequest())

    @listed
    def list_parked(self, *, page_size: int = 0) -> Pages[api.ParkedStream]:
        """Iterate over keys that the relay gave up on, longest parked first."""
        request = api.ListParkedStreamsRequest(page_size=page_size)
        return Pages(_call("ListParkedStreams", request), lambda page: page.streams)

    @unary
    def resend(self, topic: str, key: str) -> Call[api.ParkedStream]:
        """Let the relay try a parked key again.

        Raises:
            StreamNotParkedError: nothing waits under it.
        """
        return _call("ResendStream", api.ResendStreamRequest(topic=topic, key=key))

    @unary
    def republish_history(self) -> Call[api.RepublishHistoryResponse]:
        """Publish the whole history again. Never tried twice by itself."""
        return _call("RepublishHistory", api.RepublishHistoryRequest(), LONG_DEADLINE_S)


def _call(method: str, request: Message, timeout_s: float | None = None) -> Call[Any]:
    return Call(OutboxServiceStub, method, request, timeout_s)
