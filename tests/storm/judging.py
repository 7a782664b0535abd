"""Says what a storm has done that it must not; nothing, where all is well.

Each rule is one function from the evidence to sentences, one for each thing that is wrong.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Final

from tests.storm.evidence import Evidence
from tests.storm.figures import answered_shares, blows, pairs, percentile, repairs_s

# Where an order may stand whose money has come.
PAID_OR_LATER: Final = frozenset(
    {"PAID", "AWAITING_OUTBOUND", "SHIPPING", "DELIVERED", "COMPLETED"}
)
REPAIR_P95_MAX_S: Final = 90.0

# A chaos run in which most calls fail has tested an outage, not a system under load.
ANSWERED_SHARE_MIN: Final = 0.6

# Of what is wrong in one way as much as a person reads.
TOLD_MOST: Final = 5

Rule = Callable[[Evidence], Iterable[str]]


def problems(evidence: Evidence) -> list[str]:
    """Return everything that is wrong, by rule."""
    found = []
    for rule in RULES:
        told = list(rule(evidence))
        found += [f"{rule.__name__}: {each}" for each in told[:TOLD_MOST]]
        if len(told) > TOLD_MOST:
            found.append(f"{rule.__name__}: and {len(told) - TOLD_MOST} more")
    return found


def it_comes_to_rest(evidence: Evidence) -> Iterable[str]:
    """When nothing breaks any more, everything comes right by itself."""
    return evidence.unrest


def every_order_is_known(evidence: Evidence) -> Iterator[str]:
    """Every purchase is a trade there and an order here."""
    for each in evidence.plan.purchases:
        if each.number not in evidence.trades:
            yield f"{each.number} is no trade"
        if each.number not in evidence.held:
            yield f"{each.number} is no order"


def what_is_paid_there_is_paid_here(evidence: Evidence) -> Iterator[str]:
    """No order is paid at its provider and unpaid here, or paid another sum."""
    for trade, held in pairs(evidence):
        if not trade.is_paid:
            continue
        if held.state not in PAID_OR_LATER:
            yield f"{held.name} is {held.state}, and paid at {trade.provider}"
        elif (held.paid_minor, held.currency) != (trade.amount_minor, trade.currency):
            yield f"{held.name} has {held.paid_minor}, {trade.provider} {trade.amount_minor}"


def what_is_paid_here_is_paid_there(evidence: Evidence) -> Iterator[str]:
    """No order is paid here of which its provider does not say so."""
    for trade, held in pairs(evidence):
        if not trade.is_paid and (held.paid_minor or held.state in PAID_OR_LATER):
            yield f"{held.name} is {held.state} with {held.paid_minor}, unpaid at {trade.provider}"


def no_step_is_taken_twice(evidence: Evidence) -> Iterator[str]:
    """Each order's steps are a walk that enters no state twice, and its money moves once."""
    for trade, held in pairs(evidence):
        walk = [each for each in held.steps if each.kind in ("PLACED", "MOVED")]
        counts = collections.Counter(each.new for each in walk)
        if not walk or any(count > 1 for count in counts.values()):
            yield f"{held.name} went {[each.new for each in walk]}"
        elif any(before.new != after.old for before, after in pairwise(walk)):
            yield f"{held.name} jumped: {[(each.old, each.new) for each in walk]}"
        elif walk[-1].new != held.state:
            yield f"{held.name} is {held.state}, and went to {walk[-1].new}"
        moved = sum(each.kind == "MONEY_MOVED" for each in held.steps)
        if moved != int(trade.is_paid):
            yield f"{held.name}'s money moved {moved} times"


def the_journal_holds(evidence: Evidence) -> Iterator[str]:
    """The chains of hashes are whole."""
    if evidence.journal_problem:
        yield evidence.journal_problem


def every_invariant_holds(evidence: Evidence) -> Iterable[str]:
    """What must hold at every moment holds at the end."""
    return evidence.broken_invariants


def nothing_forged_is_believed(evidence: Evidence) -> Iterator[str]:
    """No forged call was taken, and no receipt is of a message that no platform sent."""
    for each in evidence.calls:
        if each.is_forged and each.verdict == "taken":
            yield f"a call for {each.number}, forged by {each.notice}, was taken: {each.answer}"
    sent = {(each.provider, each.number) for each in evidence.calls if not each.is_forged}
    notices = {each.notice for each in evidence.calls if not each.is_forged and each.notice}
    for stored in evidence.receipts:
        if stored.is_answer:
            if stored.number not in evidence.trades:
                yield f"an answer about {stored.number}, which is no trade"
        elif (stored.source, stored.number) not in sent:
            yield f"{stored.source} sent nothing about {stored.number}"
        elif _names_notices(evidence, stored.source) and stored.message_id not in notices:
            yield f"{stored.source} did not send {stored.message_id}"


def every_call_is_answered_right(evidence: Evidence) -> Iterator[str]:
    """Success where we have it and a failure where not, in each platform's own words."""
    stored = {(each.source, each.number) for each in evidence.receipts if not each.is_answer}
    named = {(each.source, each.message_id) for each in evidence.receipts}
    for each in evidence.calls:
        if not each.is_right:
            yield f"{each.provider} was answered {each.answer!r} about {each.number}"
        if each.verdict != "taken" or each.is_forged:
            continue
        known = (each.provider, each.number) in stored
        if _names_notices(evidence, each.provider):
            known = (each.provider, each.notice) in named
        if not known:
            yield f"{each.provider} stopped telling about {each.number}, and there is no receipt"


def what_shops_were_promised_is_kept(evidence: Evidence) -> Iterator[str]:
    """Acknowledged means durable."""
    for name in sorted(evidence.blows.acknowledged - evidence.known_receipts):
        yield f"{name} was acknowledged, and is gone"


def nobody_is_bothered(evidence: Evidence) -> Iterator[str]:
    """No case is open: nothing that happened needs a person."""
    for type_, order in evidence.cases:
        yield f"{type_} of {order}"


def repair_is_quick(evidence: Evidence) -> Iterator[str]:
    """Of all payments 95 % are known within 90 s of provider time."""
    p95_s = percentile(repairs_s(evidence), 0.95)
    if p95_s > REPAIR_P95_MAX_S:
        yield f"p95 is {p95_s:.1f} s of provider time"


def it_was_a_storm(evidence: Evidence) -> Iterator[str]:
    """Every kind of blow that was planned came, and most calls were answered all the same."""
    for kind, count in blows(evidence).items():
        if not count:
            yield f"no blow of the kind {kind!r}"
    blown, planned = evidence.blows, evidence.plan
    if sum(blown.killed.values()) != len(planned.kills):
        yield f"{sum(blown.killed.values())} kills, planned were {len(planned.kills)}"
    for who, share in answered_shares(evidence).items():
        if share < ANSWERED_SHARE_MIN:
            yield f"only {share:.0%} of the calls of {who} were answered"


RULES: Final[tuple[Rule, ...]] = (
    it_was_a_storm,
    it_comes_to_rest,
    every_order_is_known,
    what_is_paid_there_is_paid_here,
    what_is_paid_here_is_paid_there,
    no_step_is_taken_twice,
    the_journal_holds,
    every_invariant_holds,
    nothing_forged_is_believed,
    every_call_is_answered_right,
    what_shops_were_promised_is_kept,
    nobody_is_bothered,
    repair_is_quick,
)


def _names_notices(evidence: Evidence, provider: str) -> bool:
    """Whether a platform gives each notice an id of its own."""
    return any(each.provider == provider and each.notice for each in evidence.calls)
