"""Says of a difference what it is and what became of it, in Chinese and English."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Final, NamedTuple

from service.domain.lifecycle import State
from service.domain.money import Money
from service.domain.reconciling.differences import (
    ASKED_AGAIN,
    FILE_ROW_APPLIED,
    STATE_APPLIED,
    Difference,
    DifferenceState,
)
from service.domain.reconciling.judging import DifferenceKind
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
            "金额不一致:渠道文件 {file},系统 {ours},支付 {payments}。",
            "The amounts differ: {file} in the file, {ours} here, {payments} paid.",
        ),
        DifferenceKind.QUANTITY: Said(
            "数量不一致:渠道文件 {file} 件,系统 {ours} 件。",
            "The quantities differ: {file} in the file, {ours} here.",
        ),
        DifferenceKind.STATE: Said(
            "状态不一致:渠道文件为{file},系统为{ours}。",
            "The states differ: {file} in the file, {ours} here.",
        ),
        DifferenceKind.DOUBLED: Said(
            "重复:渠道文件 {file},系统 {ours},支付 {payments}。",
            "It is doubled: {file} in the file, {ours} here, {payments} paid.",
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
        DifferenceState.OPEN: Said("等待处理。", "It is about to be dealt with."),
        DifferenceState.REPAIRING: Said("正在等待渠道应答。", "The channel's answer is awaited."),
        DifferenceState.REPAIRED: Said("", ""),
        DifferenceState.IN_CASE: Said("已转人工:{case}。", "A person must act: {case}."),
        DifferenceState.GONE: Said("再次对账时已一致。", "Compared again, it was not there."),
    }
)

# What stands where a side says nothing.
_NOTHING: Final = "—"


def explanation(difference: Difference) -> Said:
    """Return what a difference is and what became of it."""
    finding = difference.finding
    kind, state = _KINDS[finding.kind], _STATES[difference.state]
    repair = _REPAIRS.get(difference.repair, Said("", ""))
    return Said(
        *(
            " ".join(
                each.format(
                    file=_shown(finding.file, is_chinese=index == 0),
                    ours=_shown(finding.ours, is_chinese=index == 0),
                    payments=_shown(finding.payments, is_chinese=index == 0),
                    case=difference.case_id,
                )
                for each in (kind[index], repair[index], state[index])
                if each
            )
            for index in (0, 1)
        )
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
        f"待人工处理 {rest} 项。",
        f"{who} on {day}: {lines} orders, {found} differences, {repaired} repaired by themselves,"
        f" {rest} left to people.",
    )


def _shown(value: str, *, is_chinese: bool) -> str:
    """Return a value as people write it: money with its point, states by their Chinese names."""
    return " ".join(_words(value.split(), is_chinese=is_chinese)) or _NOTHING


def _words(parts: list[str], *, is_chinese: bool) -> list[str]:
    told: list[str] = []
    for part in parts:
        is_currency = len(part) == 3 and part.isupper() and told and told[-1].isdecimal()  # noqa: PLR2004  # ISO 4217
        if is_currency:
            told[-1] = str(Money(int(told[-1]), part))
        elif is_chinese and part in State.__members__:
            told.append(f"{STATES_ZH[State(part)]} {part}")
        elif is_chinese and part == "REFUNDED":
            told.append("已退款")
        else:
            told.append(part)
    return told
