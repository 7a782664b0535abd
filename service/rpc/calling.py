"""What every mutation shares: who calls, the deadline, and the same answer to the same request."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar
from urllib.parse import unquote

import grpc
import structlog
from google.protobuf.message import Message

from service.application.commands import Commands
from service.application.desks import Desk
from service.application.idempotency import once, open_answer
from service.application.ports import Answer, Clock, Encoder, Ids, Storage, Unit
from service.application.together import Asked, together
from service.domain.errors import DeadlineExceededError
from service.domain.journal import Origin
from service.domain.terms import USUAL, Terms
from service.rpc.turns import Turns
from service.rpc.violations import Violations
from service.telemetry import current_traceparent

log = structlog.get_logger(__name__)

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
    desk: Desk | None = None

    @property
    def commands(self) -> Commands:
        """Every command on an order."""
        return Commands(self.unit, self.encoder, self.at, self.terms, self.desk)


@dataclass(frozen=True, slots=True)
class _Told:
    """What is known of a mutation before anything is done: which it is, and who asks."""

    request_id: str
    fingerprint: bytes
    origin: Origin
    source: str


@dataclass
class _Shared:
    """A mutation that may share a transaction; without an answer, it must be done alone."""

    asked: Asked
    answer: Answer | None = None


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
        self._turns = Turns(self._serve)

    def run(
        self,
        request: Message,
        context: grpc.ServicerContext,
        answer_type: type[M],
        work: Callable[[Work], M],
    ) -> M:
        """Do the work, or give the answer that the same request got before."""
        answer = self._alone(self._told(request, context), context, work)
        return answer_type.FromString(open_answer(answer))

    def change(
        self,
        request: Message,
        context: grpc.ServicerContext,
        answer_type: type[M],
        work: Callable[[Work], M],
    ) -> M:
        """Do the same for a command on the one order that the request names.

        Commands on other orders that come at the same time may share its transaction.
        """
        told = self._told(request, context)
        order_id = request.name.removeprefix("orders/")  # type: ignore[attr-defined]  # every command has it
        shared = _Shared(
            Asked(
                told.request_id,
                told.fingerprint,
                order_id,
                lambda unit, desk: _bytes(work(self._work(told, unit, desk.at, desk))),
                lambda: is_wanted(context),
            )
        )
        self._turns.take(order_id, shared)
        try:
            answer = shared.answer or self._alone(told, context, work)
        finally:
            self._turns.leave(order_id)
        return answer_type.FromString(open_answer(answer))

    def _told(self, request: Message, context: grpc.ServicerContext) -> _Told:
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
        return _Told(request_id or self._ids(), fingerprint, origin, source)

    def _alone(
        self, told: _Told, context: grpc.ServicerContext, work: Callable[[Work], Message]
    ) -> Answer:
        def transact(unit: Unit) -> Answer:
            tools = self._work(told, unit, self._clock())
            return once(unit, told.request_id, told.fingerprint, lambda: _bytes(work(tools)))

        return self._storage.transact(transact, still_wanted=lambda: is_wanted(context))

    def _work(self, told: _Told, unit: Unit, at: datetime, desk: Desk | None = None) -> Work:
        return Work(
            unit,
            self._encoder,
            told.origin,
            told.source,
            told.request_id,
            at,
            self._terms,
            desk,
        )

    def _serve(self, batch: Sequence[_Shared]) -> None:
        """Do in one transaction what can be done together; leave the rest without an answer."""
        asked = [each.asked for each in batch]
        try:
            answers = self._storage.transact(
                lambda unit: together(unit, asked, encoder=self._encoder, at=self._clock()),
                still_wanted=lambda: any(each.still_wanted() for each in asked),
            )
        except Exception as error:  # each is done alone, and fails by itself
            log.warning("commands_parted", count=len(batch), exc_info=error)
            return
        for each, answer in zip(batch, answers, strict=True):
            each.answer = answer


def _bytes(message: Message) -> bytes:
    return message.SerializeToString(deterministic=True)


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
