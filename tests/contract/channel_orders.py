"""One order in any of the states that a channel names, as the channel writes it."""

import json
from dataclasses import fields
from datetime import UTC, datetime

from service.domain import facts as weighed
from service.domain.contradictions import discrepancies
from service.domain.money import Money
from service.domain.truth import RefundState, Truth, derive
from streams.logic.normalising import Fact, Reading, Receipt, read
from streams.template_files import load_templates

TEMPLATES = load_templates()
RECEIVED = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)

# 08:00 in Beijing on 29 December 2025 is midnight UTC: 1766966400.
CREATED, PAID, SENT, ENDED = 1766966400, 1766966460, 1766970000, 1767052800
WRITTEN = {
    each: datetime.fromtimestamp(each + 8 * 3600, UTC).strftime("%Y-%m-%d %H:%M:%S")
    for each in (CREATED, PAID, SENT, ENDED)
}


def reading_of(template: str, body: object) -> Reading:
    """What a message means."""
    source = template.partition(".")[0]
    receipt = Receipt("receipts/r-1", source, template, "", json.dumps(body).encode(), "", RECEIVED)
    return read(receipt, TEMPLATES)


def facts_of(template: str, body: object) -> tuple[Fact, ...]:
    """The facts of a message that must be readable."""
    reading = reading_of(template, body)
    assert reading.rejection is None, reading.rejection
    return reading.facts


def truth_of(*facts: Fact) -> Truth:
    """What facts prove together; none of them may contradict another."""
    told = [_weighed(each) for each in facts]
    assert discrepancies(told) == ()
    truth = derive(told)
    assert truth is not None
    return truth


def in_words(template: str, body: object) -> str:
    """State, refunds and notes of the order that a message tells of: `PAID asked hold_risk`."""
    facts = facts_of(template, body)
    truth = truth_of(*facts)
    kinds = {each.kind.value for each in facts}
    refunds = {
        "full": truth.refund_state is RefundState.FULL,
        "back": "REFUND_SUCCEEDED" in kinds,
        "asked": "REFUND_REQUESTED" in kinds,
    }
    axis = next((word for word, holds in refunds.items() if holds), "-")
    notes = sorted({each.note for each in facts if each.note} - {weighed.TOTAL_SO_FAR})
    return " ".join([truth.state.value, axis, *notes])


def _weighed(fact: Fact) -> weighed.Fact:
    told = {each.name: getattr(fact, each.name) for each in fields(fact)}
    return weighed.Fact(
        **{
            **told,
            "kind": weighed.FactKind(fact.kind.value),
            "ref": weighed.OrderRef(fact.ref.namespace, fact.ref.value),
            "amount": Money(fact.amount.minor, fact.amount.currency) if fact.amount else None,
            "list_amount": None,
            "circumstances": frozenset(),
            "more_refs": (),
            "lines": (),
            "identities": (),
        }
    )


def douyin(state: str, **also: object) -> object:
    """An order of 12.30 yuan at the Douyin shop; who paid and sent is told by `also`."""
    order = {
        "order_id": "4705288465508532862",
        "order_status": int(state),
        "create_time": CREATED,
        "pay_time": 0,
        "ship_time": 0,
        "finish_time": 0,
        "update_time": ENDED,
        "pay_amount": 1230,
        "pay_type": 1,
        **also,
    }
    return {"data": {"shop_order_list": [order]}, "err_no": 0, "code": 10000}


def jd(state: str, **also: object) -> object:
    """An order of 12.30 yuan at JD, under the present names."""
    order = {
        "orderId": "2025122900001",
        "orderState": state,
        "payType": "4-在线支付",
        "orderPayment": "12.30",
        "orderTotalPrice": "20.00",
        "freightPrice": "0.00",
        "orderStartTime": WRITTEN[CREATED],
        "paymentConfirmTime": WRITTEN[PAID],
        "modified": WRITTEN[ENDED],
        **also,
    }
    found = {"apiResult": {"success": True}, "orderInfoList": [order]}
    return {"jingdong_pop_order_search_responce": {"code": "0", "searchorderinfo_result": found}}


def pdd(state: str, **also: object) -> object:
    """An order of 12.30 yuan at Pinduoduo: `order_status`×`refund_status`."""
    shipping, _, refund = state.partition("×")
    order = {
        "order_sn": "251229-000000000000001",
        "created_time": WRITTEN[CREATED],
        "confirm_time": WRITTEN[PAID],
        "updated_at": WRITTEN[ENDED],
        "shipping_time": WRITTEN[SENT] if shipping in {"2", "3"} else "",
        "receive_time": WRITTEN[ENDED] if shipping == "3" else "",
        "order_status": int(shipping),
        "refund_status": int(refund),
        "confirm_status": 1,
        "group_status": 1,
        "risk_control_status": 0,
        "pay_amount": 12.3,
        "pay_no": "42000001",
        **also,
    }
    return {"order_info_get_response": {"order_info": order}}


def taobao(state: str, **also: object) -> object:
    """A trade of 12.30 yuan at Taobao."""
    trade = {
        "tid": 2025122900000000001,
        "status": state,
        "type": "fixed",
        "payment": "12.30",
        "created": WRITTEN[CREATED],
        "pay_time": WRITTEN[PAID],
        "end_time": WRITTEN[ENDED],
        "modified": WRITTEN[ENDED],
        **also,
    }
    return {"trade_fullinfo_get_response": {"trade": trade}}


def wechat(state: str, **also: object) -> object:
    """An order of 12.30 yuan at WeChat's shop."""
    order = {
        "order_id": "3705115058471208928",
        "status": int(state),
        "create_time": CREATED,
        "update_time": ENDED,
        "order_detail": {
            "price_info": {"order_price": 1230},
            "pay_info": {"pay_time": PAID, "payment_method": 1, "transaction_id": "42", **also},
        },
    }
    return {"errcode": 0, "order": order}


def mini(state: str) -> object:
    """An order of 12.30 yuan of our own mini program."""
    order = {
        "transaction_id": "42000003",
        "merchant_trade_no": "T-1",
        "paid_amount": 1230,
        "pay_time": PAID,
        "order_state": int(state),
    }
    return {"errcode": 0, "order_list": [order], "has_more": False}


def shopify(state: str, **also: object) -> object:
    """An order of 12.30 dollars: `financial_status`×`fulfillment_status`."""
    financial, _, fulfilment = state.partition("×")
    return {
        "id": 450789469,
        "created_at": "2025-12-28T19:00:00-05:00",
        "updated_at": "2025-12-29T19:00:00-05:00",
        "currency": "USD",
        "total_price": "12.30",
        "total_discounts": "0.00",
        "financial_status": financial,
        "fulfillment_status": fulfilment or None,
        **also,
    }


def woocommerce(state: str, **also: object) -> object:
    """An order of 12.30 dollars at a shop of one's own."""
    return {
        "id": 727,
        "status": state,
        "currency": "USD",
        "total": "12.30",
        "date_created_gmt": "2025-12-29T00:00:00",
        "date_modified_gmt": "2025-12-30T00:00:00",
        "date_paid_gmt": None,
        "date_completed_gmt": None,
        **also,
    }
