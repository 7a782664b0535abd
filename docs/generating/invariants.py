"""The page on what must hold at every moment, from the register that the service checks by."""

from collections.abc import Iterator
from typing import Final

from generating.text import code, table, template
from service.domain.invariants import QUERIED, REGISTER, Invariant, Told

_TOLD: Final = {Told.QUERY: "query", Told.START: "start of the service", Told.SUITE: "suites"}


def page() -> str:
    """Return the page."""
    rows = (
        (
            f"[{each.id}](#{_anchor(each)})",
            each.statement[0],
            ", ".join(_TOLD[told] for told in each.told_by),
            each.owner_role,
        )
        for each in REGISTER.values()
    )
    return template("invariants.md.in").format(
        queried=len(QUERIED),
        all=len(REGISTER),
        table=table(("Id", "What holds", "Told by", "Who must act"), rows),
        sections="\n\n".join(_section(each) for each in REGISTER.values()),
    )


def _anchor(each: Invariant) -> str:
    return f"{each.id} {each.name[0]}".lower().replace(" ", "-")


def _section(each: Invariant) -> str:
    return "\n".join((f"## {each.id} {each.name[0]}", "", each.statement[0], "", *_facts(each)))


def _facts(each: Invariant) -> Iterator[str]:
    yield f"- Looked at: {each.checked}"
    if each.suites:
        yield f"- Suites: {code(*each.suites)}"
    if each.has_query:
        metric = f'concord_invariant_violations{{invariant="{each.id}"}}'
        yield f"- Metric: {code(metric)}"
    yield f"- What to do: {each.advice[0]}"
