"""Callers: each asks for one thing, and asks again when nobody answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from service.application.idempotency import once, open_answer
from service.application.ports import Answer, Clock, Storage, Unit
from service.domain.errors import OrderError, OutageError, RequestIdReusedError
from tests.simulation.chance import Chance
from tests.simulation.faults import ProcessDiedError
from tests.simulation.watch import hold

Work = Callable[[Unit, datetime], str]

# Answers are kept for 40 days; nobody asks again for as long as that.
ASKED_AGAIN_WITHIN: Final = timedelta(days=20)


@dataclass(slots=True)
class Call:
    """One thing that one caller wants."""

    name: str
    request_id: str
    work: Work
    asked_at: datetime
    answer: Answer | None = None
    tries: int = 0

    @property
    def fingerprint(self) -> bytes:
        """What was asked, as bytes."""
        return self.name.encode()


@dataclass
class Callers:
    """All calls of one world."""

    storage: Storage
    clock: Clock
    chance: Chance
    unanswered: list[Call] = field(default_factory=list)
    answered: list[Call] = field(default_factory=list)
    # Refusals, by reason.
    refusals: dict[str, int] = field(default_factory=dict)
    # Set by the variant in which a repeat is a request of its own.
    forget_ids: bool = False
    _count: int = 0

    def ask(self, kind: str, work: Callable[[Unit, datetime, Call], str]) -> str:
        """Ask for something for the first time; return what came of it, for the history."""
        self._count += 1
        name = f"call-{self._count}"
        call = Call(name, f"{name}-id", lambda unit, at: work(unit, at, call), self.clock())
        return f"{name} {kind}: {self._try(call)}"

    def ask_again(self) -> str:
        """Repeat a call that nobody answered, or now and then one that was."""
        old = [
            each
            for each in self.answered[-20:]
            if self.clock() - each.asked_at < ASKED_AGAIN_WITHIN
        ]
        if old and (not self.unanswered or self.chance.happens(0.2)):
            call = self.chance.one_of(old)
            if self.chance.happens(0.1):
                return f"{call.name} reused: {self._reuse(call)}"
        elif self.unanswered:
            call = self.unanswered.pop(self.chance.below(len(self.unanswered)))
        else:
            return ""
        return f"{call.name} again: {self._try(call)}"

    def _try(self, call: Call) -> str:
        call.tries += 1
        if self.forget_ids:
            call.request_id = f"{call.name}-id-{call.tries}"

        def transact(unit: Unit) -> Answer:
            at = self.clock()
            return once(
                unit, call.request_id, call.fingerprint, lambda: call.work(unit, at).encode()
            )

        try:
            answer = self.storage.transact(transact)
        except (OutageError, ProcessDiedError) as error:
            if call.answer is None:
                self.unanswered.append(call)
            return type(error).__name__
        same = call.answer is None or call.answer == answer
        hold("I2", same, f"{call.name} was answered {call.answer}, and then {answer}")
        if call.answer is None:
            self.answered.append(call)
        call.answer = answer
        try:
            return open_answer(answer).decode()
        except OrderError as refusal:
            self.refusals[refusal.reason] = self.refusals.get(refusal.reason, 0) + 1
            return refusal.reason

    def _reuse(self, call: Call) -> str:
        """Send something else under the same request id: it is refused, and nothing happens."""
        try:
            self.storage.transact(lambda unit: unit.claim_request(call.request_id, b"other"))
        except RequestIdReusedError as refusal:
            self.refusals[refusal.reason] = self.refusals.get(refusal.reason, 0) + 1
            return refusal.reason
        except (OutageError, ProcessDiedError) as error:
            return type(error).__name__
        hold("I2", self.forget_ids, f"{call.request_id} stands for two requests")
        return "taken"
