"""Batches: many orders that are handled at once, by a template, on a list that is frozen first.

A batch is made (FROZEN: who is on the list and who is not, with the reason), looked at, confirmed,
and runs by itself, order by order and step by step. What was done for an order is done once: the
key of a step is made of batch, order and step. A step that is refused leaves its order FAILED with
the reason; a retry takes those orders alone, from that step on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, unique
from types import MappingProxyType
from typing import Final

from service.domain.desk.batch_errors import (
    BatchEmptyError,
    BatchNotConfirmedError,
    BatchNotInStateError,
    BatchRoleRefusedError,
    SecondPersonNeededError,
)
from service.domain.desk.taxonomy import Words
from service.domain.desk.workflows import Effect, EffectKind
from service.domain.facts import OrderRef
from service.domain.lifecycle import State


@unique
class BatchState(Enum):
    """Where a batch is."""

    FROZEN = "FROZEN"
    """The list stands; somebody must confirm it, or call it off."""
    RUNNING = "RUNNING"
    """The clockwork works it off."""
    PAUSED = "PAUSED"
    """Nothing happens until somebody resumes it, or calls it off."""
    DONE = "DONE"
    """Every order was tried; those that failed can be retried."""
    CANCELLED = "CANCELLED"
    """Called off; what was done stays done."""


@unique
class BatchAct(Enum):
    """What may be asked of a batch; FINISH is the clockwork's own."""

    CONFIRM = "CONFIRM"
    PAUSE = "PAUSE"
    RESUME = "RESUME"
    CANCEL = "CANCEL"
    RETRY = "RETRY"
    FINISH = "FINISH"


MOVES: Final[Mapping[BatchState, Mapping[BatchAct, BatchState]]] = MappingProxyType(
    {
        BatchState.FROZEN: {
            BatchAct.CONFIRM: BatchState.RUNNING,
            BatchAct.CANCEL: BatchState.CANCELLED,
        },
        BatchState.RUNNING: {
            BatchAct.PAUSE: BatchState.PAUSED,
            BatchAct.CANCEL: BatchState.CANCELLED,
            BatchAct.FINISH: BatchState.DONE,
        },
        BatchState.PAUSED: {
            BatchAct.RESUME: BatchState.RUNNING,
            BatchAct.CANCEL: BatchState.CANCELLED,
        },
        BatchState.DONE: {BatchAct.RETRY: BatchState.RUNNING},
        BatchState.CANCELLED: {},
    }
)
ENDED: Final = frozenset({BatchState.DONE, BatchState.CANCELLED})


@unique
class MemberState(Enum):
    """What became of one order."""

    WAITING = "WAITING"
    DONE = "DONE"
    FAILED = "FAILED"
    EXCLUDED = "EXCLUDED"
    """Not taken when the list was frozen; the reason says why."""


@unique
class InputKind(Enum):
    """What may be said where a template asks for something."""

    TEXT = "text"
    NUMBER = "number"


# What a batch step can bring about; the rest of the effects asks for one order at a time.
STEP_KINDS: Final = frozenset(
    {
        EffectKind.NOTICE,
        EffectKind.COUPON,
        EffectKind.MILESTONE,
        EffectKind.HOLD,
        EffectKind.CASE,
    }
)


@dataclass(frozen=True, slots=True)
class Input:
    """What whoever starts a batch may say: `days`. Without a default it must be said."""

    name: str
    title: Words
    kind: InputKind = InputKind.TEXT
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Orders for which `when` holds are left out, for this reason."""

    reason: str
    title: Words
    when: str


@dataclass(frozen=True, slots=True)
class BatchStep:
    """One thing that is brought about for each order."""

    name: str
    effect: Effect

    @property
    def is_for_customer(self) -> bool:
        """Whether it needs somebody to give it to."""
        to = self.effect.values.get("to", "")
        return self.effect.kind is EffectKind.COUPON or to == "customer"


@dataclass(frozen=True, slots=True)
class BatchTemplate:
    """What is done for which orders, by whom."""

    name: str
    version: int
    title: Words
    roles: frozenset[str]
    states: tuple[State, ...]
    steps: tuple[BatchStep, ...]
    inputs: tuple[Input, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    # In CEL: only orders for which it holds; empty for all.
    condition: str = ""

    @property
    def key(self) -> str:
        """`customs_delay@1`."""
        return f"{self.name}@{self.version}"

    def refuse_role(self, role: str) -> None:
        """Raise `BatchRoleRefusedError` unless this role may use it."""
        if role not in self.roles:
            raise BatchRoleRefusedError(
                template=self.name, role=role, roles=tuple(sorted(self.roles))
            )


@dataclass(frozen=True, slots=True)
class Selection:
    """Which orders; all that is given must hold. Named ones are looked at whatever holds."""

    tags: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    states: tuple[State, ...] = ()
    orders: tuple[str, ...] = ()
    refs: tuple[OrderRef, ...] = ()
    condition: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether it would take every order there is."""
        return not (self.tags or self.channels or self.states or self.orders or self.refs)


