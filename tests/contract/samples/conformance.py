"""Reads a recorded message and puts its facts beside what the platforms' tables say."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from streams.logic.normalising import Fact, Reading, Receipt, keyed, read
from streams.template_files import load_templates

RECEIVED = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
TEMPLATES = load_templates(keyed(b"a key of this test's own"))


def reading_of(template: str, body: bytes, content_type: str = "", *, account: str = "") -> Reading:
    return read(
        Receipt(
            name="receipts/r-1",
            source=template.partition(".")[0],
            template=template,
            channel="",
            body=body,
            content_type=content_type or "application/json",
            receive_time=RECEIVED,
            account=account,
        ),
        TEMPLATES,
    )


def facts_of(
    template: str, body: bytes, content_type: str = "", *, account: str = ""
) -> tuple[Fact, ...]:
    """The facts of a sample without their ids, which are nobody's expectation."""
    reading = reading_of(template, body, content_type, account=account)
    assert reading.rejection is None, reading.rejection
    assert len({fact.fact_id for fact in reading.facts}) == len(reading.facts)
    return tuple(replace(fact, fact_id="") for fact in reading.facts)


def vector(recorded: bytes) -> tuple[bytes, str]:
    """The body of a recorded call or answer as it came, and its content type."""
    whole = json.loads(recorded)
    if "http_body_raw" in whole:
        return whole["http_body_raw"].encode(), ""
    request = whole["request"]
    return request["body_raw"].encode(), request["headers"]["Content-Type"]


@dataclass(frozen=True)
class Sandbox:
    """A recorded pair of request and answer; what arrives at an intake is the answer alone."""

    pair: bytes

    @property
    def answer(self) -> bytes:
        recorded = json.loads(self.pair)
        if isinstance(recorded, list):
            (recorded,) = recorded
        return json.dumps(recorded["response"]).encode()


def utc(written: str) -> datetime:
    """A time as it is written in an expectation: `2021-04-21 07:36:27`."""
    return datetime.fromisoformat(written).replace(tzinfo=UTC)
