"""Says of a difference what it is, what became of it, and who must act: Chinese and English."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Final, NamedTuple

from service.domain.lifecycle import State
from service.domain.money import Money
from service.domain.reconciling.bills import PAYMENT, REFUND, is_of_bill
from service.domain.reconciling.differences import (
    ASKED_AGAIN,
    FILE_ROW_APPLIED,
    OF_MONEY,
    OF_ORDERS,
    STATE_APPLIED,
    Difference,
    DifferenceState,
    case_type_of,
)
from service.domain.reconciling.judging import DifferenceKind, Finding
from service.domain.sentences import STATES_ZH


class Said(NamedTuple):
    """The same in both languages."""

    zh: str
    en: str


_KINDS: Final[Mapping[DifferenceKind, Said]] = MappingProxyType(
    {
        DifferenceKind.MISSING_HERE: Said(
            "渠道文件中有此订单({file}),系统中没有。",
            "The channel's file has this order ({file}), and we do not.",
        ),
        DifferenceKind.MISSING_THERE: Said(
            "系统中有此订单({ours}),渠道文件中没有。",
            "We have this order ({ours}), and the channel's file does not.",
        ),
        DifferenceKind.AMOUNT: Said(
            "金额不一致:渠道文件 {file},系统 {ours},已知支付 {payments}。",
            "The amounts differ: {file} in the file, {ours} here; known payments: {payments}.",
        ),
        DifferenceKind.QUANTITY: Said(
            "数量不一致:渠道文件 {file} 件,系统 {ours} 件。",
            "The quantities differ: {file} in the file, {ours} here.",
        ),
        DifferenceKind.STATE: Said(
            "状态不一致:渠道文件为 {file},系统为 {ours}。",
            "The states differ: {file} in the file, {ours} here.",
        ),
        DifferenceKind.DOUBLED: Said(
            "重复支付:应付 {file},实付 {payments}。",
            "It is paid more than once: {file} was asked, and {payments} came.",
        ),
        DifferenceKind.WRONG_DAY: Said(
            "日期不一致:渠道记为 {file},系统记为 {ours}(渠道时区)。",
            "The days differ: {file} in the file, {ours} here, both in the shop's zone.",
        ),
        DifferenceKind.WRONG_CHANNEL: Said(
            "渠道不一致:文件属于 {file},系统记为 {ours}。",
            "The channels differ: the file is of {file}, our order is of {ours}.",
        ),
    }
)
# What a file says of an order that it has more than once is how often, not how much.
_LISTED_AGAIN: Final = Said(
    "重复:渠道文件中出现 {file} 次,已知支付 {payments}。",
    "It is doubled: the file has it {file} times; known payments: {payments}.",
)

# Of a provider's bill: what differs, and what finance begins with.
_BILLED: Final[Mapping[DifferenceKind, Said]] = MappingProxyType(
    {
        DifferenceKind.MISSING_HERE: Said(
            "支付账单中有此款项({file}),系统中没有。",
            "The provider's bill has this money ({file}), and we do not.",
        ),
        DifferenceKind.MISSING_THERE: Said(
            "系统中有此款项({ours}),支付账单中没有。",
            "We hold this money ({ours}), and no bill of the provider has it.",
        ),
        DifferenceKind.AMOUNT: Said(
            "金额不一致:支付账单 {file},系统 {ours}。",
            "The amounts differ: {file} in the provider's bill, {ours} here.",
        ),
    }
)
_BILLED_ADVICE: Final[Mapping[DifferenceKind, Said]] = MappingProxyType(
    {
        DifferenceKind.MISSING_HERE: Said(
            "请查明该商户订单号属于哪个订单,无订单的款项应退还",
            "find whose payment this number is, and give back what is nobody's",
        ),
        DifferenceKind.MISSING_THERE: Said(
            "请在支付商户平台核实该笔款项,未核实前不要发货或退款",
            "look the payment up at the provider, and neither ship nor refund before",
        ),
        DifferenceKind.AMOUNT: Said(
            "请在支付商户平台核实实际金额,并更正系统或处理差额",
            "look the true amount up at the provider, and settle what it differs by",
        ),
    }
)
_BOOKING: Final = Said(
    "账单已导入,正在入账,暂无需人工。",
    "The bill's rows are being booked; nobody must act yet.",
)

# What whoever must act begins with.
_ADVICE: Final[Mapping[DifferenceKind, Said]] = MappingProxyType(
    {
        DifferenceKind.MISSING_HERE: Said(
            "请在渠道后台核对这些订单,再补拉当日数据或重新导入文件",
            "look it up at the channel, then pull that day again or import its file again",
        ),
        DifferenceKind.MISSING_THERE: Said(
            "请确认订单属于该店铺和该日,再向渠道索取完整文件",
            "see whether it is of this shop and day, then ask the channel for a whole file",
        ),
        DifferenceKind.AMOUNT: Said(
            "请核对应付、优惠与实付,多收的退款,少收的补收",
            "compare total, discounts and payments; give back what is too much, ask for what lacks",
        ),
        DifferenceKind.QUANTITY: Said(
            "请核对商品件数,未更正前不要继续发货",
            "compare the articles, and ship no more before it is right",
        ),
        DifferenceKind.STATE: Said(
            "请在渠道后台核对实际状态,更正落后的一方",
            "look up the true state at the channel, and correct whoever is behind",
        ),
        DifferenceKind.DOUBLED: Said(
            "请确认是否重复支付,重复的款项应退还",
            "see whether it was paid twice, and give back what came twice",
        ),
        DifferenceKind.WRONG_DAY: Said(
            "请核对下单时间,查明是否按错误的时区读取",
            "see when it was placed, and whether a time was read in the wrong zone",
        ),
        DifferenceKind.WRONG_CHANNEL: Said(
            "请确认订单的实际渠道,更正带来它的数据通道",
            "see whose order it is, and correct the feed that brought it",
        ),
    }
)
# Who has the cases of a type.
_ACTS: Final[Mapping[str, Said]] = MappingProxyType(
    {OF_ORDERS: Said("运营", "Operations"), OF_MONEY: Said("财务", "Finance")}
)

_REPAIRS: Final[Mapping[str, Said]] = MappingProxyType(
    {
        FILE_ROW_APPLIED: Said("导入文件时已自动补齐。", "Importing the file has put it right."),
        STATE_APPLIED: Said(
            "已按渠道文件自动更新状态。", "The state was taken from the file by itself."
        ),
        ASKED_AGAIN: Said("已自动向渠道重新拉取。", "The channel was asked again by itself."),
    }
)

_STATES: Final[Mapping[DifferenceState, Said]] = MappingProxyType(
    {
        DifferenceState.OPEN: Said(
            "系统即将处理,暂无需人工。", "It is about to be dealt with; nobody must act yet."
        ),
        DifferenceState.REPAIRING: Said(
            "正在等待渠道应答,暂无需人工。",
            "The channel's answer is awaited; nobody must act yet.",
        ),
        DifferenceState.REPAIRED: Said("无需处理。", "Nobody must act."),
        DifferenceState.IN_CASE: Said(
            "由{who}处理:{advice}。工单 {case}。", "{who} must act: {advice}. The case is {case}."
        ),
        DifferenceState.GONE: Said(
            "再次对账时已一致,无需处理。", "Compared again, it was not there. Nobody must act."
        ),
    }
)

_MOVEMENTS: Final[Mapping[str, Said]] = MappingProxyType(
    {PAYMENT: Said("支付", "payment"), REFUND: Said("退款", "refund")}
)
# What stands where a side says nothing.
_NOTHING: Final = Said("无", "none")


def explanation(difference: Difference) -> Said:
    """Return what a difference is, what became of it, and who must do what."""
    return Said(_explained(difference, 0), _explained(difference, 1))


def _explained(difference: Difference, language: int) -> str:
    finding, is_chinese = difference.finding, language == 0
    parts = (
        _what(finding),
        _REPAIRS.get(difference.repair, Said("", "")),
        _then(difference),
    )
    values = {
        "file": _shown(finding.file, is_chinese=is_chinese),
        "ours": _shown(finding.ours, is_chinese=is_chinese),
        "payments": _shown(finding.payments, is_chinese=is_chinese),
        "case": difference.case_id,
        "advice": _advice(finding)[language],
        "who": _ACTS[case_type_of(finding)][language],
    }
    return " ".join(each[language].format(**values) for each in parts if each[language])


def _what(finding: Finding) -> Said:
    if finding.kind in _BILLED and is_of_bill(finding):
        return _BILLED[finding.kind]
    is_listed_again = finding.kind is DifferenceKind.DOUBLED and finding.file.isdecimal()
    return _LISTED_AGAIN if is_listed_again else _KINDS[finding.kind]


def _then(difference: Difference) -> Said:
    is_booking = difference.state is DifferenceState.REPAIRING and is_of_bill(difference.finding)
    return _BOOKING if is_booking else _STATES[difference.state]


def _advice(finding: Finding) -> Said:
    return (_BILLED_ADVICE if is_of_bill(finding) else _ADVICE).get(
        finding.kind, _ADVICE[finding.kind]
    )


def summary(
    channel: str, shop: str, day: date, *, lines: int, found: int, repaired: int, is_done: bool
) -> Said:
    """Return a day's comparison in one sentence."""
    who = f"{channel} {shop}".strip()
    if not is_done:
        return Said(f"{who} {day} 正在对账。", f"{who} on {day} is being compared.")
    if not found:
        return Said(
            f"{who} {day} 对账完成:{lines} 单全部一致。",
            f"{who} on {day}: {lines} orders, and all agree.",
        )
    rest = found - repaired
    return Said(
        f"{who} {day} 对账完成:{lines} 单,差异 {found} 项,已自动修复 {repaired} 项,"
        f"尚未了结 {rest} 项。",
        f"{who} on {day}: {lines} orders, {found} differences, {repaired} repaired by themselves,"
        f" {rest} still open.",
    )


def _shown(value: str, *, is_chinese: bool) -> str:
    """Return a value as people write it: money with its point, states by their Chinese names."""
    told = " ".join(_words(value.split(), is_chinese=is_chinese))
    return told or _NOTHING[0 if is_chinese else 1]


def _words(parts: list[str], *, is_chinese: bool) -> list[str]:
    told: list[str] = []
    for part in parts:
        is_currency = len(part) == 3 and part.isupper() and told and told[-1].isdecimal()  # noqa: PLR2004  # ISO 4217
        if is_currency:
            told[-1] = str(Money(int(told[-1]), part))
        elif is_chinese and part in State.__members__:
            told.append(f"{STATES_ZH[State(part)]} {part}")
        elif part in _MOVEMENTS:
            told.append(_MOVEMENTS[part][0 if is_chinese else 1])
        elif is_chinese and part == "REFUNDED":
            told.append("已退款")
        else:
            told.append(part)
    return told
