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
    "QUEUED": ("queued", "待生成"),
    "WAITING": ("waiting", "待发送"),
    "SENDING": ("sending", "发送中"),
    "SENT": ("sent", "已送达"),
    "UNCERTAIN": ("uncertain", "是否送达未知"),
    "DEAD": ("dead", "发送失败"),
    "PLANNED": ("planned", "待到货"),
    "RECEIVED": ("received", "已到货"),
    "RED": ("red", "告急"),
    "PICKING": ("picking", "拣货中"),
    "DONE": ("done", "已完成"),
    "VOID": ("void", "已作废"),
    "NONE": ("none", "无"),
    "REQUESTED": ("requested", "已申请"),
    "PARTIAL": ("partial", "部分"),
    "FULL": ("full", "全额"),
    "CUSTOMER": ("customer", "客户侧"),
    "SYSTEM": ("system", "系统侧"),
    "SUPPLY": ("supply", "供应链"),
    "LOW": ("low", "低"),
    "NORMAL": ("normal", "中"),
    "HIGH": ("high", "高"),
    "CRITICAL": ("critical", "紧急"),
    "ORDERED": ("ordered", "已下单"),
    "ARRIVED": ("arrived", "已到货"),
    "DROPPED": ("dropped", "已取消"),
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
    "Type": "类型",
    "Assignee": "处理人",
    "Awaits": "等待",
    "Due": "剩余时限",
    "Side": "责任方",
    "Open": "待处理",
    "Nobody's": "未分配",
    "Paused": "已暂停",
    "Near breach": "即将超时",
    "In breach": "已超时",
    "Oldest": "最早",
    "Next due": "下一到期",
    "Opened": "新开",
    "Ended": "已结束",
    "Step": "步骤",
    "Leads to": "去向",
    "Severity": "严重程度",
    "Respond": "响应时限",
    "Resolve": "解决时限",
    "Calendar": "日历",
    "Workflow": "流程",
    "Role": "角色",
    "Waiting": "等待中",
    "Waiting long": "久等",
    "Longest wait": "最长等待",
    "May be done": "可执行操作",
    "Steps": "步骤",
    "Documents": "凭证",
    "Purchasing": "采购",
    "Log": "处理日志",
    "Handling": "异常处理日志",
    "Act": "操作",
    "Roles": "角色",
    "Missing": "缺少凭证",
    "Only if": "条件",
    "Until": "截止",
    "Begun": "开始",
    "Took": "用时",
    "Ended by": "结束操作",
    "Who": "操作人",
    "Document": "凭证",
    "Bytes": "字节",
    "When": "时间",
    "Kind": "种类",
    "From": "地址",
    "Said": "说明",
    "Request": "请购单",
    "Articles": "商品",
    "Asked": "提出",
    "Expected": "预计到货",
    "Article": "商品",
    "Available": "可用",
    "Safety level": "安全库存",
    "Comes in 7 days": "7 天内到货",
    "Flag since": "告急自",
    "Item": "渠道商品",
    "Sellable": "可售",
    "Scarcest article": "最紧缺商品",
    "Plan": "采购计划",
    "Warehouse": "仓库",
    "Pieces": "件数",
    "Came": "实到",
    "Note": "备注",
    "Lacking": "缺货件数",
    "Late by": "迟到",
    "Found": "发现",
    "Told": "已通知",
    "First case": "首个工单",
    "Share": "份额",
    "Had": "已用",
    "Can have": "还可用",
    "Orders wait": "等待订单",
    "First order": "首个订单",
    "Orders": "订单数",
    "open": "待处理",
    "nobody works on": "未分配",
    "paused": "已暂停",
    "near breach": "即将超时",
    "in breach": "已超时",
    "no case in this time": "此期间没有工单",
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
