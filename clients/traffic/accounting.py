"""Follows receipts to their outcomes, and draws up the account: nothing may be missing in it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from clients.sdk.errors import OutageError
from clients.traffic.feeding import Sleep
from clients.traffic.pace import Clock
from concord.intake.v1 import fact_pb2, receipt_pb2

PAGE: Final = 500
POLL_S: Final = 1.0
# Early receipts are weighed again when their order comes, in the same transaction; three polls
# without any change say that nothing more is coming.
SETTLED_POLLS: Final = 3

EARLY_REASON: Final = "waits for its order to be created"


class Receipts(Protocol):
    """Where receipts are listed: `AsyncConcord.intake`."""

    def list(
        self, *, source: str, page_size: int, waiting: bool
    ) -> AsyncIterable[receipt_pb2.Receipt]: ...


@dataclass(slots=True)
class Account:
    """What became of a run's receipts, and of the facts in them."""

    expected: int
    receipts: Counter[str] = field(default_factory=Counter)
    facts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    """Why receipts are early or rejected."""

    @property
    def unaccounted(self) -> int:
        """How many receipts have no outcome, or are not to be found."""
        return self.expected - self.receipts.total()

    def as_json(self) -> dict[str, Any]:
        return {
            "expected": self.expected,
            "unaccounted": self.unaccounted,
            "receipts": {name: self.receipts[name] for name in OUTCOMES},
            "facts": {name: self.facts[name] for name in OUTCOMES},
            "reasons": dict(self.reasons),
        }


def outcome_name(outcome: int) -> str:
    """Return `applied` for `OUTCOME_APPLIED`."""
    return fact_pb2.Outcome.Name(outcome).removeprefix("OUTCOME_").lower()  # type: ignore[arg-type]  # An open enum's number.


OUTCOMES: Final = tuple(outcome_name(number) for number in fact_pb2.Outcome.values() if number != 0)


@dataclass(frozen=True, slots=True)
class Question:
    """Which receipts to follow, and where."""

    receipts: Receipts
    names: frozenset[str]
    source: str = ""
    """Empty for several sources."""

    async def waiting(self) -> int:
        """Count the run's receipts that have no outcome yet."""
        listed = self.receipts.list(source=self.source, page_size=PAGE, waiting=True)
        return len({receipt.name async for receipt in listed} & self.names)

    async def account(self) -> Account:
        """Look up all of the run's receipts."""
        account = Account(expected=len(self.names))
        missing = set(self.names)
        async for receipt in self.receipts.list(source=self.source, page_size=PAGE, waiting=False):
            if receipt.name in missing and receipt.outcome:
                missing.discard(receipt.name)
                _enter(account, receipt)
            if not missing:
                break
        return account

    async def settled(
        self,
        *,
        timeout_s: float,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        on_weighed: Callable[[int], None] = lambda _: None,
    ) -> Account:
        """Wait until every receipt has its last outcome, or the time is up; return the account.

        `on_weighed` is told how many more have an outcome, at each look.
        """
        deadline = clock() + timeout_s
        unchanged, before = 0, Account(expected=-1)
        weighed = 0
        while clock() < deadline:
            began = clock()
            waiting, account = await self._look()
            on_weighed(max(len(self.names) - waiting - weighed, 0))
            weighed = max(len(self.names) - waiting, weighed)
            if account is not None:
                unchanged = unchanged + 1 if account == before else 0
                calm = not account.receipts["early"] or unchanged >= SETTLED_POLLS
                if not account.unaccounted and calm:
                    return account
                before = account
            # Looking takes at most a quarter of the service's time.
            await sleep(max(POLL_S, 3 * (clock() - began)))
        return await self.account()

    async def _look(self) -> tuple[int, Account | None]:
        """Return how many receipts wait, and the account where none does."""
        try:
            waiting = await self.waiting()
            return waiting, None if waiting else await self.account()
        except OutageError:
            # The service is away; the deadline of the wait bounds how long that may last.
            return len(self.names), None


def _enter(account: Account, receipt: receipt_pb2.Receipt) -> None:
    name = outcome_name(receipt.outcome)
    account.receipts[name] += 1
    account.facts.update(outcome_name(fact.outcome) for fact in receipt.facts if fact.outcome)
    if receipt.outcome == fact_pb2.OUTCOME_EARLY:
        account.reasons[f"early: {EARLY_REASON}"] += 1
    if receipt.outcome == fact_pb2.OUTCOME_REJECTED:
        reason = receipt_pb2.Rejection.Reason.Name(receipt.rejection.reason)
        said = reason.removeprefix("REASON_").lower()
        account.reasons[f"rejected: {said} {receipt.rejection.field}".rstrip()] += 1
