"""Conditions in CEL: what they may say, what is said where they are wrong, and what they judge."""

from datetime import UTC, datetime, timedelta

import pytest

from service.cel import CelConditions
from service.domain.errors import ConditionFailedError

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CONDITIONS = CelConditions()


def context(**order: object) -> dict[str, object]:
    return {"order": order, "case": {"documents": ("photo",)}, "now": NOON}


@pytest.mark.parametrize(
    ("text", "is_true"),
    [
        ("", True),
        ("order.amount > 500.0", True),
        ("order.amount > 1000.0", False),
        ('order.state == "PAID" && !order.is_shipped', True),
        ('"photo" in case.documents', True),
        ('"DUPLICATE_CHARGE" in order.discrepancies', False),
        ("size(order.skus) > 1", True),
        ('now - order.placed_at > duration("15m")', True),
        ('now.getHours("Asia/Shanghai") >= 20', True),
        ("customer.orders == 0 && stock.available < 1", True),
        ('order.channel == "map(" || order.channel.matches("^dou")', True),
    ],
)
def test_a_condition_is_judged_on_what_is_known(text: str, *, is_true: bool) -> None:
    facts = context(
        amount=519,
        state="PAID",
        skus=["A", "B"],
        placed_at=NOON - timedelta(hours=1),
        channel="douyin",
    )

    assert CONDITIONS.check(text) is None or not text
    assert CONDITIONS.holds(text, facts) is is_true


@pytest.mark.parametrize(
    ("text", "column", "what", "advice"),
    [
        ("order.amount > 5 * customer.mean_amount", 18, "int and double", "5.0 instead of 5"),
        ("order.amount > 500", 14, "double and int", "500.0 instead of 500"),
        ("order.amuont > 5.0", 6, "no `order.amuont`", "`order.amount`"),
        ("ordr.amount > 5.0", 5, "no `ordr.amount`", "`order.amount`"),
        ('order.state = "PAID"', 13, "no condition", "`==` for `=`"),
        ('order.state == "PAID" and order.is_paid', 23, "no condition", "`&&` for `and`"),
        ("not order.is_paid", 5, "no condition", "`!` for `not`"),
        ("order.is_paid == 1", 15, "bool and int", "true or false already"),
        ("order.amount", 1, "gives double", "compare it"),
        ("order.skus.exists(each, each == 'A')", 12, "goes through a list", "`size(order.skus)"),
        ("[1, 2].map(x, x * 2) == []", 8, "goes through a list", "order.discrepancies"),
        ("order.is_paid && " * 90 + "true", 1, "1534 characters", "two steps"),
    ],
)
def test_a_wrong_condition_is_refused_with_what_to_write_instead(
    text: str, column: int, what: str, advice: str
) -> None:
    problem = CONDITIONS.check(text)

    assert problem is not None
    assert (problem.line, problem.column) == (1, column)
    assert what in problem.what
    assert advice in problem.advice


def test_a_mistake_on_the_second_line_is_found_there() -> None:
    problem = CONDITIONS.check("order.is_paid &&\norder.amount > 5")

    assert problem is not None
    assert problem.line == 2


@pytest.mark.parametrize(
    "text", ["1 / size(order.skus) == 1", 'order.skus[3] == "A"', "order.amuont > 1.0"]
)
def test_a_condition_that_fails_is_never_true(text: str) -> None:
    with pytest.raises(ConditionFailedError):
        CONDITIONS.holds(text, context())
