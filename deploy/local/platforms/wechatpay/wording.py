"""How WeChat Pay words trades and refunds: in answers, in notices, and in the XML of v2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from xml.sax.saxutils import escape

from deploy.local.platforms.accounts import WechatPayAccount
from deploy.local.platforms.clock import BEIJING
from deploy.local.platforms.trades import Refund, RefundState, Trade, TradeState, digits

TRADE_STATES: Final[Mapping[TradeState, tuple[str, str]]] = {
    TradeState.WAITING: ("NOTPAY", "订单未支付"),
    TradeState.PAYING: ("USERPAYING", "用户支付中"),
    TradeState.AUTHORISED: ("ACCEPT", "已接收，等待扣款"),
    TradeState.PAID: ("SUCCESS", "支付成功"),
    TradeState.FINISHED: ("SUCCESS", "支付成功"),
    TradeState.CLOSED: ("CLOSED", "订单已关闭"),
    TradeState.FAILED: ("PAYERROR", "支付失败"),
}

REFUND_STATES: Final[Mapping[RefundState, str]] = {
    RefundState.PROCESSING: "PROCESSING",
    RefundState.SUCCEEDED: "SUCCESS",
    RefundState.CLOSED: "CLOSED",
    RefundState.FAILED: "ABNORMAL",
}

RECEIVED_BY: Final = "招商银行信用卡0403"


def transaction(account: WechatPayAccount, trade: Trade) -> dict[str, Any]:
    """Return a trade as a query tells it, and as the resource of a notice does."""
    state, words = TRADE_STATES[trade.state]
    if trade.is_paid and trade.refunded_minor:
        state, words = "REFUND", "订单发生过退款"
    told: dict[str, Any] = {
        "amount": {"total": trade.amount_minor, "currency": trade.currency},
        "appid": account.app,
        "attach": "",
        "mchid": account.merchant,
        "out_trade_no": trade.number,
        "promotion_detail": [],
        "trade_state": state,
        "trade_state_desc": words,
        "trade_type": "JSAPI",
    }
    if trade.paid is not None:
        told["amount"] |= {"payer_total": trade.amount_minor, "payer_currency": trade.currency}
        told |= {
            "bank_type": "OTHERS",
            "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
            "success_time": trade.paid.rfc3339(),
            "transaction_id": trade.id,
        }
    return told


def refund_id(trade: Trade) -> str:
    """Return an id for another refund of the trade."""
    return f"5030{digits(6)}{trade.created.beijing('%Y%m%d')}{digits(10)}"


def refund_answer(refund: Refund) -> dict[str, Any]:
    """Return a refund as a query tells it, and the answer to a request for one."""
    told = _refund(refund)
    told |= {
        "channel": "ORIGINAL",
        "create_time": refund.asked.rfc3339(),
        "funds_account": "UNSETTLED",
        "promotion_detail": [],
        "status": REFUND_STATES[refund.state],
    }
    told["amount"] |= {
        "currency": refund.trade.currency,
        "discount_refund": 0,
        "settlement_refund": refund.amount_minor,
        "settlement_total": refund.trade.amount_minor,
        "from": [],
    }
    return told


def refund_resource(account: WechatPayAccount, refund: Refund) -> dict[str, Any]:
    """Return a refund as the resource of a notice tells it: with other names than an answer."""
    told = {"mchid": account.merchant, **_refund(refund)}
    return {**told, "refund_status": REFUND_STATES[refund.state]}


def _refund(refund: Refund) -> dict[str, Any]:
    total, back = refund.trade.amount_minor, refund.amount_minor
    told: dict[str, Any] = {
        "amount": {"total": total, "refund": back, "payer_total": total, "payer_refund": back},
        "out_refund_no": refund.number,
        "out_trade_no": refund.trade.number,
        "refund_id": refund.id,
        "transaction_id": refund.trade.id,
        "user_received_account": RECEIVED_BY,
    }
    if refund.settled is not None and refund.state is RefundState.SUCCEEDED:
        told["success_time"] = refund.settled.rfc3339()
    return told


def v2_transaction(account: WechatPayAccount, trade: Trade) -> dict[str, str]:
    """Return a paid trade as v2 tells it: text only, times of Beijing."""
    time_end = trade.paid.beijing("%Y%m%d%H%M%S") if trade.paid else ""
    return {
        "appid": account.app,
        "bank_type": "OTHERS",
        "cash_fee": str(trade.amount_minor),
        "fee_type": trade.currency,
        "is_subscribe": "Y",
        "mch_id": account.merchant,
        "openid": "oUpF8uMEb4qRXf22hE3X68TekukE",
        "out_trade_no": trade.number,
        "result_code": "SUCCESS",
        "return_code": "SUCCESS",
        "time_end": time_end,
        "total_fee": str(trade.amount_minor),
        "trade_type": "JSAPI",
        "transaction_id": trade.id,
        # Coupons are numbered fields, and come in any order.
        "coupon_count": "0",
    }


def v2_refund(refund: Refund) -> dict[str, str]:
    """Return a refund as it is sealed into `req_info`."""
    settled = refund.settled or refund.asked
    return {
        "out_refund_no": refund.number,
        "out_trade_no": refund.trade.number,
        "refund_account": "REFUND_SOURCE_RECHARGE_FUNDS",
        "refund_fee": str(refund.amount_minor),
        "refund_id": refund.id,
        "refund_recv_accout": RECEIVED_BY,
        "refund_request_source": "API",
        "refund_status": v2_refund_state(refund.state),
        "settlement_refund_fee": str(refund.amount_minor),
        "settlement_total_fee": str(refund.trade.amount_minor),
        "success_time": settled.stamp.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S"),
        "total_fee": str(refund.trade.amount_minor),
        "transaction_id": refund.trade.id,
    }


def v2_refund_state(state: RefundState) -> str:
    """Return v2's word; it has two for what does not succeed."""
    return {RefundState.FAILED: "CHANGE", RefundState.CLOSED: "REFUNDCLOSE"}.get(state, "SUCCESS")


def xml(root: str, fields: Mapping[str, str]) -> bytes:
    """Return fields as v2 writes them."""
    lines = [f"<{name}><![CDATA[{value}]]></{escape(name)}>" for name, value in fields.items()]
    return f"<{root}>\n{chr(10).join(lines)}\n</{root}>".encode()
