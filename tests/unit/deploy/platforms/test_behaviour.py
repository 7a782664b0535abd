"""What goes wrong is drawn from a seed: as often as was said, and the same in every run."""

from __future__ import annotations

from datetime import timedelta

import pytest

from deploy.local.platforms.behaviour import (
    Behaviour,
    Behaviours,
    Fate,
    Fault,
    Faults,
    fate_of,
    forgery_of,
)
from deploy.local.platforms.schedules import RETRIES
from deploy.local.platforms.trades import RefundState

NUMBERS = [f"M{number}" for number in range(5000)]

STORMY = Behaviour(drop_share=0.1, double_share=0.2, late_share=0.1, disorder_s=60)


def fates(behaviour: Behaviour, seed: str = "1") -> list[Fate]:
    return [fate_of(behaviour, seed, number) for number in NUMBERS]


def test_nothing_goes_wrong_by_itself() -> None:
    assert set(fates(Behaviour())) == {Fate((0.0,), 0)}


def test_as_much_goes_wrong_as_was_said() -> None:
    drawn = fates(STORMY)

    assert sum(fate.lost_attempts is None for fate in drawn) == pytest.approx(500, rel=0.2)
    assert sum(len(fate.delays_s) == 2 for fate in drawn) == pytest.approx(1000, rel=0.2)
    assert sum(fate.delays_s[0] > 60 for fate in drawn) == pytest.approx(500, rel=0.2)
    assert max(fate.delays_s[0] for fate in drawn) <= 86_460


def test_a_seed_is_the_same_storm_every_time_and_another_seed_is_another() -> None:
    assert fates(STORMY) == fates(STORMY)
    assert fates(STORMY) != fates(STORMY, seed="2")


def test_one_knob_does_not_turn_anothers_dice() -> None:
    only_drops = fates(Behaviour(drop_share=0.1))

    assert [fate.lost_attempts for fate in only_drops] == [
        fate.lost_attempts for fate in fates(STORMY)
    ]


def test_the_first_attempts_alone_may_get_lost() -> None:
    fate = fate_of(Behaviour(drop_share=1, drop_attempts=3), "1", "M1")

    assert fate.lost_attempts == 3


def test_forgers_use_every_kind_unless_told_which() -> None:
    kinds = ("other_key", "stale")
    forging = Behaviour(forge_share=0.5)

    drawn = [forgery_of(forging, kinds, "1", number) for number in NUMBERS]

    assert drawn.count("other_key") == pytest.approx(1250, rel=0.2)
    assert drawn.count("stale") == pytest.approx(1250, rel=0.2)
    only = forging.changed({"forge_share": 1, "forgeries": ["stale"]})
    assert {forgery_of(only, kinds, "1", number) for number in NUMBERS} == {"stale"}
    assert forgery_of(only.changed({"forgeries": []}), (), "1", "M1") is None


def test_questions_fail_in_their_shares() -> None:
    shares = {Fault.TOO_MANY: 0.1, Fault.HTML: 0.2}
    faults = Faults("1")

    drawn = [faults.draw("alipay", shares)[0] for _ in range(5000)]

    assert drawn.count(Fault.TOO_MANY) == pytest.approx(500, rel=0.2)
    assert drawn.count(Fault.HTML) == pytest.approx(1000, rel=0.2)
    assert faults.draw("alipay", {})[0] is None


def test_knobs_come_as_json_has_them() -> None:
    changed = Behaviour().changed(
        {"query_faults": {"too_many": 0.5}, "refund_ends": "failed", "drop_share": 0.1}
    )

    assert changed.query_faults == {Fault.TOO_MANY: 0.5}
    assert changed.refund_ends is RefundState.FAILED
    with pytest.raises(ValueError, match="no such knobs: drop_chair"):
        changed.changed({"drop_chair": 1})
    with pytest.raises(ValueError, match="nonsense"):
        changed.changed({"query_faults": {"nonsense": 1}})


def test_a_trade_may_be_treated_in_its_own_way() -> None:
    behaviours = Behaviours()
    behaviours.change("", "", {"drop_share": 0.1})
    behaviours.change("alipay", "", {"double_share": 0.2})
    behaviours.change("alipay", "A1", {"drop_share": 1})

    assert behaviours.of("wechatpay", "M1") == Behaviour(drop_share=0.1)
    assert behaviours.of("alipay", "A2") == Behaviour(drop_share=0.1, double_share=0.2)
    assert behaviours.of("alipay", "A1") == Behaviour(drop_share=1, double_share=0.2)
    behaviours.reset()
    assert behaviours.of("alipay", "A1") == Behaviour()


def test_schedules_are_those_that_the_platforms_document() -> None:
    wechatpay, alipay = RETRIES["wechatpay"], RETRIES["alipay"]

    assert sum(wechatpay, timedelta()) == timedelta(hours=24, minutes=4)
    assert len(alipay) + 1 == 8
    assert sum(alipay, timedelta()) == timedelta(hours=24, minutes=24)
    assert timedelta(days=2) < sum(RETRIES["stripe"], timedelta()) <= timedelta(days=3)
