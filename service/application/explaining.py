"""Explains an order: from what is stored, to what a person needs to know."""

from service.application.commands import allowed_actions
from service.application.reading import Explanation, Reader
from service.domain.claims import claims
from service.domain.contradictions import discrepancies
from service.domain.errors import OrderNotFoundError
from service.domain.facts import PROVES
from service.domain.sentences import summary
from service.domain.truth import derive


def explain(reader: Reader, order_id: str) -> Explanation:
    """Return what is true and why, or raise `OrderNotFoundError`."""
    dossier = reader.dossier(order_id)
    order, truth = dossier.order, derive(dossier.facts)
    if order is None or truth is None:
        raise OrderNotFoundError(order=order_id)
    found = discrepancies(dossier.facts)
    told = claims(dossier.facts, truth, found)
    awaited = tuple(reader.awaited(order_id))
    proofs = sorted(
        (each for each in dossier.facts if PROVES.get(each.kind) is order.state),
        key=lambda each: each.when,
    )
    asked = tuple(reader.verifications([order_id]).get(order_id, ()))
    summary_en, summary_zh = summary(order, told, found, awaited, asked)
    return Explanation(
        order=order,
        evidence=tuple(each.fact_id for each in proofs),
        claims=told,
        awaited=awaited,
        discrepancies=found,
        cases=dossier.open_cases,
        flags=tuple(reader.standing_flags(order_id)),
        trace_ids=tuple(reader.trace_ids(order_id)),
        allowed_actions=allowed_actions(order),
        summary_en=summary_en,
        summary_zh=summary_zh,
        verifications=asked,
        handling=tuple(reader.handling(order_id)),
    )
