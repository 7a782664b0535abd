"""The page on kinds of cases and workflows, from the catalogue that is shipped."""

from collections.abc import Iterator
from datetime import time
from typing import Final

from generating.text import code, table, template
from service import catalogue
from service.catalogue.drawing import span
from service.catalogue.effect_files import ACTIONS
from service.cel.facts import FACTS
from service.domain.desk.calendars import Calendar
from service.domain.desk.catalogue import Promise
from service.domain.desk.taxonomy import CaseType, CutOff, Side
from service.domain.desk.workflows import Awaited, Workflow

KNOWN: Final = catalogue.load()
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def page() -> str:
    """Return the page."""
    return template("workflows.md.in").format(
        awaited=code(*(each.value for each in Awaited if each.value)),
        actions=code(*ACTIONS),
        coupons=code(*KNOWN.coupons),
        facts=table(
            ("Name", "Type", "What it is"),
            ((code(name), of.kind.value, of.meaning) for name, of in FACTS.items()),
        ),
        documents=table(
            ("Kind", "Title", "Form"),
            (
                (code(each.name), f"{each.title['zh']} {each.title['en']}", each.form.value)
                for each in KNOWN.documents.values()
            ),
        ),
        types="\n\n".join(_types(side) for side in Side),
        cut_offs=table(("Type", "Refuses", "Later than", "Because"), list(_cut_offs())),
        calendars=table(("Calendar", "Zone", "Hours", "Holidays"), map(_calendar, _calendars())),
        promise=_promise(KNOWN.promise),
        workflows="\n\n".join(map(_workflow, KNOWN.workflows.values())),
    )


def _types(side: Side) -> str:
    kinds = [each for each in KNOWN.types.values() if each.side is side]
    heads = ("Type", "Title", "Severity", "Owner", "Respond, resolve", "Calendar", "Workflow",
             "Opens", "Escalates to")  # fmt: skip
    return f"**{side.value.title()}**\n\n{table(heads, map(_type, kinds))}"


def _type(kind: CaseType) -> tuple[str, ...]:
    return (
        code(kind.name),
        f"{kind.title['zh']} {kind.title['en']}",
        kind.severity.value.lower(),
        kind.owner_role,
        f"{span(kind.respond_minutes)}, {span(kind.resolve_minutes)}",
        kind.calendar,
        f"[{kind.workflow}](#{kind.workflow})",
        f"{', '.join(sorted(kind.opened_by_roles))}; {', '.join(kind.opened_by) or '–'}",
        ", ".join(kind.escalates_to),
    )


def _cut_offs() -> Iterator[tuple[str, ...]]:
    for kind in KNOWN.types.values():
        for each in kind.cut_offs:
            yield (
                code(kind.name),
                code(*each.guards),
                _later_than(each),
                f"{each.reason['en']} {each.reason['zh']}",
            )


def _later_than(cut_off: CutOff) -> str:
    side = "before" if cut_off.minutes < 0 else "after"
    days, rest = divmod(abs(cut_off.minutes), 24 * 60)
    length = span(abs(cut_off.minutes)) if rest else f"{days}d"
    return f"{length} {side} {code(cut_off.moment.value)}"


def _calendars() -> Iterator[Calendar]:
    yield from KNOWN.calendars.values()


def _calendar(calendar: Calendar) -> tuple[str, ...]:
    hours: dict[str, list[str]] = {}
    for day, spans in sorted(calendar.hours.items()):
        told = ", ".join(f"{each.begin:%H:%M}–{_end(each.end)}" for each in spans)
        hours.setdefault(told, []).append(_DAYS[day - 1])
    years = sorted({each.year for each in calendar.holidays})
    return (
        code(calendar.name),
        calendar.zone,
        "; ".join(f"{days[0]}–{days[-1]} {told}" for told, days in hours.items()),
        f"{years[0]} to {years[-1]}, {len(calendar.extra_days)} days worked instead"
        if years
        else "–",
    )


def _end(end: time) -> str:
    return "24:00" if end == time() else f"{end:%H:%M}"


def _promise(promise: Promise | None) -> str:
    if promise is None:
        return ""
    return (
        f"An order that was paid before {promise.paid_before} of a day of `{promise.calendar}` is"
        f" planned to leave at {promise.leaves_at} of that day, else of the next such day."
    )


def _workflow(workflow: Workflow) -> str:
    used = [each.name for each in KNOWN.types.values() if each.workflow == workflow.name]
    return (
        f"### {workflow.name}\n\n"
        f"{workflow.title['zh']} {workflow.title['en']}, version {workflow.version}; for"
        f" {code(*used)}.\n\n"
        f"```mermaid\n{catalogue.draw(workflow, KNOWN, 'en')}```"
    )
