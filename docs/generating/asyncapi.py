"""The topics in AsyncAPI 3.0, from the annotations in the protos."""

from collections.abc import Mapping
from typing import Any, Final

import yaml

from generating.contract import Topic, topics
from service.kafka.headers import EPOCH, NUMBER, SOURCE, TRACEPARENT
from service.kafka.topics import TOPICS
from streams.records import SOURCE as STREAMS_SOURCE

NOTE: Final = "# Written by docs/generate.py from protos/concord. Run `make docs` after a change.\n"
PROTOBUF: Final = "application/protobuf"
FORMAT: Final = "application/vnd.google.protobuf;version=3"
PROCESSES: Final = ("relay", "streams")

TEXT: Final[Mapping[str, Any]] = {"type": "string"}


def page() -> str:
    """Return the document."""
    found = topics()
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Concord topics",
            "version": "1.0.0",
            "description": (
                "What Concord publishes to Kafka. Delivery is at least once; records of one key "
                "keep their order. Which process does what is said by the operations."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": PROTOBUF,
        "channels": {each.name: _channel(each) for each in found},
        "operations": {
            name: operation for each in found for name, operation in _operations(each).items()
        },
        "components": {"messages": {each.message.name: _message(each) for each in found}},
    }
    dumped = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
    return NOTE + dumped


def _channel(topic: Topic) -> dict[str, Any]:
    settings: dict[str, Any] = {"cleanup.policy": ["delete" if topic.retention_days else "compact"]}
    if topic.retention_days:
        settings["retention.ms"] = topic.retention_days * 86_400_000
    settings["max.message.bytes"] = int(TOPICS[topic.name].configuration["max.message.bytes"])
    kafka: dict[str, Any] = {"topic": topic.name, "topicConfiguration": settings}
    return {
        "address": topic.name,
        "description": topic.about,
        "messages": {topic.message.name: {"$ref": f"#/components/messages/{topic.message.name}"}},
        "bindings": {"kafka": {**kafka, "bindingVersion": "0.5.0"}},
    }


def _operations(topic: Topic) -> dict[str, Any]:
    channel = {"$ref": f"#/channels/{topic.name}"}
    writer = topic.writer.split()[0]
    operations: dict[str, Any] = {
        f"{writer}.send.{topic.message.name}": {
            "action": "send",
            "channel": channel,
            "summary": f"Written by {topic.writer}.",
        }
    }
    for agent in topic.readers:
        operations[f"streams.{agent}.receive.{topic.message.name}"] = {
            "action": "receive",
            "channel": channel,
            "summary": f"Read in the streams by: {agent}.",
        }
    return operations


def _message(topic: Topic) -> dict[str, Any]:
    return {
        "name": topic.full_name,
        "title": topic.message.name,
        "summary": topic.about,
        "contentType": PROTOBUF,
        "headers": _headers(topic),
        "payload": {"schemaFormat": FORMAT, "schema": {"$ref": f"../{topic.path}"}},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": topic.key},
                "bindingVersion": "0.5.0",
            }
        },
    }


def _headers(topic: Topic) -> dict[str, Any]:
    if topic.writer not in PROCESSES:
        return {"type": "object", "properties": {}}
    by_relay = topic.writer == "relay"
    properties: dict[str, Any] = {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {**TEXT, "description": "The same however often the record is sent."},
        "ce_source": {"const": SOURCE if by_relay else STREAMS_SOURCE},
        "ce_type": {"const": topic.full_name},
        "content-type": {"const": PROTOBUF},
        EPOCH: {**TEXT, "description": "Life of the broker, decimal."},
        "ce_subject": {**TEXT, "description": "What it is about; absent on heartbeats."},
        TRACEPARENT: {**TEXT, "description": "W3C trace context; absent on heartbeats."},
    }
    required = [name for name in properties if name not in {"ce_subject", TRACEPARENT}]
    if by_relay:
        properties["ce_time"] = {**TEXT, "format": "date-time"}
    if topic.is_numbered:
        properties[NUMBER] = {
            **TEXT,
            "description": "Number within the key, decimal; absent on heartbeats.",
        }
    return {"type": "object", "required": required, "properties": properties}