@dataclass(frozen=True, slots=True)
class Limits:
    """From which size on more than a yes is asked for."""

    # A hundred customers who get a wrong message can be called back in a day; more cannot.
    typed_above: int = 100
    # What no single person should be able to do by a slip: a coupon of ten for 2,000 customers.
    two_people_above: int = 2_000
    # 20,000 rows are frozen in ten seconds; whoever has more makes two batches.
    most: int = 20_000


@dataclass(frozen=True, slots=True)
class Counts:
    """How far a batch is."""

    waiting: int = 0
    done: int = 0
    failed: int = 0
    excluded: int = 0

    @property
    def size(self) -> int:
        """How many orders it takes."""
        return self.waiting + self.done + self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One batch. Frozen: every act gives a new value."""

    batch_id: str
    template: BatchTemplate
    selection: Selection
    inputs: Mapping[str, str]
    state: BatchState
    size: int
    excluded: int
    creator: str
    role: str
    created_at: datetime
    confirmer: str = ""
    confirmed_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str = ""
    version: int = 1

    @property
    def to_type(self) -> str:
        """What is typed to confirm it: which template, for how many orders."""
        return f"{self.template.name} {self.size}"

    @property
    def allowed(self) -> tuple[str, ...]:
        """What may be asked of it now."""
        return tuple(each.value for each in MOVES[self.state] if each is not BatchAct.FINISH)

    def confirm(self, actor: str, typed: str, limits: Limits, *, at: datetime) -> "Batch":
        """Let it run.

        Raises:
            BatchNotInStateError: it was confirmed, or called off.
            BatchEmptyError: no order is on its list.
            SecondPersonNeededError: it is large, and the caller made it.
            BatchNotConfirmedError: it is large, and what it is was not typed.
        """
        moved = self._moved(BatchAct.CONFIRM)
        if not self.size:
            raise BatchEmptyError(batch=self.batch_id, excluded=self.excluded)
        if self.size > limits.two_people_above and actor == self.creator:
            raise SecondPersonNeededError(batch=self.batch_id, size=self.size, creator=self.creator)
        if self.size > limits.typed_above and typed != self.to_type:
            raise BatchNotConfirmedError(batch=self.batch_id, size=self.size, expected=self.to_type)
        return replace(moved, confirmer=actor, confirmed_at=at)

    def acted(self, act: BatchAct, *, at: datetime) -> "Batch":
        """Return it after any other act, or raise `BatchNotInStateError`."""
        moved = self._moved(act)
        return replace(moved, ended_at=at if moved.state in ENDED else None)

    def _moved(self, act: BatchAct) -> "Batch":
        after = MOVES[self.state].get(act)
        if after is None:
            raise BatchNotInStateError(
                batch=self.batch_id,
                state=self.state.value,
                act=act.value,
                allowed_acts=self.allowed,
            )
        return replace(self, state=after, version=self.version + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One order on the list of a batch, and what became of it."""

    batch_id: str
    # What was named, where no order is there.
    order_id: str
    position: int
    # The order's number as people know it.
    number: str
    state: MemberState
    due_at: datetime
    changed_at: datetime
    reason: str = ""
    detail: str = ""
    next_step: int = 0
    attempts: int = 0

    def after(self, steps: int, *, of: int, at: datetime) -> "Member":
        """Return it after so many steps of all."""
        state = MemberState.DONE if steps == of else MemberState.WAITING
        return replace(
            self, state=state, next_step=steps, reason="", detail="", due_at=at, changed_at=at
        )

    def failed(self, reason: str, detail: str, *, at: datetime) -> "Member":
        """Return it as refused at its step."""
        return replace(
            self,
            state=MemberState.FAILED,
            reason=reason,
            detail=detail,
            attempts=self.attempts + 1,
            changed_at=at,
        )


def step_key(batch_id: str, order_id: str, step: str) -> str:
    """Return the one key of a step of a batch for an order."""
    return f"{batch_id}:{order_id}:{step}"
