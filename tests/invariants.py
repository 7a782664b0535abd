"""What every fault test ends with: all invariants that a database can tell, on one database.

    assert_clean(database_url)

needs the database alone; the service may be dead. Run it when traffic has come to rest and the
relay has drained: what waits to be published longer than a minute is a violation like any other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from service.application.invariants import pages
from service.domain.invariants import QUERIED, REGISTER, Finding, Tally, Violation
from service.kafka.topics import NAMES
from service.postgres.engine import make_engine
from service.postgres.invariants import Lateness, PostgresAudit, snapshots


def findings(database_url: str, *, lateness: Lateness | None = None) -> tuple[Finding, ...]:
    """Look at everything once, and return what was found for each invariant."""
    engine = make_engine(database_url, connections=1)
    try:
        tally = Tally()
        for page in pages(PostgresAudit(snapshots(engine), topics=NAMES, lateness=lateness)):
            tally.take(page.findings)
        return tally.findings
    finally:
        engine.dispose()


def violations(
    database_url: str, *, lateness: Lateness | None = None, but: Collection[str] = ()
) -> list[Violation]:
    """Return what violates an invariant, at most twenty of each; see `assert_clean` for `but`."""
    return _wrong(findings(database_url, lateness=lateness), but)


def assert_clean(
    database_url: str,
    *,
    lateness: Lateness | None = None,
    but: Mapping[str, str] | None = None,
) -> None:
    """Fail with id, statement and offenders unless every invariant holds.

    `but` names those that cannot hold where the test runs, each with the reason: `{"I7": "no relay
    runs here"}`.
    """
    found = findings(database_url, lateness=lateness)
    unseen = set(QUERIED) - {each.invariant for each in found}
    assert not unseen, f"nobody looked at {sorted(unseen)}"
    wrong = _wrong(found, (but or {}).keys())
    told = [f"{each.invariant} {each.subject}: {each.problem}" for each in wrong]
    broken = sorted({each.invariant for each in wrong})
    statements = [f"{each}: {REGISTER[each].statement[0]}" for each in broken]
    assert not wrong, "\n".join(["invariants do not hold:", *statements, *told])


def _wrong(found: Sequence[Finding], but: Collection[str]) -> list[Violation]:
    return [each for one in found for each in one.violations if each.invariant not in but]
