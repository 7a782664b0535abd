"""The figures of a storm: what went wrong how often, and how quickly payments were known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.storm.evidence import Call, Evidence, Held, Trade
from tests.storm.plan import VICTIMS


def pairs(evidence: Evidence) -> Iterator[tuple[Trade, Held]]:
    """Yield each order as both sides know it."""
    for number, trade in evidence.trades.items():
        if number in evidence.held:
            yield trade, evidence.held[number]


def blows(evidence: Evidence) -> dict[str, int]:
    """Count what went wrong, by kind; each of these is planned."""
    planned = {each.victim for each in evidence.plan.kills}
    return {
        "dropped": evidence.notices.get("dropped", 0),
        "doubled": evidence.notices.get("doubled", 0),
        "late": late(evidence),
        "overtaken": overtaken(evidence),
        "forged": sum(each.is_forged for each in evidence.calls),
        "question unanswered": sum(
            count for kind, count in evidence.questions.items() if not kind.endswith(" 200")
        ),
        **{
            f"{victim} killed": evidence.blows.killed.get(victim, 0)
            for victim in VICTIMS
            if victim in planned
        },
        "database away": int(evidence.blows.database_down_s),
    }


def late(evidence: Evidence) -> int:
    """Count notices whose first attempt came later than any disorder explains."""
    grace_s = evidence.plan.faults["disorder_s"] * 2
    return sum(by_s > grace_s for _, by_s in _first_attempts(evidence))


def overtaken(evidence: Evidence) -> int:
    """Count notices that came after one of a payment that was made later."""
    count, newest = 0, None
    for call, _ in sorted(_first_attempts(evidence), key=lambda each: each[0].at):
        paid_at = evidence.trades[call.number].paid_at
        if newest is not None and paid_at is not None and paid_at < newest:
            count += 1
        else:
            newest = paid_at
    return count


def _first_attempts(evidence: Evidence) -> Iterator[tuple[Call, float]]:
    for each in evidence.calls:
        trade = evidence.trades.get(each.number)
        if each.attempt == 1 and not each.is_forged and trade and trade.paid_at:
            yield each, (each.at - trade.paid_at).total_seconds()


def answered_shares(evidence: Evidence) -> dict[str, float]:
    """Return which share of calls was answered with success, by who called."""
    ends = _ends_of_calls(evidence)
    told = evidence.blows
    shops = told.shop_calls_answered + told.shop_calls_unanswered
    return {
        "the platforms": ends["taken"] / max(1, ends.total()),
        "the shops": told.shop_calls_answered / max(1, shops),
    }


def ends_of_calls(evidence: Evidence) -> str:
    """Return how many calls of platforms ended how, for reading."""
    ends = _ends_of_calls(evidence)
    return ", ".join(f"{verdict} {count}" for verdict, count in ends.most_common())


def _ends_of_calls(evidence: Evidence) -> Counter[str]:
    """Count what was said to the platforms themselves; what was lost never came to us."""
    real = (each for each in evidence.calls if not each.is_forged)
    return Counter(each.verdict for each in real if each.verdict != "lost")


def repairs_s(evidence: Evidence) -> list[float]:
    """Return how long after each payment it was known here, in provider time, sorted.

    Both moments are of the machine's clock, and lie in the time in which the platforms' ran
    `speed` times as fast.
    """
    return sorted(
        (held.paid_recorded_at - trade.paid_wall).total_seconds() * evidence.plan.shape.speed
        for trade, held in pairs(evidence)
        if trade.is_paid and trade.paid_wall and held.paid_recorded_at
    )


def percentile(values: list[float], share: float) -> float:
    """Return the smallest of the sorted values that so large a share does not exceed."""
    return values[min(len(values) - 1, int(len(values) * share))] if values else float("inf")
