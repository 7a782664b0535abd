"""What every mutation shares: who calls, the deadline, and the same answer to the same request."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar
from urllib.parse import unquote

import grpc
from google.protobuf.message import Message

from service.application.idempotency import once, open_answer
from service.application.ports import Answer, Clock, Encoder, Ids, Storage, Unit
from service.domain.errors import DeadlineExceededError
from service.domain.journal import Origin
from service.domain.terms import USUAL, Terms
from service.rpc.violations import Violations
from service.telemetry import current_traceparent

M = TypeVar("M", bound=Message)

NAME_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Work:
    """What a mutation works with, within its transaction."""

    unit: Unit
    encoder: Encoder
    origin: Origin
    source: str
    fresh_id: str
    at: datetime
    terms: Terms = USUAL


class Mutations:
    """Runs mutations: idempotent by request id, within the caller's deadline."""

    def __init__(
        self,
        storage: Storage,
        encoder: Encoder,
        clock: Clock,
        ids: Ids,
        terms: Terms = USUAL,
    ) -> None:
        """Take the ports, and the terms on which orders are decided."""
        self._terms = terms
        self._storage = storage
        self._encoder = encoder
        self._clock = clock
        self._ids = ids

    def run(
        self,
        request: Message,
        context: grpc.ServicerContext,
        answer_type: type[M],
        work: Callable[[Work], M],
    ) -> M:
        """Do the work, or give the answer that the same request got before."""
        violations = Violations()
        request_id = violations.uuid("request_id", request.request_id)  # type: ignore[attr-defined]  # every mutation has it
        violations.refuse()
        if not is_wanted(context):
            raise DeadlineExceededError
        origin, source = origin_of(context)
        name = request.DESCRIPTOR.full_name.encode()
        fingerprint = hashlib.sha256(name + b"\0" + _body(request)).digest()

        # Without a request id, too, the work is done once: a connection that was lost at COMMIT
        # makes storage try again what may be done already.
        known_as = request_id or self._ids()

        def transact(unit: Unit) -> Answer:
            at = self._clock()
            tools = Work(unit, self._encoder, origin, source, known_as, at, self._terms)
            return once(
                unit,
                known_as,
                fingerprint,
                lambda: work(tools).SerializeToString(deterministic=True),
            )

        answer = self._storage.transact(transact, still_wanted=lambda: is_wanted(context))
        return answer_type.FromString(open_answer(answer))


def is_wanted(context: grpc.ServicerContext) -> bool:
    """Tell whether the caller is there, and has time left."""
    # None without a deadline, whatever the stubs say.
    remaining: float | None = context.time_remaining()
    return context.is_active() and (remaining is None or remaining > 0)


def origin_of(context: grpc.ServicerContext) -> tuple[Origin, str]:
    """Return who calls from where, and as which source."""
    told = {
        # Names that are not ASCII travel percent-encoded, and so may what no name holds.
        key: "".join(filter(str.isprintable, unquote(str(value))))[:NAME_MAX]
        for key, value in context.invocation_metadata()
        if key in {"concord-actor", "concord-role", "concord-source"}
    }
    origin = Origin(
        actor=told.get("concord-actor", "anonymous"),
        role=told.get("concord-role", "operator"),
        address=_host(context.peer()),
        traceparent=current_traceparent() or "",
    )
    return origin, told.get("concord-source", "operator")


def _body(request: Message) -> bytes:
    """Return what was asked; in which trace it was asked does not make it another request."""
    if "traceparent" not in request.DESCRIPTOR.fields_by_name:
        return request.SerializeToString(deterministic=True)
    plain = type(request)()
    plain.CopyFrom(request)
    plain.ClearField("traceparent")
    return plain.SerializeToString(deterministic=True)


def _host(peer: str) -> str:
    """Return the address within `ipv4:127.0.0.1:5000` or `ipv6:%5B::1%5D:5000`."""
    _, _, rest = peer.partition(":")
    host, _, _ = rest.rpartition(":")
    return unquote(host).strip("[]")
