"""A Concord for tests of your own: real gRPC on a free loopback port, answers from memory.

    with FakeConcord() as fake, Concord(fake.address) as concord:
        fake.answer("GetOrder", refusal("STORAGE_UNAVAILABLE"))      # the next call
        order = concord.orders.create(an_order(...))                 # then a small model answers

What is scripted comes first, once each; what is not is answered by `fake_model.FakeModel`, which
keeps orders, receipts, cases and flags in memory by the lifecycle's rules and weighs no evidence.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent import futures
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

import grpc
from google.protobuf import any_pb2, message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2
from grpc_status import rpc_status

from clients.sdk.errors import BY_CODE, BY_REASON
from clients.sdk.fake_memory import Refusal, refusal
from clients.sdk.fake_model import FakeModel
from clients.sdk.policy import MESSAGE_BYTES_MAX
from clients.sdk.wire_errors import DOMAIN, TRACE_KEY
from concord.audit.v1 import audit_service_pb2
from concord.batches.v1 import batch_service_pb2
from concord.cases.v1 import case_service_pb2, queue_service_pb2
from concord.channels.v1 import channel_service_pb2
from concord.customers.v1 import customer_service_pb2
from concord.fulfilment.v1 import fulfilment_service_pb2
from concord.imports.v1 import import_service_pb2
from concord.insights.v1 import insight_service_pb2
from concord.intake.v1 import intake_service_pb2
from concord.inventory.v1 import inventory_service_pb2
from concord.notices.v1 import notice_service_pb2
from concord.orders.v1 import order_service_pb2
from concord.outbox.v1 import outbox_service_pb2
from concord.probes.v1 import probe_service_pb2
from concord.reconciliations.v1 import reconciliation_service_pb2
from concord.traces.v1 import trace_service_pb2
from concord.workflows.v1 import workflow_service_pb2

__all__ = ["FakeConcord", "Refusal", "Seen", "refusal"]

MODULES: Final = (
    order_service_pb2,
    intake_service_pb2,
    import_service_pb2,
    case_service_pb2,
    batch_service_pb2,
    channel_service_pb2,
    customer_service_pb2,
    reconciliation_service_pb2,
    queue_service_pb2,
    workflow_service_pb2,
    inventory_service_pb2,
    fulfilment_service_pb2,
    insight_service_pb2,
    probe_service_pb2,
    notice_service_pb2,
    outbox_service_pb2,
    audit_service_pb2,
    trace_service_pb2,
    health_pb2,
)

# Families of reasons name their code; these have a family of several codes.
CODES: Final[Mapping[str, grpc.StatusCode]] = {
    "STORAGE_UNAVAILABLE": grpc.StatusCode.UNAVAILABLE,
    "CONTENTION": grpc.StatusCode.ABORTED,
}

# What a script may hold: an answer, the items of a stream, a refusal, or a function of the request.
Answer = Message | Refusal | Iterable[Message | Refusal] | Callable[[Any], Any]


@dataclass(frozen=True)
class Seen:
    """A call that reached the fake."""

    method: str
    request: Any
    metadata: Mapping[str, str]
    # What was left of the caller's deadline; None where there was none.
    remaining_s: float | None


@dataclass
class _Script:
    """What waits to be answered, by method."""

    waiting: dict[str, deque[Answer]] = field(default_factory=lambda: defaultdict(deque))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, method: str) -> Answer | None:
        with self.lock:
            return self.waiting[method].popleft() if self.waiting[method] else None


class FakeConcord:
    """A server in this process; `address` says where it listens."""

    def __init__(self, model: FakeModel | None = None, *, port: int = 0) -> None:
        self.model = model or FakeModel()
        self.seen: list[Seen] = []
        self._script = _Script()
        self._port = port
        self._server: grpc.Server | None = None
        self.address = ""

    def answer(self, method: str, *answers: Answer) -> None:
        """Script the next calls of a method (`GetOrder`), one answer for each call."""
        self._script.waiting[method].extend(answers)

    def requests(self, method: str) -> list[Any]:
        """Return the requests that a method got, oldest first."""
        return [seen.request for seen in self.seen if seen.method == method]

    def start(self) -> Self:
        # A watch holds a thread while it is open.
        server = grpc.server(
            futures.ThreadPoolExecutor(max_workers=16),
            options=[
                ("grpc.so_reuseport", 0),
                ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
                ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
            ],
        )
        for module in MODULES:
            for service in module.DESCRIPTOR.services_by_name.values():
                handlers = {method.name: self._handler(method) for method in service.methods}
                server.add_generic_rpc_handlers(
                    (grpc.method_handlers_generic_handler(service.full_name, handlers),)
                )
        self.address = f"127.0.0.1:{server.add_insecure_port(f'127.0.0.1:{self._port}')}"
        server.start()
        self._server = server
        return self

    def stop(self) -> None:
        if self._server is not None:
            self.model.close()
            self._server.stop(grace=None).wait()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _handler(self, method: MethodDescriptor) -> grpc.RpcMethodHandler[Any, Any]:
        """Return what serves a method, by its descriptor."""
        arity = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
        }[method.client_streaming, method.server_streaming]

        def unary(request: Any, context: grpc.ServicerContext) -> Message:  # noqa: ANN401
            return self._single(self._answer_to(method, request, context), context)

        def stream(request: Any, context: grpc.ServicerContext) -> Iterator[Message]:  # noqa: ANN401
            answer = self._answer_to(method, request, context)
            for item in (answer,) if isinstance(answer, (Message, Refusal)) else answer:
                yield self._single(item, context)

        kind = message_factory.GetMessageClass(method.input_type)
        return arity(
            stream if method.server_streaming else unary,
            request_deserializer=kind.FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )

    def _answer_to(self, method: MethodDescriptor, request: Any, context: Any) -> Any:  # noqa: ANN401
        """Note the call and return its answer: the script's, or the model's."""
        if method.client_streaming:
            request = list(request)
        metadata = {key: str(value) for key, value in context.invocation_metadata()}
        self.seen.append(Seen(method.name, request, metadata, context.time_remaining()))
        answer: Any = self._script.take(method.name)
        if answer is None:
            return self.model.answer(method, request, context)
        return answer(request) if callable(answer) else answer

    @staticmethod
    def _single(answer: Any, context: grpc.ServicerContext) -> Message:  # noqa: ANN401
        """Return the answer, or end the call with its refusal."""
        if isinstance(answer, Refusal):
            context.abort_with_status(_status(answer))
        message: Message = answer
        return message


def _status(refused: Refusal) -> grpc.Status:
    """Return a refusal as it goes over the wire."""
    code = refused.code or _code_of(refused.reason)
    status = status_pb2.Status(code=code.value[0], message=refused.message)
    if refused.reason:
        info = error_details_pb2.ErrorInfo(
            reason=refused.reason, domain=DOMAIN, metadata=refused.metadata
        )
        status.details.append(_packed(info))
    if refused.violations:
        bad = error_details_pb2.BadRequest()
        for name, description in refused.violations.items():
            bad.field_violations.add(field=name, description=description)
        status.details.append(_packed(bad))
    rich: Any = rpc_status.to_status(status)
    trace = ((TRACE_KEY, refused.trace_id),) if refused.trace_id else ()
    with_trace: grpc.Status = rich._replace(trailing_metadata=(*rich.trailing_metadata, *trace))
    return with_trace


def _packed(detail: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(detail)
    return packed


def _code_of(reason: str) -> grpc.StatusCode:
    """Return the code that the contract gives a reason."""
    if reason in CODES:
        return CODES[reason]
    kind = BY_REASON[reason]
    return next(code for code, family in BY_CODE.items() if issubclass(kind, family))
