"""A worker without a broker: what agents send and ask is kept for the test to see."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from google.protobuf.message import Message

from concord.insights.v1.flag_pb2 import Flag
from concord.intake.v1.intake_service_pb2 import Reading
from streams.app import faust_app
from streams.config import Settings
from streams.records import Headers, Outgoing
from streams.rule_files import load_person_rules, load_rules
from streams.telemetry import Metrics
from streams.template_files import load_templates
from streams.topics import topic_of
from streams.worker import Worker

EPOCH = 7
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class DiedError(Exception):
    """The worker ended its process, with this code."""


@dataclass
class FakeRecord:
    topic: str
    partition: int
    offset: int
    value: bytes | None
    key: bytes | None = b"key"
    timestamp: int = 1_790_000_000_000
    headers: Headers = ()


def record(
    message: Message, offset: int, *, partition: int = 0, epoch: int = EPOCH, trace: str = TRACE
) -> FakeRecord:
    headers = [("concord-epoch", b"%d" % epoch), ("traceparent", trace.encode())]
    topic = topic_of(type(message))
    # The customers' events tell of an order, too.
    key = getattr(message, "customer", "") or getattr(message, "order", "") or "key"
    value = message.SerializeToString()
    return FakeRecord(topic, partition, offset, value, key.encode(), headers=headers)


@dataclass
class FakeSender:
    sent: list[Outgoing] = field(default_factory=list)

    async def send(self, outgoing: Outgoing, epoch: int) -> asyncio.Future[Any]:
        assert epoch == EPOCH
        self.sent.append(outgoing)
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    def messages(self, kind: type[Message]) -> list[Any]:
        return [each.message for each in self.sent if isinstance(each.message, kind)]


@dataclass
class FakeService:
    applied: list[list[Reading]] = field(default_factory=list)
    acted: list[tuple[Flag, str, str]] = field(default_factory=list)
    journal: dict[str, list[bytes]] = field(default_factory=dict)
    # Raised by the next calls, one each.
    failures: list[Exception] = field(default_factory=list)
    # Receipts that no call may contain.
    refused: dict[str, Exception] = field(default_factory=dict)

    async def apply_facts(self, readings: Sequence[Reading]) -> None:
        self._fail()
        for reading in readings:
            if reading.receipt in self.refused:
                raise self.refused[reading.receipt]
        self.applied.append(list(readings))

    async def journal_events(self, order: str, after: int) -> list[bytes]:
        self._fail()
        return self.journal[order]

    async def act_on_flag(self, flag: Flag, request_id: str, traceparent: str) -> None:
        self._fail()
        self.acted.append((flag, request_id, traceparent))

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.pop(0)


def die(code: int) -> NoReturn:
    raise DiedError(code)


def settings(folder: Path = Path("unused")) -> Settings:
    return Settings.from_env(
        {
            "CONCORD_KAFKA_BOOTSTRAP": "127.0.0.1:1",
            "CONCORD_REDIS_URL": "redis://127.0.0.1:1/0",
            "CONCORD_SERVICE_ADDRESS": "127.0.0.1:1",
            "CONCORD_METRICS_ADDRESS": "127.0.0.1:1",
            "CONCORD_STREAMS_DATA_DIR": str(folder),
            "CONCORD_KAFKA_PARTITIONS": "4",
        }
    )


def a_worker(service: FakeService | None = None, life: int | None = EPOCH) -> Worker:
    told = settings()

    async def declared() -> int | None:
        return life

    return Worker(
        settings=told,
        epoch=EPOCH,
        app=faust_app(told, EPOCH),
        metrics=Metrics(),
        service=service or FakeService(),
        sender=FakeSender(),
        rules=load_rules(),
        person_rules=load_person_rules(),
        templates=load_templates(),
        die=die,
        declared_life=declared,
    )


def sender_of(worker: Worker) -> FakeSender:
    assert isinstance(worker.sender, FakeSender)
    return worker.sender
