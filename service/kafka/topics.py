"""Topics as the contract declares them: read from the descriptors, spelt nowhere else in Python.

A message is annotated with `concord.options.v1.topic`: name, what the key is, retention.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from concord.cases.v1 import case_service_pb2
from concord.customers.v1 import profile_change_pb2
from concord.insights.v1 import flag_pb2, partial_pb2, stage_pb2
from concord.intake.v1 import receipt_pb2
from concord.options.v1 import options_pb2
from concord.orders.v1 import order_event_pb2
from concord.outbox.v1 import broker_life_pb2
from service.application.outbox import Stream

DAY_MS: Final = 86_400_000

# A receipt's body may have 1 MiB; the rest of its event is far below the other half.
MESSAGE_BYTES_MAX: Final = 1_536 * 1_024

# A dead letter holds such a record whole, and beside it where it was.
DEAD_LETTER_BYTES_MAX: Final = MESSAGE_BYTES_MAX + 64 * 1_024

FILES: Final[tuple[FileDescriptor, ...]] = (
    order_event_pb2.DESCRIPTOR,
    receipt_pb2.DESCRIPTOR,
    case_service_pb2.DESCRIPTOR,
    flag_pb2.DESCRIPTOR,
    partial_pb2.DESCRIPTOR,
    stage_pb2.DESCRIPTOR,
    profile_change_pb2.DESCRIPTOR,
    broker_life_pb2.DESCRIPTOR,
)


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic and the message that is the whole value of its records."""

    name: str
    message: type[Message]
    retention_days: int

    @property
    def message_name(self) -> str:
        """Return the full name of the message, for the header `ce_type`."""
        return self.message.DESCRIPTOR.full_name

    @property
    def configuration(self) -> dict[str, str]:
        """Return the topic's settings as the broker spells them."""
        is_dead = self.message is partial_pb2.DeadLetter
        size = {"max.message.bytes": str(DEAD_LETTER_BYTES_MAX if is_dead else MESSAGE_BYTES_MAX)}
        if self.retention_days == 0:
            return {"cleanup.policy": "compact", **size}
        retention_ms = self.retention_days * DAY_MS
        return {"cleanup.policy": "delete", "retention.ms": str(retention_ms), **size}

    @property
    def has_heartbeat(self) -> bool:
        """Tell whether the message has a variant that says that nothing happened."""
        fields = self.message.DESCRIPTOR.fields_by_name
        return "heartbeat" in fields or "heartbeat_time" in fields

    def heartbeat(self, at: datetime) -> bytes:
        """Return the value of a heartbeat: nothing happened up to `at`."""
        if "heartbeat_time" in self.message.DESCRIPTOR.fields_by_name:
            return self.message(heartbeat_time=at).SerializeToString()
        return self.message(event_time=at, heartbeat={}).SerializeToString()


def _declared() -> dict[str, Topic]:
    topics = {}
    for file in FILES:
        for descriptor in file.message_types_by_name.values():
            options = descriptor.GetOptions()
            if options.HasExtension(options_pb2.topic):
                said = options.Extensions[options_pb2.topic]
                message = GetMessageClass(descriptor)
                topics[descriptor.full_name] = Topic(said.name, message, said.retention_days)
    return topics


_BY_MESSAGE: Final = _declared()

TOPICS: Final[Mapping[str, Topic]] = {topic.name: topic for topic in _BY_MESSAGE.values()}


def topic_of(message: type[Message]) -> Topic:
    """Return the topic on which this message is published."""
    return _BY_MESSAGE[message.DESCRIPTOR.full_name]


BROKER_LIVES: Final = topic_of(broker_life_pb2.BrokerLife)

# What the relay publishes; the other topics belong to the streams.
PUBLISHED: Final[Mapping[Stream, Topic]] = {
    Stream.ORDERS: topic_of(order_event_pb2.OrderEvent),
    Stream.CUSTOMERS: topic_of(order_event_pb2.CustomerEvent),
    Stream.CASES: topic_of(case_service_pb2.CaseEvent),
    Stream.RECEIPTS: topic_of(receipt_pb2.ReceiptEvent),
    Stream.OUTCOMES: topic_of(receipt_pb2.ReceiptWeighed),
    Stream.PROFILES: topic_of(profile_change_pb2.ProfileChange),
}

# Storage is given names: it knows nothing of the contract.
NAMES: Final[Mapping[Stream, str]] = {stream: topic.name for stream, topic in PUBLISHED.items()}
