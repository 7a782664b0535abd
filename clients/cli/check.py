"""`concord check`: does everything hold that must hold?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Final

import typer

from clients.cli import advice, output
from clients.cli.options import AsJson, In, Language
from clients.cli.progress import waiting
from clients.cli.session import connected, name_of
from clients.cli.wording import word
from concord.audit.v1.audit_service_pb2 import CheckInvariantsResponse, Finding, Invariant

# Of each invariant so many offenders are shown; `violationCount` tells how many there are.
SHOWN_MOST: Final = 20


def check(
    order: Annotated[str, typer.Argument(metavar="[ORDER]", help="Only this one.")] = "",
    *,
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """Look at everything that is stored for what violates an invariant; 1 where something does."""
    with connected(as_json=as_json) as concord:
        register = concord.audit.list_invariants().invariants
        name = name_of(concord, order)
        with waiting("looking at everything" if not name else f"looking at {name}"):
            found = _added_up(concord.audit.check_invariants(name))
    if as_json:
        output.print_json(_answer(register, found))
    else:
        heads = ("", "Id", "Invariant", "Checked", "Violations", "What to do")
        rows = _rows(register, found, language)
        output.print_all(
            [output.table([word(each, language) for each in heads], rows, right=(3, 4))]
        )
        for each in found.values():
            for one in each.violations:
                typer.echo(f"✗ {each.invariant_id}  {one.subject}: {one.problem}")
    if any(each.violation_count for each in found.values()):
        raise typer.Exit(advice.REFUSED)


def _added_up(findings: Iterable[Finding]) -> dict[str, Finding]:
    """Return one finding for each invariant."""
    found: dict[str, Finding] = {}
    for each in findings:
        known = found.setdefault(each.invariant_id, Finding(invariant_id=each.invariant_id))
        known.checked += each.checked
        known.violation_count += each.violation_count
        room = SHOWN_MOST - len(known.violations)
        known.violations.extend(each.violations[: max(room, 0)])
    return found


def _answer(register: Iterable[Invariant], found: Mapping[str, Finding]) -> dict[str, object]:
    answer = CheckInvariantsResponse(findings=found.values())
    return {
        "invariants": [output.as_dict(each) for each in register],
        **output.as_dict(answer),
    }


def _rows(
    register: Iterable[Invariant], found: Mapping[str, Finding], language: Language | None
) -> Iterator[tuple[str, ...]]:
    for each in register:
        looked = found.get(each.invariant_id)
        if looked is None:
            # Nobody looked at it here, and nothing is said of it.
            told = ", ".join(each.suites) if _only_suites(each) else ""
            yield "–", each.invariant_id, _name(each, language), "", "", told
            continue
        count = looked.violation_count
        yield (
            "✗" if count else "✓",
            each.invariant_id,
            _name(each, language),
            f"{looked.checked:,}",
            f"{count:,}",
            _advice(each, language) if count else "",
        )


def _only_suites(each: Invariant) -> bool:
    return list(each.told_by) == [Invariant.TOLD_SUITE]


def _name(each: Invariant, language: Language | None) -> str:
    if language is Language.EN:
        return each.name_en
    if language is Language.ZH:
        return each.name_zh
    return f"{each.name_zh} {each.name_en}"


def _advice(each: Invariant, language: Language | None) -> str:
    return each.advice_zh if language is Language.ZH else each.advice_en
