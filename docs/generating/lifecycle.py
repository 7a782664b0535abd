"""The page on the life of an order, from the tables that the service decides by."""

import ast
import inspect
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from types import SimpleNamespace
from typing import Any, Final

from generating.text import code, span, table, template
from service import catalogue
from service.application.commands import GUARDS
from service.domain import lifecycle, truth
from service.domain.contradictions import POLICY, DiscrepancyKind
from service.domain.expectations import (
    ARRIVAL_GRACE,
    MOVERS,
    RULES,
    STAGE_LIMITS,
    ExpectationKind,
)
from service.domain.facts import (
    FACT_OF_ACTION,
    PROVES,
    Fact,
    FactKind,
    OrderRef,
)
from service.domain.lifecycle import CORRECTIONS, FINAL, LIFECYCLE, STAGES, Action, State
from service.domain.overdue import MISSING
from service.domain.sentences import AWAITED, STATES_ZH
from service.domain.stages import CAUSES, OVERDUE

# What the finders and rules look for, in words; a kind without its words stops the generator.
DISAGREE: Final[Mapping[DiscrepancyKind, str]] = {
    DiscrepancyKind.PAID_AFTER_CANCEL: "a payment happened after a cancellation",
    DiscrepancyKind.SHIPPED_AFTER_CANCEL: "a parcel left after a cancellation",
    DiscrepancyKind.CANCEL_AFTER_SHIPMENT: "a cancellation happened when a parcel had left",
    DiscrepancyKind.DUPLICATE_CHARGE: "payments under two vouchers",
    DiscrepancyKind.AMOUNT_DIFFERS: "a payment is not the total that a source told",
    DiscrepancyKind.TOTAL_DIFFERS: "two sources tell different totals",
    DiscrepancyKind.REFUND_FAILED: "a provider could not deliver a refund",
}
# When the facts end the case of a contradiction; the others take a person.
SETTLED: Final[Mapping[DiscrepancyKind, str]] = {
    DiscrepancyKind.PAID_AFTER_CANCEL: "all of it went back, or the order goes on",
    DiscrepancyKind.DUPLICATE_CHARGE: "what is too much went back",
    DiscrepancyKind.REFUND_FAILED: "what was asked back went back",
}
AWAITS: Final[Mapping[ExpectationKind, str]] = {
    ExpectationKind.NEXT_STAGE: "the state is not final",
    ExpectationKind.PAYMENT_FOR_SHIPPED: "a parcel left, and the money does not cover the total",
    ExpectationKind.REFUND_FOR_CANCELLED: "cancelled, and more was paid than went back",
    ExpectationKind.PAYMENT_FOR_REFUND: "more went back than came",
    ExpectationKind.REFUND_RESULT: "more was asked back than went back",
    ExpectationKind.PAYMENT_PROOF: (
        "a channel says paid, a provider closed its trade, and no numbered payment covers the total"
    ),
}


def page() -> str:
    """Return the page."""
    return template("lifecycle.md.in").format(
        diagram=_diagram(),
        states=_states(),
        matrix=_matrix(),
        guarded=code(*(each.value for each in GUARDS)),
        facts=_facts(),
        contradictions=_contradictions(),
        grace=span(ARRIVAL_GRACE),
        expectations=table(
            ("Awaited", "When", "From", "Within", "Else a case"), list(_expectations())
        ),
        overdue=OVERDUE,
        stages=_stages(),
        causes=table(
            ("Circumstance", "Cause"), ([code(each.value), code(CAUSES[each])] for each in CAUSES)
        ),
        missing=code(*MISSING.values()),
        cases=_cases(),
    )


def _diagram() -> str:
    lines = [f"    [*] --> {State.PENDING_PAYMENT.value}"]
    for begin, moves in LIFECYCLE.items():
        lines += [f"    {begin.value} --> {end.value}: {act.value}" for act, end in moves.items()]
    for begin, moves in CORRECTIONS.items():
        lines += [
            f"    {begin.value} --> {end.value}: {act.value} (evidence only)"
            for act, end in moves.items()
        ]
    lines += [f"    {each.value} --> [*]" for each in State if each in FINAL]
    return "\n".join(lines)


