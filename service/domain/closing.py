"""Which cases the facts themselves end, and which they open again.

A case that waiting opened ends with what was waited for, and opens again when the same is
awaited once more, in vain. A case of a contradiction ends when the truth says that nothing is
left to do, and opens again when later facts say otherwise. A case that a person ended stays
ended.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

from service.domain.cases import SETTLED, Case, CaseAct, case_id_for, open_case
from service.domain.changes import Change, ChangeKind, Named
from service.domain.contradictions import POLICY, Discrepancy
from service.domain.desk.awaited import come
from service.domain.desk.catalogue import PLAIN, Catalogue
from service.domain.expectations import RULES, Expectation
from service.domain.facts import FactKind, OrderRef
from service.domain.inquiries import Inquiry, InquiryKind
from service.domain.truth import Truth

EVIDENCE_CAME: Final = "EVIDENCE_CAME"

_PAYMENT: Final = frozenset({InquiryKind.PAYMENT, InquiryKind.CAPTURE})
_REFUND: Final = frozenset({InquiryKind.REFUND})

# Cases that asking a provider in vain opened, and what was asked; the wait is the inquiry's key.
OF_INQUIRIES: Final[Mapping[str, frozenset[InquiryKind]]] = MappingProxyType(
    {
        "PAYMENT_UNCONFIRMED": _PAYMENT,
        "REFUND_UNCONFIRMED": _REFUND,
        "REFUND_NOT_ACCEPTED": _REFUND,
        "PROBE_REFUSED": _PAYMENT | _REFUND,
    }
)

# Money that came before its order did.
ORPHANS: Final = "PAYMENT_WITHOUT_ORDER"
MONEY: Final = frozenset(
    kind.value
    for kind in (
        FactKind.PAYMENT_SUCCEEDED,
        FactKind.PAYMENT_AUTHORISED,
        FactKind.REFUND_SUCCEEDED,
    )
)

_OPENED_BY_WAITING: Final = frozenset(
    {*(rule.case_type for rule in RULES.values()), *OF_INQUIRIES, ORPHANS}
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known and still open after a decision."""

    order_id: str
    truth: Truth
    found: Sequence[Discrepancy]
    awaited: Sequence[Expectation]
    asked: Sequence[Inquiry]


def closing_acts(cases: Iterable[Case], standing: Standing, *, at: datetime) -> tuple[CaseAct, ...]:
    """Return the acts that end cases, or open settled ones again."""
    waits = set(_waits(standing))
    settled = {
        each.kind.value: POLICY[each.kind].is_settled(standing.truth) for each in standing.found
    }
    acts = []
    for case in cases:
        if case.awaits and not case.is_resolved and _has_come(case, standing.truth):
            # Its workflow waited for just that, and goes on by itself.
            continue
        if case.is_settled and not settled.get(case.type, True):
            acts.append(CaseAct(case.reopen(at=at), "REOPENED", "system", at, case.type))
        elif case.outcome == EVIDENCE_CAME and case.case_id in waits:
            # Ended and awaited again in one transaction: its deadline, which passed, stands as
            # it was and will not pass again. Of earlier transactions no such case is here.
            acts.append(CaseAct(case.reopen(at=at), "REOPENED", "system", at, case.type))
        elif case.is_resolved:
            continue
        elif case.type in _OPENED_BY_WAITING and case.case_id not in waits:
            acts.append(CaseAct(case.resolve(EVIDENCE_CAME, at=at), "RESOLVED", "system", at))
        elif settled.get(case.type, False):
            acts.append(CaseAct(case.resolve(SETTLED, at=at), "RESOLVED", "system", at))
    return tuple(acts)


def _has_come(case: Case, truth: Truth) -> bool:
    return any(each.value in case.awaits for each in come(truth))


def raised(fresh: Case, before: Case | None, *, at: datetime, text: str) -> CaseAct | None:
    """Return the act that brings what was awaited in vain before its owner.

    None where its case is open, or a person ended it. What only evidence had ended opens again.
    """
    if before is None:
        return CaseAct(fresh, "OPENED", "system", at, text)
    if before.outcome != EVIDENCE_CAME:
        return None
    again = replace(before.reopen(at=at), owner_role=fresh.owner_role, due_at=fresh.due_at)
    return CaseAct(again, "REOPENED", "system", at, text)


def orphan_case(ref: OrderRef, *, at: datetime, catalogue: Catalogue = PLAIN) -> Case:
    """Return the case of money whose order nobody has told of."""
    case = open_case(orphan_case_id(ref), "", ORPHANS, at=at, catalogue=catalogue)
    return replace(case, subject=f"{ref.namespace}/{ref.value}")


def orphan_case_id(ref: OrderRef) -> str:
    """Return the id of the one case of money that waits under a name."""
    return case_id_for(f"{ref.namespace}/{ref.value}", ORPHANS)


def act_row(act: CaseAct) -> Change:
    """Return the journal row of an act that no single fact brought."""
    case = act.case
    return Change(
        kind=ChangeKind.CASE_CHANGED,
        detail=Named(case.case_id, act.act),
        occurred_at=act.at,
        source="system",
        old=case.type,
        new=case.state.value,
        reason=case.outcome,
    )


def _waits(standing: Standing) -> Iterator[str]:
    for awaited in standing.awaited:
        yield case_id_for(standing.order_id, awaited.case_type, awaited.wait)
    for inquiry in standing.asked:
        for case_type, kinds in OF_INQUIRIES.items():
            # Paid by another trade: nobody minds any more that this one was never confirmed.
            is_moot = case_type == "PAYMENT_UNCONFIRMED" and standing.truth.is_paid
            if inquiry.kind in kinds and not is_moot:
                yield case_id_for(standing.order_id, case_type, inquiry.key)
