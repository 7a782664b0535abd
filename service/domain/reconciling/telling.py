"""What finance is told of a day once nothing of it is under way any more: once a day and shop."""

from dataclasses import dataclass
from typing import Final

from service.domain.desk.notices import NoticeAsked
from service.domain.desk.taxonomy import Severity
from service.domain.reconciling.comparing import OTHER_SHOPS_OUTSTANDING, Reconciliation

TEMPLATE: Final = "day_reconciled"
RECIPIENT: Final = "role:finance"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the differences of a day."""

    # Such as are about to be dealt with, or wait for a channel's answer.
    under_way: int = 0
    repaired: int = 0
    in_case: int = 0
    # One case may tell of many differences.
    cases: int = 0


def notice_of(of: Reconciliation, outcome: Outcome, *, short: int = 0) -> NoticeAsked:
    """Return what finance is told; `short` is how many announced lines did not come.

    Its key is the day's and the shop's: however often a day is compared, it is told of once.
    """
    day = of.of
    values = {
        "channel": " ".join(each for each in (day.channel, day.shop) if each),
        "day": day.day.isoformat(),
        "lines": str(of.lines),
        "agreeing": str(of.agreeing),
        "repaired": str(outcome.repaired),
        "in_case": str(outcome.in_case),
        "cases": str(outcome.cases),
        "reconciliation": of.reconciliation_id,
    }
    if short:
        values["short"] = str(short)
    if OTHER_SHOPS_OUTSTANDING in of.notes:
        values["unjudged"] = day.channel
    return NoticeAsked(
        key=f"{of.reconciliation_id}|done",
        template=TEMPLATE,
        recipient=RECIPIENT,
        severity=Severity.NORMAL if outcome.cases else Severity.LOW,
        values=values,
    )
