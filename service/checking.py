"""`python -m service check`: every invariant that the database tells, without a running service."""

from collections.abc import Iterable, Iterator

from service.application.invariants import Audit, pages
from service.domain.invariants import REGISTER, Finding, Tally


def check(audit: Audit) -> tuple[Finding, ...]:
    """Look at everything once, and return what was found."""
    tally = Tally()
    for page in pages(audit):
        tally.take(page.findings)
    return tally.findings


def lines(found: Iterable[Finding]) -> Iterator[str]:
    """Return what was found as lines for people."""
    known = {each.invariant: each for each in found}
    for each in REGISTER.values():
        looked = known.get(each.id)
        if looked is None:
            yield f"- {each.id:<4}{each.name[0]}: told by {', '.join(each.suites)}"
            continue
        mark = "✗" if looked.count else "✓"
        told = f"{looked.count:,} violations in " if looked.count else ""
        yield f"{mark} {each.id:<4}{each.name[0]}: {told}{looked.checked:,} rows"
        yield from (f"       {one.subject}: {one.problem}" for one in looked.violations)
        if looked.count:
            yield f"       → {each.advice[0]}"
