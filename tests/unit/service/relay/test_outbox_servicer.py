"""OutboxService says what the outbox says, in the contract's words."""

from dataclasses import dataclass, field
from typing import cast

import grpc
import pytest

from concord.outbox.v1 import outbox_service_pb2 as pb
from service.application.outbox import Backlog, BrokerLife, NewLife, ParkedStream, StreamKey
from service.domain.errors import StreamNotParkedError
from service.rpc.outbox import OutboxServicer
from tests.unit.service.relay.fakes import NOW, ORDERS

NO_CONTEXT = cast("grpc.ServicerContext", None)
PARKED = ParkedStream(StreamKey(ORDERS, "order-1"), 2, 8, "MSG_SIZE_TOO_LARGE", NOW)


@dataclass
class FakeOutboxQueue:
    """Implements `OutboxQueue` with one parked stream."""

    parked: dict[StreamKey, ParkedStream] = field(default_factory=lambda: {PARKED.stream: PARKED})
    limits: list[int] = field(default_factory=list)

    def backlog(self) -> Backlog:
        return Backlog(messages=7, age_s=1.5, parked=len(self.parked), epoch=3)

    def parked_streams(self, limit: int) -> list[ParkedStream]:
        self.limits.append(limit)
        return list(self.parked.values())

    def resend(self, stream: StreamKey) -> ParkedStream:
        if stream not in self.parked:
            raise StreamNotParkedError(topic=stream.topic, key=stream.key)
        return self.parked.pop(stream)

    def begin_life(self) -> NewLife:
        return NewLife(BrokerLife(4, "marker", NOW), messages=11)


def test_the_backlog_is_told_with_its_age() -> None:
    outbox = OutboxServicer(FakeOutboxQueue()).GetOutbox(pb.GetOutboxRequest(), NO_CONTEXT)

    assert (outbox.backlog, outbox.parked, outbox.epoch) == (7, 1, 3)
    assert outbox.age.ToMilliseconds() == 1_500


def test_a_resent_stream_is_returned_as_it_was_parked() -> None:
    servicer = OutboxServicer(FakeOutboxQueue())
    request = pb.ResendStreamRequest(topic=ORDERS, key="order-1")

    stream = servicer.ResendStream(request, NO_CONTEXT)

    assert (stream.messages, stream.attempts) == (2, 8)
    assert stream.last_error == "MSG_SIZE_TOO_LARGE"
    with pytest.raises(StreamNotParkedError):
        servicer.ResendStream(request, NO_CONTEXT)


@pytest.mark.parametrize(("asked", "given"), [(0, 50), (-1, 50), (7, 7), (501, 500)])
def test_pages_have_a_size_within_bounds(asked: int, given: int) -> None:
    queue = FakeOutboxQueue()
    request = pb.ListParkedStreamsRequest(page_size=asked)

    page = OutboxServicer(queue).ListParkedStreams(request, NO_CONTEXT)

    assert queue.limits == [given]
    assert [stream.key for stream in page.streams] == ["order-1"]


def test_republishing_tells_the_life_and_how_much_waits() -> None:
    answer = OutboxServicer(FakeOutboxQueue()).RepublishHistory(
        pb.RepublishHistoryRequest(), NO_CONTEXT
    )

    assert (answer.epoch, answer.messages) == (4, 11)
