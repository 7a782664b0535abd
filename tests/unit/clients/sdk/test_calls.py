"""What goes over the wire with a call, and how calls are repeated."""

from __future__ import annotations

import asyncio
import inspect
import threading
from decimal import Decimal

import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span

from clients.sdk import AsyncConcord, Concord, ConfigError, Identity, amount, errors, money
from clients.sdk import policy as sdk_policy
from clients.sdk.calls import Call, Feed, Pages, Upload
from clients.sdk.client import _Nouns
from clients.sdk.config import Settings
from clients.sdk.testing import MODULES, FakeConcord, Refusal, refusal
from concord.channels.v1 import feed_pb2, run_pb2
from concord.imports.v1 import import_service_pb2
from concord.intake.v1.intake_service_pb2 import Reading
from concord.intake.v1.receipt_pb2 import Receipt
from concord.inventory.v1.planning_pb2 import PurchasePlan
from concord.orders.v1.order_pb2 import Order, OrderRef


def a_new_order(value: str = "1") -> Order:
    return Order(
        channel="douyin",
        refs=[OrderRef(namespace="douyin", value=value)],
        total=money("99.90"),
    )


class _Noting:
    """A transport that notes calls instead of making them."""

    def __init__(self) -> None:
        self.made: list[tuple[str, str]] = []

    def unary(self, call: Call[object]) -> None:
        self.made.append((call.stub.__name__.removesuffix("Stub"), call.method))

    def listing(self, pages: Pages[object]) -> None:
        self.unary(pages.first)

    def watch(self, feed: Feed[object]) -> None:
        self.unary(feed.call)

    def upload(self, upload: Upload[object]) -> None:
        self.made.append((upload.stub.__name__.removesuffix("Stub"), upload.method))


def test_every_method_of_the_contract_can_be_called() -> None:
    transport = _Noting()
    nouns: _Nouns[object] = _Nouns(transport, lambda: "id")
    samples = {
        "order": a_new_order(), "receipts": [], "batches": [], "readings": [], "flag": None,
        "action": 1, "amount": money("1"), "result": 1,
        "on_hand": 1, "delta": 1, "number": 1, "selection": None, "state": 1,
        "lines": [], "file": import_service_pb2.Import(), "rows": [], "numbers": [1],
        "feed": feed_pb2.Feed(), "platforms": [], "request": run_pb2.ReportRunRequest(),
        "parts": {"x": 1}, "percents": {"x": 1}, "safety_level": 1, "plan": PurchasePlan(),
    }  # fmt: skip
    for noun in vars(nouns).values():
        for name in dir(type(noun)):
            if name.startswith("_") or not hasattr(getattr(type(noun), name), "build"):
                continue
            bound = getattr(noun, name)
            parameters = list(inspect.signature(bound).parameters.values())[1:]
            required = {
                p.name: samples.get(p.name, "x")
                for p in parameters
                if p.default is p.empty and p.kind is not p.VAR_KEYWORD
            }
            bound(**required | ({"order": "o"} if name in {"open", "run"} else {}))

    contract = {
        (service.name, method.name)
        for module in MODULES
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }
    # The health service's own streams are for load balancers.
    assert set(transport.made) == contract - {("Health", "Watch"), ("Health", "List")}


def test_a_mutation_gets_a_request_id_and_keeps_a_given_one() -> None:
    ids = iter(["id-1", "id-2"])
    with FakeConcord() as fake, Concord(fake.address, ids=lambda: next(ids)) as concord:
        order = concord.orders.create(a_new_order())
        concord.orders.start_payment(order.name)
        concord.orders.cancel(order.name, request_id="mine", reason="buyer asked", etag="v2")

        assert fake.requests("CreateOrder")[0].request_id == "id-1"
        assert fake.requests("StartPayment")[0].request_id == "id-2"
        [cancel] = fake.requests("CancelOrder")
    assert (cancel.request_id, cancel.reason, cancel.etag) == ("mine", "buyer asked", "v2")


def test_the_caller_and_the_trace_travel_as_headers_once() -> None:
    span = NonRecordingSpan(SpanContext(0xA1, 0xB2, is_remote=False, trace_flags=TraceFlags(1)))
    who = Identity(actor="李雷", role="clerk", source="operator")
    with (
        FakeConcord() as fake,
        Concord(fake.address, identity=who) as concord,
        use_span(span),
    ):
        concord.outbox.get()
        metadata = fake.seen[0].metadata

    assert metadata["concord-actor"] == "%E6%9D%8E%E9%9B%B7"
    assert (metadata["concord-role"], metadata["concord-source"]) == ("clerk", "operator")
    assert metadata["traceparent"] == f"00-{trace.format_trace_id(0xA1)}-{0xB2:016x}-01"


def test_an_unreachable_storage_is_tried_again_under_the_same_request_id() -> None:
    with FakeConcord() as fake, Concord(fake.address) as concord:
        fake.answer("CreateOrder", *[refusal("STORAGE_UNAVAILABLE")] * 2)

        order = concord.orders.create(a_new_order())

        requests = fake.requests("CreateOrder")
    assert order.name == "orders/ord-1"
    assert len(requests) == 3
    assert len({request.request_id for request in requests}) == 1


