"""Documents: what an act takes, and what it has used up."""

from datetime import UTC, datetime, timedelta

import pytest

from service import catalogue
from service.domain.cases import Case, CaseState
from service.domain.desk.handling import Document, Handling, StepRun, missing

KNOWN = catalogue.load()
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at_step(step: str, *acts: str, documents: dict[str, datetime]) -> Handling:
    workflow = KNOWN.newest("out_of_stock")
    assert workflow is not None
    return Handling(
        case=Case("case-1", "ord-1", "OUT_OF_STOCK", CaseState.OPEN, NOON, NOON, "purchasing"),
        kind=KNOWN.type("OUT_OF_STOCK"),
        workflow=workflow,
        runs=(StepRun(step=step, number=1, role="purchasing", begun_at=NOON, begun_n=2),),
        documents=tuple(
            Document(number, name, "chen.jie", added_at)
            for number, (name, added_at) in enumerate(documents.items())
        ),
        acts=acts,
    )


def missing_for(handling: Handling, act_name: str) -> tuple[str, ...]:
    step = handling.step(handling.active[0].step)
    assert step is not None
    act = step.act(act_name)
    assert act is not None
    return missing(handling, step, act)


def test_what_came_before_the_step_counts_while_nobody_took_it() -> None:
    early = at_step("purchase", documents={"delay_days": NOON - HOUR})

    assert missing_for(early, "order_more") == ("purchase_order",)


@pytest.mark.parametrize(
    ("added_at", "lacking"), [(NOON - HOUR, ("delay_days",)), (NOON, ()), (NOON + HOUR, ())]
)
def test_days_of_delay_that_were_told_are_no_news(
    added_at: datetime, lacking: tuple[str, ...]
) -> None:
    waiting = at_step("wait", "purchase.order_more", documents={"delay_days": added_at})

    assert missing_for(waiting, "later") == lacking
