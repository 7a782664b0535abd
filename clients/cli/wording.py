"""Names of states, causes and the like in Chinese and English.

The codes are the contract's; a code without a name here is shown as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from clients.cli.options import Language

# Code: (English, Chinese).
NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "PENDING_PAYMENT": ("pending payment", "待支付"),
    "PAYING": ("paying", "支付中"),
    "PAID": ("paid", "已支付"),
    "AWAITING_OUTBOUND": ("awaiting outbound", "待出库"),
    "SHIPPING": ("shipping", "发货中"),
    "DELIVERED": ("delivered", "已送达"),
    "COMPLETED": ("completed", "已完成"),
    "CANCELLED": ("cancelled", "已取消"),
    "NETWORK_JITTER": ("network jitter", "网络抖动"),
    "CALLBACK_FAILED": ("callback failed", "支付回调失败"),
    "STOCK_LOCK_CONFLICT": ("stock lock conflict", "库存锁冲突"),
    "MANUAL_PICKING": ("slow manual picking", "人工拣货慢"),
    "FILE_LATE": ("learnt from a late file", "文件迟到"),
    "OVERDUE": ("over the limit", "超时"),
    "AGREES": ("agrees", "一致"),
    "BEHIND": ("behind", "落后"),
    "CONTRADICTS": ("contradicts", "矛盾"),
    "OPEN": ("open", "待处理"),
    "ASSIGNED": ("assigned", "处理中"),
    "RESOLVED": ("resolved", "已解决"),
    "ARMED": ("armed", "查询中"),
    "DISARMED": ("disarmed", "已查明"),
    "EXHAUSTED": ("exhausted", "已超期"),
    "APPLIED": ("applied", "已生效"),
    "CONFIRMED": ("confirmed", "已确认"),
    "EARLY": ("early", "早到"),
    "CONTRADICTING": ("contradicting", "矛盾"),
    "REJECTED": ("rejected", "无法解析"),
    "IGNORED": ("ignored", "已忽略"),
    "PICKING": ("picking", "拣货中"),
    "DONE": ("done", "已完成"),
    "VOID": ("void", "已作废"),
    "NONE": ("none", "无"),
    "REQUESTED": ("requested", "已申请"),
    "PARTIAL": ("partial", "部分"),
    "FULL": ("full", "全额"),
}

# Column heads and the like.
WORDS: Final[Mapping[str, str]] = {
    "Stage": "阶段",
    "Count": "单数",
    "Mean": "平均耗时",
    "Abnormal": "异常率",
    "Main causes": "主要原因",
    "Order": "订单",
    "State": "状态",
    "Since": "起始",
    "Limit": "时限",
    "Cause": "原因",
    "Owner": "负责角色",
    "Case": "工单",
    "Channel": "渠道",
    "Receipts": "消息",
    "Facts": "事实",
    "Repeats": "重复",
    "Rejects": "无法解析",
    "Disagree": "矛盾",
    "Newest event": "最新事件",
    "Mean delay": "平均延迟",
    "Total": "金额",
    "Paid": "已付",
    "Changed": "更新",
    "Holds": "锁定",
    "Invariant": "不变量",
    "Checked": "已检查",
    "Violations": "违反",
    "What to do": "如何处理",
    "all stages quiet": "暂无阶段数据",
}


def named(code: str, language: Language | None) -> str:
    """Return a code's name in the language; with its code and Chinese name without one."""
    english, chinese = NAMES.get(code, (code, code))
    if language is Language.EN:
        return english
    if language is Language.ZH:
        return chinese
    return f"{chinese} {code}" if chinese != code else code


def word(english: str, language: Language | None) -> str:
    """Return a head of a table in the language; in English without one."""
    return WORDS.get(english, english) if language is Language.ZH else english


def code_of(enum: Any, number: int, prefix: str) -> str:  # noqa: ANN401  # A generated enum.
    """Return the contract's word for an enum value; the number where a newer server sent one."""
    try:
        return str(enum.Name(number)).removeprefix(prefix)
    except ValueError:
        return str(number)
