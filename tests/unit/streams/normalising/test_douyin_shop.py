"""What Douyin's orders and after-sales mean where its two APIs or its two states differ."""

from datetime import UTC, datetime

import pytest

from streams.logic.normalising import FactKind, Money, RejectionReason
from tests.unit.streams.normalising.builders import facts_of, reading_of, rejection_of

# 1767225600 is 2026-01-01 00:00:00 UTC.
NEW_YEAR = 1_767_225_600


def an_order(**fields: object) -> dict[str, object]:
    """One unpaid order of 12.00 yuan, as the list answers."""
    order = {
        "order_id": "4705288465508532862",
        "order_status": 1,
        "main_status": 1,
        "create_time": NEW_YEAR,
        "update_time": NEW_YEAR + 60,
        "pay_amount": 1200,
        "pay_time": 0,
        **fields,
    }
    return {"code": 10000, "data": {"shop_order_list": [order]}}


def a_detail(**fields: object) -> dict[str, object]:
    """One after-sale as its detail tells of it, which spells its names otherwise."""
    told = {
        "after_sale_id": 7001000000000000001,
        "after_sale_type": 0,
        "after_sale_status": 11,
        "refund_status": 1,
        "apply_time": NEW_YEAR,
        "update_time": NEW_YEAR + 3600,
        "refund_total_amount": 1200,
        "real_refund_amount": 0,
        **fields,
    }
    return {
        "code": 10000,
        "data": {
            "order_info": {"shop_order_id": 4705288465508532862},
            "process_info": {"after_sale_info": told},
        },
    }


def test_a_deposit_is_told_by_the_main_state_alone() -> None:
    paid_at = datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC)
    order = an_order(main_status=103, order_phase_list=[{"phase_pay_time": NEW_YEAR + 30}])

    _, started, noted = facts_of("douyin.orders", order)

    assert (started.kind, started.occurred_at) == (FactKind.PAYMENT_STARTED, paid_at)
    assert (noted.note, noted.occurred_at) == ("deposit_paid", paid_at)


def test_an_unpaid_order_without_a_deposit_is_just_there() -> None:
    (created,) = facts_of("douyin.orders", an_order())

    assert (created.kind, created.amount) == (FactKind.ORDER_CREATED, Money(1200, "CNY"))


def test_a_zero_is_no_article() -> None:
    line = {"code": "", "out_sku_id": "0", "sku_id": 1700000000000000017, "item_num": 2}

    (created,) = facts_of("douyin.orders", an_order(sku_order_list=[line]))

    assert [each.sku for each in created.lines] == ["1700000000000000017"]


def test_the_detail_of_an_aftersale_says_what_was_asked_and_what_left() -> None:
    done = a_detail(refund_status=3, after_sale_status=12, real_refund_amount=1100)

    asked, back = facts_of("douyin.aftersales", done)

    assert asked.ref.value == "4705288465508532862"
    assert asked.voucher == back.voucher == "7001000000000000001"
    assert (asked.kind, asked.amount) == (FactKind.REFUND_REQUESTED, Money(1200, "CNY"))
    assert (back.kind, back.amount) == (FactKind.REFUND_SUCCEEDED, Money(1100, "CNY"))
    assert back.occurred_at == datetime(2026, 1, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("state", "kinds"),
    [
        (11, [FactKind.REFUND_REQUESTED]),
        (28, [FactKind.REFUND_REQUESTED, FactKind.REFUND_CLOSED]),
    ],
)
def test_the_detail_follows_the_ends_of_an_aftersale(state: int, kinds: list[FactKind]) -> None:
    facts = facts_of("douyin.aftersales", a_detail(after_sale_status=state))

    assert [fact.kind for fact in facts] == kinds


def test_an_exchange_moves_no_money() -> None:
    (noted,) = facts_of("douyin.aftersales", a_detail(after_sale_type=3))

    assert (noted.kind, noted.note) == (FactKind.NOTED, "exchange_requested")


def test_the_retired_list_of_refunds_is_refused_with_what_to_ask_instead() -> None:
    rejection = rejection_of("douyin.aftersales", {"err_no": 0, "data": {"aftersale_list": [{}]}})

    assert rejection.reason is RejectionReason.FIELD_INVALID
    assert "afterSale.List" in rejection.advice


def test_a_page_without_any_order_says_so_by_null() -> None:
    for empty in (None, []):
        page = {"code": 10000, "data": {"shop_order_list": empty}}
        reading = reading_of("douyin.orders", page)
        assert (reading.facts, reading.rejection) == ((), None)
