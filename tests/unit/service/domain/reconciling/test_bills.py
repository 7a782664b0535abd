"""What a provider's bill says of payments and refunds, and what we hold of each."""

from __future__ import annotations

from service.domain.facts import OrderRef
from service.domain.money import Money
from service.domain.reconciling.bills import Held, Moved, is_of_bill, judge_bill
from service.domain.reconciling.differences import OF_MONEY, case_type_of
from service.domain.reconciling.judging import DifferenceKind
from service.domain.reconciling.statements import Line

REF = OrderRef("merchant", "T-1")
PAID, BACK = Money(2345, "CNY"), Money(1000, "CNY")
PAYMENT, REFUND = Moved(is_refund=False, voucher="4200"), Moved(is_refund=True, voucher="R-1")
LINES = (
    Line(REF, key="payment:4200", amount=PAID, voucher="4200"),
    Line(REF, key="refund:R-1", refunded=BACK, voucher="R-1"),
)


def held(amount: Money, *, is_of_bill: bool = False) -> Held:
    return Held("ord-1", amount, is_of_bill)


def test_what_agrees_differs_in_nothing() -> None:
    judged = judge_bill(REF, LINES, {PAYMENT: held(PAID), REFUND: held(BACK)})

    assert (judged.standing, judged.mended) == ((), ())


def test_all_that_we_lack_of_an_order_is_one_difference_of_finances() -> None:
    (lacking,) = judge_bill(REF, LINES, {}).standing

    assert lacking.kind is DifferenceKind.MISSING_HERE
    assert lacking.file == "PAYMENT 2345 CNY + REFUND 1000 CNY"
    assert is_of_bill(lacking)
    assert case_type_of(lacking) == OF_MONEY


def test_a_refund_under_a_payments_number_is_another_movement() -> None:
    swapped = {Moved(is_refund=True, voucher="4200"): held(PAID), REFUND: held(BACK)}

    (lacking,) = judge_bill(REF, LINES, swapped).standing

    assert (lacking.file, lacking.order_id) == ("PAYMENT 2345 CNY", "ord-1")


def test_an_amount_in_another_currency_is_another_amount() -> None:
    other = {PAYMENT: held(Money(2345, "HKD")), REFUND: held(BACK)}

    (differs,) = judge_bill(REF, LINES, other).standing

    assert differs.kind is DifferenceKind.AMOUNT
    assert (differs.file, differs.ours) == ("PAYMENT 2345 CNY", "PAYMENT 2345 HKD")


def test_what_only_the_bill_told_of_was_missing_and_is_mended() -> None:
    judged = judge_bill(REF, LINES, {PAYMENT: held(PAID), REFUND: held(BACK, is_of_bill=True)})

    assert judged.standing == ()
    assert [each.file for each in judged.mended] == ["REFUND 1000 CNY"]


def test_a_refund_that_has_not_arrived_is_not_missed() -> None:
    line = Line(REF, key="refund:R-2", voucher="R-2")

    assert judge_bill(REF, (line,), {}).standing == ()