def test_retries_end() -> None:
    with FakeConcord() as fake, Concord(fake.address) as concord:
        fake.answer("GetOrder", *[refusal("STORAGE_UNAVAILABLE")] * 9)

        with pytest.raises(errors.StorageUnavailableError):
            concord.orders.get("o")

        assert len(fake.requests("GetOrder")) == sdk_policy.RETRY["maxAttempts"]


@pytest.mark.parametrize("reason", ["CONTENTION", "OVERLOADED", "ORDER_NOT_FOUND"])
def test_nothing_but_unavailable_is_tried_again(reason: str) -> None:
    with FakeConcord() as fake, Concord(fake.address) as concord:
        fake.answer("GetOrder", refusal(reason))

        with pytest.raises(errors.BY_REASON[reason]):
            concord.orders.get("o")

        assert len(fake.requests("GetOrder")) == 1


def test_publishing_history_again_is_never_repeated() -> None:
    with FakeConcord() as fake, Concord(fake.address) as concord:
        fake.answer("RepublishHistory", refusal("STORAGE_UNAVAILABLE"))

        with pytest.raises(errors.StorageUnavailableError):
            concord.outbox.republish_history()

        assert len(fake.requests("RepublishHistory")) == 1


def test_every_call_has_a_deadline() -> None:
    with FakeConcord() as fake, Concord(fake.address, timeout_s=7) as concord:
        concord.outbox.get()
        concord.with_options(timeout_s=3).outbox.get()

        left = [seen.remaining_s or 0 for seen in fake.seen]

    # gRPC rounds up by some milliseconds.
    assert left == pytest.approx([7, 3], abs=0.9)


def test_a_call_past_its_deadline_says_so() -> None:
    released = threading.Event()
    with FakeConcord() as fake, Concord(fake.address, timeout_s=0.2) as concord:
        fake.answer("GetOrder", lambda _: Order(outbound_approved=released.wait(5)))

        with pytest.raises(errors.DeadlineExceededError):
            concord.orders.get("o")
        released.set()


def test_a_request_that_is_too_large_is_not_sent_and_not_called_an_overload() -> None:
    with FakeConcord() as fake, Concord(fake.address) as concord:
        with pytest.raises(errors.MessageTooLargeError) as caught:
            concord.intake.submit([Receipt(source="douyin", body=bytes(5 * 1024 * 1024))])

        assert not caught.value.is_transient
        assert fake.seen == []


def test_both_clients_share_their_methods() -> None:
    with FakeConcord() as fake, Concord(fake.address) as concord:
        made = concord.orders.create(a_new_order())

        async def read() -> Order:
            async with AsyncConcord(fake.address) as other:
                return await other.orders.get(ref=OrderRef(namespace="douyin", value="1"))

        assert asyncio.run(read()) == made


async def test_a_batch_of_readings_is_applied_by_asyncio_callers() -> None:
    with FakeConcord() as fake:
        async with AsyncConcord(fake.address) as concord:
            await concord.intake.submit([Receipt(source="douyin", body=b"{}")])
            answer = await concord.intake.apply_facts([Reading(receipt="receipts/rcp-1")])

    assert [each.receipt for each in answer.applied] == ["receipts/rcp-1"]


def test_a_long_upload_is_counted() -> None:
    batches = ([Receipt(source="douyin", body=str(n % 15).encode())] for n in range(20))
    with FakeConcord() as fake, Concord(fake.address) as concord:
        answer = concord.intake.upload(batches)

    assert (answer.stored, answer.repeated) == (15, 5)


async def test_a_long_upload_may_be_produced_asynchronously() -> None:
    async def batches():  # noqa: ANN202
        for n in range(3):
            yield [Receipt(source="douyin", body=str(n).encode())]

    with FakeConcord() as fake:
        async with AsyncConcord(fake.address) as concord:
            answer = await concord.intake.upload(batches())

    assert answer.stored == 3


def test_a_closed_client_opens_again() -> None:
    with FakeConcord() as fake:
        concord = Concord(fake.address)
        concord.outbox.get()
        concord.close()

        assert concord.outbox.get().epoch == 1
        concord.close()


def test_settings_report_everything_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        Settings.from_env({"CONCORD_SERVICE_ADDRESS": "nowhere", "CONCORD_DEADLINE_S": "soon"})

    assert "CONCORD_SERVICE_ADDRESS" in str(caught.value)
    assert "CONCORD_DEADLINE_S" in str(caught.value)


def test_settings_come_from_the_environment() -> None:
    environ = {
        "CONCORD_SERVICE_ADDRESS": "127.0.0.1:7000",
        "CONCORD_ACTOR": "li.lei",
        "CONCORD_DEADLINE_S": "2.5",
    }

    settings = Settings.from_env(environ)

    assert settings == Settings("127.0.0.1:7000", Identity(actor="li.lei"), 2.5)


@pytest.mark.parametrize("text", ["99.90", "0.01", "-5.25", "12345678901234567.89", "-0.5"])
def test_money_is_exact_both_ways(text: str) -> None:
    assert amount(money(text)) == Decimal(text)


@pytest.mark.parametrize("text", ["", "12,5", "NaN", "Infinity", "0.0000000001"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"amount|decimal"):
        money(text)


def test_a_script_may_be_any_refusal() -> None:
    with FakeConcord() as fake, Concord(fake.address) as concord:
        fake.answer("GetOutbox", Refusal("CONTENTION"))

        with pytest.raises(errors.ContentionError) as caught:
            concord.outbox.get()

    assert caught.value.is_transient
