"""From the words of two channels to one customer: read, weighed, known."""

from __future__ import annotations

import json
import uuid

import sqlalchemy as sa

from concord.customers.v1 import customer_service_pb2 as pb
from concord.customers.v1 import customer_service_pb2_grpc
from concord.intake.v1 import intake_service_pb2
from service.application.knowing import Knowing
from streams.logic.normalising import Receipt, keyed, read
from streams.readings import reading_message
from streams.template_files import load_templates
from tests.builders import NOON
from tests.fakes import FakeClock
from tests.integration.service.batch_world import soon
from tests.integration.service.world import Service, Storing

TEMPLATES = load_templates(keyed(b"a key of this test's own"))


def _told(service: Service, storing: Storing, channel: str, **person: str) -> str:
    """Take one channel's event through the reader and the service; return the account's key."""
    name = uuid.uuid4().hex
    event = {
        "type": "order.created",
        "channel": channel,
        "source": channel,
        "order": {"namespace": channel, "value": name},
        "occurred_at": "2026-11-22T08:00:00Z",
        "amount": {"currency": "CNY", "value": "12.34"},
        "customer": f"c-{name}",
        "person": person,
    }
    receipt = f"receipts/{storing.submit()[0]}"
    body = json.dumps(event).encode()
    reading = read(
        Receipt(receipt, channel, "concord.event", channel, body, "application/json", NOON),
        TEMPLATES,
    )
    assert reading.rejection is None
    request = intake_service_pb2.ApplyFactsRequest(readings=[reading_message(reading, None)])
    service.intake.ApplyFacts(request, timeout=20)
    return f"c-{name}"


def test_one_phone_in_two_writings_is_one_customer_and_two_masks_are_not(
    service: Service, storing: Storing, engine: sa.Engine
) -> None:
    keys = [
        _told(service, storing, "douyin", phone="+86 138 0013 8000", name="张三"),
        _told(service, storing, "jd", phone="13800138000", name="张三[1234]"),
        _told(service, storing, "pdd", phone="138****8000", name="张**"),
        _told(service, storing, "taobao", phone="138****8000", name="张**"),
    ]
    knowing = Knowing(storing.storage, FakeClock(soon(engine)))
    while knowing.look():
        pass

    stub = customer_service_pb2_grpc.CustomerServiceStub(service.channel)
    known = [stub.ListCustomers(pb.ListCustomersRequest(key=key)).customers for key in keys]

    first, second, third, fourth = (found[0].name for found in known)
    assert first == second
    assert len({first, third, fourth}) == 3
    (merge,) = stub.ListMerges(pb.ListMergesRequest(customer=first)).merges
    assert [each.kind for each in merge.evidence] == ["PHONE_EQUAL", "NAME_EQUAL"]
