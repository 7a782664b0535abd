"""Serves `OutboxService`: what waits to be published, and what could not be."""

from datetime import timedelta
from typing import Final

import grpc

from concord.outbox.v1 import outbox_service_pb2 as pb
from concord.outbox.v1 import outbox_service_pb2_grpc
from service.application.outbox import OutboxQueue, ParkedStream, StreamKey
from service.wire import duration, timestamp

PAGE_SIZE: Final = 50
PAGE_SIZE_MAX: Final = 500


class OutboxServicer(outbox_service_pb2_grpc.OutboxServiceServicer):
    """Translates between the contract and the `OutboxQueue` port."""

    def __init__(self, queue: OutboxQueue) -> None:
        self._queue = queue

    def GetOutbox(self, request: pb.GetOutboxRequest, context: grpc.ServicerContext) -> pb.Outbox:
        backlog = self._queue.backlog()
        return pb.Outbox(
            backlog=backlog.messages,
            age=duration(timedelta(seconds=backlog.age_s)),
            parked=backlog.parked,
            epoch=backlog.epoch,
        )

    def ListParkedStreams(
        self, request: pb.ListParkedStreamsRequest, context: grpc.ServicerContext
    ) -> pb.ListParkedStreamsResponse:
        limit = min(request.page_size, PAGE_SIZE_MAX) if request.page_size > 0 else PAGE_SIZE
        streams = self._queue.parked_streams(limit)
        return pb.ListParkedStreamsResponse(streams=[_message(stream) for stream in streams])

    def ResendStream(
        self, request: pb.ResendStreamRequest, context: grpc.ServicerContext
    ) -> pb.ParkedStream:
        return _message(self._queue.resend(StreamKey(request.topic, request.key)))

    def RepublishHistory(
        self, request: pb.RepublishHistoryRequest, context: grpc.ServicerContext
    ) -> pb.RepublishHistoryResponse:
        begun = self._queue.begin_life()
        return pb.RepublishHistoryResponse(epoch=begun.life.epoch, messages=begun.messages)


def _message(parked: ParkedStream) -> pb.ParkedStream:
    return pb.ParkedStream(
        topic=parked.stream.topic,
        key=parked.stream.key,
        messages=parked.messages,
        attempts=parked.attempts,
        last_error=parked.last_error,
        park_time=timestamp(parked.parked_at),
    )
