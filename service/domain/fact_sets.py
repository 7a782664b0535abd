"""The set of facts that is known of one order, sorted once for everybody who asks it something."""

from collections.abc import Iterable, Iterator, KeysView, Sequence
from datetime import datetime
from typing import overload

from service.domain.facts import Fact, FactKind


class FactSet(Sequence[Fact]):
    """Facts in order of events, all of them and by kind. Never changed: joining gives another."""

    __slots__ = ("_by_kind", "_facts")

    def __init__(self, facts: Iterable[Fact] = ()) -> None:
        """Take facts in any order."""
        self._facts = sorted(facts, key=_when)
        self._by_kind: dict[FactKind, list[Fact]] = {}
        for fact in self._facts:
            self._by_kind.setdefault(fact.kind, []).append(fact)

    @classmethod
    def of(cls, facts: Iterable[Fact]) -> "FactSet":
        """Return facts as a set, which they may be already."""
        return facts if isinstance(facts, FactSet) else cls(facts)

    def of_kind(self, kind: FactKind) -> Sequence[Fact]:
        """Return the facts of this kind, in order of events."""
        return self._by_kind.get(kind, ())

    @property
    def kinds(self) -> KeysView[FactKind]:
        """Which kinds of facts there are."""
        return self._by_kind.keys()

    def joined(self, fact: Fact) -> "FactSet":
        """Return the set with one fact more."""
        return FactSet((*self._facts, fact))

    def __iter__(self) -> Iterator[Fact]:
        return iter(self._facts)

    def __len__(self) -> int:
        return len(self._facts)

    @overload
    def __getitem__(self, index: int) -> Fact: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Fact]: ...

    def __getitem__(self, index: int | slice) -> Fact | Sequence[Fact]:
        return self._facts[index]


def of_kind(facts: Iterable[Fact], kind: FactKind) -> Sequence[Fact]:
    """Return the facts of this kind, in order of events."""
    return FactSet.of(facts).of_kind(kind)


def _when(fact: Fact) -> tuple[datetime, str]:
    return fact.occurred_at, fact.fact_id
