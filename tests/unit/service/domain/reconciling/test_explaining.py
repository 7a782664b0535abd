"""What people read of a difference: what it is, what became of it, and who must do what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.domain.reconciling.differences import (
    ASKED_AGAIN,
    CASE_TYPES,
    OF_MONEY,
    Difference,
    DifferenceState,
    found,
)
from service.domain.reconciling.explaining import explanation
from service.domain.reconciling.judging import DifferenceKind, Finding
from tests.builders import NOON, REF


def a_difference(
    kind: DifferenceKind, state: DifferenceState = DifferenceState.IN_CASE, **told: str
) -> Difference:
    sides = {"file": "16900 CNY", "ours": "16800 CNY"} | told
    fresh = found("rec-1", Finding(kind, REF, "ord-1", **sides), revision=1, at=NOON)
    case_id = "case-1" if state is DifferenceState.IN_CASE else ""
    return replace(fresh, state=state, case_id=case_id)


@pytest.mark.parametrize("kind", DifferenceKind)
def test_whoever_must_act_is_named_with_what_to_do_and_where(kind: DifferenceKind) -> None:
    chinese, english = explanation(a_difference(kind))

    is_money = CASE_TYPES[kind] == OF_MONEY
    assert ("由财务处理:" if is_money else "由运营处理:") in chinese
    assert ("Finance must act: " if is_money else "Operations must act: ") in english
    assert "case-1" in chinese
    assert "case-1" in english
    assert not set("{}…—") & set(chinese + english)


@pytest.mark.parametrize(
    "state", [each for each in DifferenceState if each is not DifferenceState.IN_CASE]
)
@pytest.mark.parametrize("kind", DifferenceKind)
def test_where_nobody_must_act_it_says_so(kind: DifferenceKind, state: DifferenceState) -> None:
    chinese, english = explanation(a_difference(kind, state))

    assert "无需" in chinese
    assert "obody must act" in english


def test_an_order_in_the_file_twice_says_how_often_and_one_paid_twice_how_much() -> None:
    twice = explanation(a_difference(DifferenceKind.DOUBLED, file="2", ours="1"))
    paid = explanation(a_difference(DifferenceKind.DOUBLED, payments="2 × 33800 CNY"))

    assert "出现 2 次,已知支付 无" in twice.zh
    assert "has it 2 times; known payments: none." in twice.en
    assert "应付 169.00 CNY,实付 2 × 338.00 CNY" in paid.zh
    assert "169.00 CNY was asked, and 2 × 338.00 CNY came" in paid.en


def test_what_was_asked_again_in_vain_says_both() -> None:
    difference = replace(a_difference(DifferenceKind.MISSING_HERE), repair=ASKED_AGAIN)

    chinese, english = explanation(difference)

    assert chinese.index("重新拉取") < chinese.index("由运营处理")
    assert english.index("asked again") < english.index("Operations must act")


@pytest.mark.parametrize("kind", ["MISSING_HERE", "MISSING_THERE", "AMOUNT"])
def test_what_differs_of_a_providers_bill_is_finances(kind: str) -> None:
    sides = {"file": "PAYMENT 16900 CNY + REFUND 1000 CNY", "ours": "PAYMENT 16800 CNY"}
    if kind == "MISSING_THERE":
        sides["file"] = ""

    chinese, english = explanation(
        a_difference(DifferenceKind(kind), DifferenceState.IN_CASE, **sides)
    )

    assert "支付账单" in chinese
    assert "由财务处理:" in chinese
    assert "bill" in english
    assert "Finance must act: " in english
    assert not set("{}…—") & set(chinese + english)
    if kind == "MISSING_HERE":
        assert "支付 169.00 CNY + 退款 10.00 CNY" in chinese
        assert "payment 169.00 CNY + refund 10.00 CNY" in english


def test_a_row_of_a_bill_that_is_on_its_way_needs_nobody() -> None:
    state = DifferenceState.REPAIRING
    difference = a_difference(DifferenceKind.MISSING_HERE, state, file="PAYMENT 16900 CNY", ours="")

    chinese, english = explanation(difference)

    assert "正在入账,暂无需人工" in chinese
    assert "being booked; nobody must act" in english
