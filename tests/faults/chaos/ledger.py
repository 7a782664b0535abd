"""What callers were told: each acknowledgement, and the answer that a repeat must get again."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import Message

from clients.sdk.errors import CallCancelledError, ConcordError, OutageError, RefusalError


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call got: bytes, or the reason and variables of a refusal."""

    body: bytes = b""
    refusal: str = ""
    variables: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """A mutation that can be asked for again: the same call with the same request id."""

    request_id: str
    method: str
    ask: Callable[[Any], Message]
    answer: Answer


@dataclass
class Ledger:
    """Kept in memory by all callers together."""

    # Receipts by what they say (order and step): the name that the service gave.
    receipts: dict[str, str] = field(default_factory=dict)
    repeats_acknowledged: int = 0
    commands: list[Command] = field(default_factory=list)
    repeated_at_once: int = 0
    answered: Counter[str] = field(default_factory=Counter)
    unanswered: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note_receipt(self, what: str, name: str) -> None:
        """Write down that a receipt is durable; the same words must always get the same name."""
        with self._lock:
            known = self.receipts.setdefault(what, name)
            if known != name:
                self.problems.append(f"receipt {what} is {known}, and then {name}")

    def note_repeat(self, what: str, name: str, *, repeated: bool) -> None:
        """Write down the answer to a receipt that had been acknowledged before."""
        self.note_receipt(what, name)
        with self._lock:
            self.repeats_acknowledged += 1
            if not repeated:
                self.problems.append(f"receipt {what} was acknowledged, and is new again")

    def note_command(self, command: Command) -> None:
        """Write down what a mutation got."""
        with self._lock:
            self.commands.append(command)

    def hold_to(self, command: Command, again: Answer) -> None:
        """Compare the answer to a repeat with the first one."""
        if again != command.answer:
            self.problem(f"{command.method} {command.request_id}: {command.answer}, then {again}")

    def problem(self, text: str) -> None:
        """Write down what must not be."""
        with self._lock:
            self.problems.append(text)

    def count(self, kind: str, *, answered: bool, reason: str = "") -> None:
        """Count a call, and why it was refused or not answered."""
        with self._lock:
            (self.answered if answered else self.unanswered)[kind] += 1
            if reason:
                self.reasons[reason] += 1

    @property
    def answered_share(self) -> float:
        """Which part of all calls got an answer."""
        answered, unanswered = self.answered.total(), self.unanswered.total()
        return answered / max(1, answered + unanswered)


def is_outage(error: ConcordError) -> bool:
    """Tell whether a call may be made again: nobody knows what became of it."""
    return isinstance(error, OutageError | CallCancelledError)


def as_answer(error: RefusalError) -> Answer:
    """Return a refusal as an answer that can be compared."""
    return Answer(refusal=error.reason, variables=tuple(sorted(error.metadata.items())))
