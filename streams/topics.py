"""Which topic a message is published on: read from the contract, and from nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from google.protobuf.message import Message

from concord.customers.v1.profile_change_pb2 import CustomerProfile, ProfileChange
from concord.insights.v1.flag_pb2 import Flag
from concord.insights.v1.partial_pb2 import ChannelPartial, DeadLetter, StagePartial
from concord.insights.v1.stage_pb2 import ChannelMinute, StageWindow
from concord.intake.v1.receipt_pb2 import ReceiptEvent, ReceiptWeighed
from concord.options.v1 import options_pb2
from concord.orders.v1.order_event_pb2 import CustomerEvent, OrderEvent
from concord.outbox.v1.broker_life_pb2 import BrokerLife

# What agents read, and what they send.
READ: Final[tuple[type[Message], ...]] = (
    ReceiptEvent,
    ReceiptWeighed,
    OrderEvent,
    CustomerEvent,
    ProfileChange,
    StagePartial,
    ChannelPartial,
    Flag,
)
SENT: Final[tuple[type[Message], ...]] = (
    StagePartial,
    StageWindow,
    ChannelPartial,
    ChannelMinute,
    CustomerProfile,
    Flag,
    DeadLetter,
)
LIVES: Final[type[Message]] = BrokerLife

# As many as the broker's `default.replication.factor` says: whoever runs it knows how many it has.
BROKERS_REPLICAS: Final = -1

# A dead letter holds a record whole, which may have 1.5 MiB, and beside it where it was.
RECORD_BYTES_MAX: Final = (1_536 + 64) * 1_024


def annotation(message: type[Message]) -> options_pb2.Topic:
    """Return what the contract says about the topic of this message."""
    topic: options_pb2.Topic = message.DESCRIPTOR.GetOptions().Extensions[options_pb2.topic]
    return topic


def topic_of(message: type[Message]) -> str:
    """Return the topic on which this message is published."""
    return annotation(message).name


# What a record of each topic says that it is, in its header `ce_type`.
TYPES: Final[Mapping[str, bytes]] = {
    topic_of(message): message.DESCRIPTOR.full_name.encode() for message in READ
}