def _states() -> str:
    words = _docstrings(State)
    rows = (
        (
            code(each.value),
            STATES_ZH[each],
            words[each.name],
            MOVERS.get(each, "–"),
            span(STAGE_LIMITS[each]) if each in STAGE_LIMITS else "–",
        )
        for each in State
    )
    return table(("State", "中文", "Meaning", "Who moves it on", "Limit"), rows)


def _docstrings(kind: type[Enum]) -> dict[str, str]:
    """Return the text under each member; it is there in the source only."""
    body = ast.parse(inspect.getsource(lifecycle)).body
    members = next(each for each in body if getattr(each, "name", "") == kind.__name__).body  # type: ignore[attr-defined]  # a class
    found: dict[str, str] = {}
    name = ""
    for each in members:
        match each:
            case ast.Assign(targets=[ast.Name(id=name)]):
                pass
            case ast.Expr(value=ast.Constant(value=str(text))) if name:
                found[name] = text
    return found


def _matrix() -> str:
    rows = ((code(state.value), *(_target(state, action) for action in Action)) for state in State)
    return table(("", *(code(each.value) for each in Action)), rows)


def _target(state: State, action: Action) -> str:
    if action in LIFECYCLE[state]:
        return LIFECYCLE[state][action].value
    if action in CORRECTIONS.get(state, {}):
        return f"{CORRECTIONS[state][action].value} *(evidence only)*"
    return "–"


def _facts() -> str:
    asked = {fact: action for action, fact in FACT_OF_ACTION.items()}
    rows = (
        (
            code(kind.value),
            _proves(kind),
            code(asked[kind].value) if kind in asked else "–",
        )
        for kind in FactKind
    )
    return table(("Fact", "Proves", "Action whose command becomes it"), rows)


def _proves(kind: FactKind) -> str:
    if kind not in PROVES:
        return "–"
    fact = Fact("", kind, OrderRef("", ""), "", occurred_at=datetime.min.replace(tzinfo=UTC))
    by_itself = "" if truth.entries([fact]) else " *(as a claim; it enters no state)*"
    return code(PROVES[kind].value) + by_itself


def _contradictions() -> str:
    rows = (
        (
            code(kind.value),
            DISAGREE[kind],
            POLICY[kind].owner_role,
            f"{POLICY[kind].text_en} {POLICY[kind].text_zh}",
            SETTLED.get(kind, "–"),
        )
        for kind in DiscrepancyKind
    )
    return table(("Kind", "When", "Who must act", "What it says", "Settled when"), rows)


def _expectations() -> Iterator[tuple[str, ...]]:
    for kind in ExpectationKind:
        rule = RULES[kind]
        name = f"{code(kind.value)} {AWAITED[kind][1]}"
        if kind is not ExpectationKind.NEXT_STAGE:
            nothing: Any = None
            limit = span(rule.limit(nothing, STAGE_LIMITS))
            waits_for = rule.waits_for(nothing)
        else:
            states: list[Any] = [SimpleNamespace(state=each) for each in STAGE_LIMITS]
            if any(rule.waits_for(each) != MOVERS[each.state] for each in states):
                raise AssertionError("say on the page whom the next stage waits for")
            limit, waits_for = "the state's limit", "who moves the state on"
        yield name, AWAITS[kind], waits_for, limit, code(rule.case_type)


def _stages() -> str:
    rows = (
        (f"{code(begin.value)} → {code(end.value)}", f"{STATES_ZH[begin]} → {STATES_ZH[end]}",
         span(STAGE_LIMITS[begin]))
        for begin, end in STAGES
    )  # fmt: skip
    return table(("Stage", "中文", "Limit"), rows)


def _cases() -> str:
    rows = (
        (
            code(name),
            kind.side.value.lower(),
            kind.owner_role,
            span(timedelta(minutes=kind.resolve_minutes)),
            kind.calendar,
        )
        for name, kind in catalogue.load().types.items()
    )
    return table(("Type", "Side", "Owner", "To be resolved within", "By the calendar"), rows)
