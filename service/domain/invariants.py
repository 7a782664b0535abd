"""The register of invariants: what must hold at every moment, who must act where it does not.

Each is told in one of three ways: by a query over the database, by a check at the start of the
service, or by named suites alone, because only a client or a reader of the topics can see it.
What nobody looked at is never said to hold: a finding carries how many rows were looked at.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, unique
from types import MappingProxyType
from typing import Final

from service.domain.invariant_texts import TEXTS

# Of each invariant so many offenders are named; the rest are counted.
NAMED_MOST: Final = 20


@unique
class Told(Enum):
    """By what an invariant is known to hold; the names are those of `concord.audit.v1`."""

    QUERY = "QUERY"
    """The database tells it: `concord check`, the auditor, the last step of fault tests."""
    START = "START"
    """The service looks when it starts, and does not serve where it does not hold."""
    SUITE = "SUITE"
    """Suites tell it, of what a database cannot know."""


@dataclass(frozen=True, slots=True)
class Invariant:
    """One statement that must hold. The texts are in `invariant_texts.py`."""

    id: str
    owner_role: str
    told_by: tuple[Told, ...]
    suites: tuple[str, ...] = ()

    @property
    def name(self) -> tuple[str, str]:
        """A few words, in English and Chinese."""
        return TEXTS[self.id].name

    @property
    def statement(self) -> tuple[str, str]:
        """What holds, in English and Chinese."""
        return TEXTS[self.id].statement

    @property
    def checked(self) -> str:
        """How it is looked at."""
        return TEXTS[self.id].checked

    @property
    def advice(self) -> tuple[str, str]:
        """What to do where it does not hold, in English and Chinese."""
        return TEXTS[self.id].advice

    @property
    def has_query(self) -> bool:
        """The database can tell at least a part of it."""
        return Told.QUERY in self.told_by


_QUERY: Final = (Told.QUERY,)
_BOTH: Final = (Told.QUERY, Told.SUITE)
_SUITE: Final = (Told.SUITE,)

_LOSSES: Final = "tests/system/test_losses.py"
_STORM: Final = "tests/storm/test_whole_storm.py"
_CHAOS: Final = "tests/faults/chaos/test_chaos.py"

REGISTER: Final[Mapping[str, Invariant]] = MappingProxyType(
    {
        each.id: each
        for each in (
            Invariant("I1", "engineering", _SUITE, (_LOSSES, _STORM, _CHAOS)),
            Invariant("I2", "engineering", _BOTH, ("tests/integration/service/test_requests.py",)),
            Invariant("I3", "engineering", _SUITE, ("tests/faults/wire",)),
            Invariant("I4", "engineering", _QUERY),
            Invariant("I5", "engineering", _QUERY),
            Invariant(
                "I6",
                "engineering",
                _SUITE,
                (
                    "tests/integration/service/test_confluence.py",
                    "tests/simulation/test_simulation.py",
                ),
            ),
            Invariant("I7", "operations", _BOTH, (_LOSSES, _CHAOS, "tests/integration/relay")),
            Invariant("I8", "engineering", _BOTH, (_LOSSES, _CHAOS, "tests/integration/relay")),
            Invariant(
                "I9",
                "engineering",
                _SUITE,
                ("tests/unit/streams/test_guard.py", "tests/integration/streams/test_losses.py"),
            ),
            Invariant("I10", "engineering", _BOTH, (_LOSSES,)),
            Invariant("I11", "finance", _QUERY),
            Invariant("I12", "operations", _QUERY),
            Invariant("I13", "operations", _QUERY),
            Invariant("I14", "operations", _QUERY),
            Invariant("I15", "security", _QUERY),
            Invariant(
                "I16",
                "engineering",
                _SUITE,
                (
                    "tests/integration/service/test_feed.py",
                    "tests/integration/service/test_contention.py",
                ),
            ),
            Invariant(
                "I18",
                "security",
                _SUITE,
                ("tests/unit/telemetry/test_canaries.py", "tests/system/test_traces.py"),
            ),
            Invariant("I19", "operations", _BOTH, ("tests/faults/chaos/test_soak.py",)),
            Invariant("I20", "operations", (Told.QUERY, Told.START)),
        )
    }
)

# What a check looks at.
QUERIED: Final = tuple(each.id for each in REGISTER.values() if each.has_query)


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing for which an invariant does not hold: an id of ours, never a person's data."""

    invariant: str
    subject: str
    problem: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look at one invariant found; `count` is of all, `violations` names a few."""

    invariant: str
    checked: int
    count: int = 0
    violations: tuple[Violation, ...] = ()


@dataclass(slots=True)
class Tally:
    """Adds up findings, at most so many named for each invariant."""

    most: int = NAMED_MOST
    _checked: dict[str, int] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _named: dict[str, list[Violation]] = field(default_factory=dict)

    def look(self, *invariants: str, at: int) -> None:
        """Count rows that were looked at for these invariants."""
        for each in invariants:
            self._checked[each] = self._checked.get(each, 0) + at

    def violate(self, violations: Iterable[Violation]) -> None:
        """Count what does not hold, and name the first."""
        for each in violations:
            self._counts[each.invariant] = self._counts.get(each.invariant, 0) + 1
            named = self._named.setdefault(each.invariant, [])
            if len(named) < self.most:
                named.append(each)

    def take(self, findings: Iterable[Finding]) -> None:
        """Add what another look found."""
        for each in findings:
            self.look(each.invariant, at=each.checked)
            known = len(each.violations)
            self.violate(each.violations)
            if each.count > known:
                self._counts[each.invariant] = (
                    self._counts.get(each.invariant, 0) + each.count - known
                )

    def count(self, invariant: str) -> int:
        """How many violations of this one were found."""
        return self._counts.get(invariant, 0)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was looked at, in the register's order."""
        return tuple(
            Finding(each, self._checked[each], self.count(each), tuple(self._named.get(each, ())))
            for each in REGISTER
            if each in self._checked
        )

    @property
    def violations(self) -> Sequence[Violation]:
        """Everything that was named."""
        return [each for found in self.findings for each in found.violations]
