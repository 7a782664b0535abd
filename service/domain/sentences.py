"""One sentence about an order, in English and Chinese, from structured values."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from service.domain.claims import Claim, Learnt, Standing
from service.domain.contradictions import POLICY, Discrepancy
from service.domain.expectations import Expectation, ExpectationKind
from service.domain.inquiries import InquiryKind
from service.domain.lifecycle import State
from service.domain.order import Order
from service.domain.probing import Probe

STATES_ZH: Final[Mapping[State, str]] = MappingProxyType(
    {
        State.PENDING_PAYMENT: "待支付",
        State.PAYING: "支付中",
        State.PAID: "已支付",
        State.AWAITING_OUTBOUND: "待出库",
        State.SHIPPING: "发货中",
        State.DELIVERED: "已送达",
        State.COMPLETED: "已完成",
        State.CANCELLED: "已取消",
    }
)

AWAITED: Final[Mapping[ExpectationKind, tuple[str, str]]] = MappingProxyType(
    {
        ExpectationKind.NEXT_STAGE: ("the next stage", "下一阶段"),
        ExpectationKind.PAYMENT_FOR_SHIPPED: (
            "the payment of what was shipped",
            "已发货订单的付款",
        ),
        ExpectationKind.REFUND_FOR_CANCELLED: (
            "the refund of what was cancelled",
            "已取消订单的退款",
        ),
        ExpectationKind.PAYMENT_FOR_REFUND: ("the payment behind the refund", "退款对应的付款"),
        ExpectationKind.REFUND_RESULT: ("the result of the refund", "退款结果"),
        ExpectationKind.PAYMENT_PROOF: (
            "the provider's word on what the channel calls paid",
            "支付平台对渠道所称已付款的确认",
        ),
    }
)

ROLES_ZH: Final[Mapping[str, str]] = MappingProxyType(
    {
        "finance": "财务",
        "warehouse": "仓库",
        "operations": "运营",
        "customer_service": "客服",
        "logistics": "物流",
        "purchasing": "采购",
    }
)


PROVIDERS_ZH: Final[Mapping[str, str]] = MappingProxyType(
    {"wechatpay": "微信支付", "alipay": "支付宝", "unionpay": "银联", "stripe": "Stripe"}
)


def summary(
    order: Order,
    told: Sequence[Claim],
    found: Sequence[Discrepancy],
    awaited: Sequence[Expectation],
    verifications: Sequence[Probe] = (),
) -> tuple[str, str]:
    """Return the sentence in English and in Chinese."""
    since = order.state_since.strftime("%Y-%m-%d %H:%M:%S UTC")
    agreeing = [each.source for each in told if each.standing is Standing.AGREES]
    behind = [each.source for each in told if each.standing is Standing.BEHIND]
    english = [f"{order.state.value} since {since}"]
    chinese = [f"自 {since} 起{STATES_ZH[order.state]}"]
    if agreeing:
        english.append(f"by the word of {', '.join(agreeing)}")
        chinese.append(f"依据:{'、'.join(agreeing)}")
    if behind:
        english.append(f"{', '.join(behind)} told of earlier stages only")
        chinese.append(f"{'、'.join(behind)} 只报告了更早的阶段")
    if asked := [each.source for each in told if each.learnt is Learnt.ASKED]:
        english.append(f"learnt by asking {', '.join(asked)}")
        chinese.append(f"经向{'、'.join(PROVIDERS_ZH.get(each, each) for each in asked)}查询得知")
    for each in found:
        policy = POLICY[each.kind]
        english.append(f"{each.kind.value}: {policy.owner_role} must act")
        chinese.append(f"{policy.text_zh.rstrip('。')}(责任:{_role(policy.owner_role)})")
    for wait in awaited:
        due = wait.due_at.strftime("%Y-%m-%d %H:%M:%S UTC")
        text_en, text_zh = AWAITED[wait.kind]
        english.append(f"{text_en} is awaited from {wait.waits_for} until {due}")
        chinese.append(f"等待{_role(wait.waits_for)}:{text_zh},期限 {due}")
    for probe in verifications:
        text_en, text_zh = verifying(probe)
        english.append(text_en)
        chinese.append(text_zh)
    return "; ".join(english) + ".", ";".join(chinese) + "。"


def verifying(probe: Probe) -> tuple[str, str]:
    """Return who is asked, how often it was, and when it will be again."""
    inquiry, due = probe.inquiry, probe.due_at.strftime("%Y-%m-%d %H:%M:%S UTC")
    is_refund = inquiry.kind is InquiryKind.REFUND
    name = PROVIDERS_ZH.get(inquiry.provider, inquiry.provider)
    return (
        f"verifying {'the refund ' if is_refund else ''}with {inquiry.provider}, "
        f"asked {probe.asked}×, next at {due}",
        f"正在向{name}核实{'退款' if is_refund else ''},已查询 {probe.asked} 次,下次 {due}",
    )


def _role(role: str) -> str:
    return ROLES_ZH.get(role, role)
