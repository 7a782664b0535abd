"""Kinds of goods and coupons: told where a channel tells them, else left out."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from streams.logic.normalising import Fact, Reading, Receipt, read
from streams.readings import reading_message
from streams.template_files import load_templates

TEMPLATES = load_templates()


def _created(template: str, body: object) -> Fact:
    receipt = Receipt(
        name="receipts/1",
        source="own",
        template=template,
        channel="own",
        body=json.dumps(body).encode(),
        content_type="application/json",
        receive_time=datetime(2026, 11, 1, tzinfo=UTC),
        account="main",
    )
    reading = read(receipt, TEMPLATES)
    assert reading.rejection is None, reading.rejection
    return next(each for each in reading.facts if each.kind.value == "ORDER_CREATED")


def _woo(**more: object) -> dict[str, object]:
    line = {"sku": "TEA-1", "quantity": 2, "price": "5.00"}
    return {
        "id": 7, "status": "processing", "currency": "EUR", "total": "10.00",
        "date_created_gmt": "2026-11-01T10:00:00", "date_paid_gmt": "2026-11-01T10:01:00",
        "line_items": [line], **more,
    }  # fmt: skip


def test_codes_of_coupons_are_told_each_once() -> None:
    lines = [{"code": "LATE10"}, {"code": "ABC"}, {"code": "LATE10"}, {"code": ""}]
    assert _created("woocommerce.order", _woo(coupon_lines=lines)).coupons == ("ABC", "LATE10")


def test_an_order_without_coupons_is_the_fact_that_it_was() -> None:
    without, none = (
        _created("woocommerce.order", _woo()),
        _created("woocommerce.order", _woo(coupon_lines=[])),
    )
    assert (without.coupons, without.fact_id) == ((), none.fact_id)
    used = _created("woocommerce.order", _woo(coupon_lines=[{"code": "X"}]))
    assert used.fact_id != without.fact_id


def test_kinds_of_goods_are_told_behind_the_channels_name_and_an_article_is_none() -> None:
    line = {"quantity": 1}
    lines = [{"sku": "TEA-1", "category": "tea"}, {"sku": "TEA-2", "category": "tea"}]
    event = {
        "type": "order.created",
        "order": {"namespace": "own", "value": "A-1"},
        "occurred_at": "2026-11-01T10:00:00Z",
        "amount": {"value": "10.00", "currency": "CNY"},
        "coupons": ["LATE10"],
        "lines": [line | each for each in [*lines, {"sku": "CUP-1"}]],
    }

    fact = _created("concord.event", event)

    assert [each.category for each in fact.lines] == ["own:tea", "own:tea", ""]
    message = reading_message(Reading("receipts/1", (fact,)), None).facts[0]
    assert (list(message.categories), list(message.coupons)) == (["own:tea"], ["LATE10"])
