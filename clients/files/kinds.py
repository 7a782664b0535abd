"""Kinds of files: which columns name the order, and what must be right before a row is sent.

What a column means for an order is the template's affair (streams/templates). Here is only what
tells one kind from another, what brings rows of one order together, and what a person can mend
before it is sent. Columns go by their names: every platform has changed their order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

Names = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of file."""

    # The template that reads its orders.
    template: str
    channel: str
    # The order's number; of several names the first that is there.
    order: Names
    # Each is there by one of its names, and filled in every row.
    needed: tuple[Names, ...]
    # Numbers that are longer than Excel keeps them.
    numbers: Names = ()
    amounts: Names = ()
    quantities: Names = ()
    times: Names = ()
    # What is paid, and what it would have cost: that, or what was taken off.
    paid: Names = ()
    listed: Names = ()
    taken_off: tuple[Names, ...] = ()
    # Columns that no other kind has.
    marks: Names = ()
    # What else the template reads.
    others: Names = ()
    # What names a row within its order; empty where an order is one row.
    row: Names = ()
    # What begins the sums behind all rows: whatever follows is no row.
    sums: Names = ()

    @cached_property
    def names(self) -> frozenset[str]:
        """Every column that means something."""
        return self.known.union(self.others, self.row)

    @cached_property
    def known(self) -> frozenset[str]:
        """Every column that is known of it."""
        groups = (*self.needed, *self.taken_off)
        return frozenset(
            (
                *self.order,
                *(name for group in groups for name in group),
                *self.numbers,
                *self.amounts,
                *self.quantities,
                *self.times,
                *self.paid,
                *self.listed,
                *self.marks,
            )
        )

    def missing(self, columns: Sequence[str]) -> tuple[Names, ...]:
        """Return what must be there and is not, each by all the names that it may have."""
        present = frozenset(columns)
        return tuple(each for each in (self.order, *self.needed) if present.isdisjoint(each))


_DOUYIN: Final = Kind(
    template="douyin.orders.file",
    channel="douyin",
    order=("主订单编号", "订单编号"),
    needed=(("订单状态",), ("订单提交时间",), ("订单应付金额", "商品金额")),
    numbers=("子订单编号", "商品ID"),
    amounts=(
        "订单应付金额",
        "商品金额",
        "商品单价",
        "运费",
        "优惠总金额",
        "平台优惠",
        "商家优惠",
        "达人优惠",
        "商家改价",
        "支付优惠",
        "红包抵扣",
        "手续费",
        "平台实际承担优惠金额",
        "商家实际承担优惠金额",
        "达人实际承担优惠金额",
    ),
    quantities=("商品数量",),
    times=("订单提交时间", "支付完成时间", "订单完成时间", "发货时间"),
    paid=("订单应付金额",),
    taken_off=(
        ("优惠总金额",),
        ("平台实际承担优惠金额", "商家实际承担优惠金额", "达人实际承担优惠金额"),
    ),
    marks=("选购商品", "售后状态", "达人ID"),
    others=("支付方式", "货号", "商家编码", "收件人", "收件人手机号"),
    row=("子订单编号",),
)
_DOUYIN_AFTERSALES: Final = Kind(
    template="douyin.aftersales.file",
    channel="douyin",
    order=("售后单号",),
    needed=(("订单号",), ("售后状态",)),
    numbers=("订单号", "商品单号", "商品ID"),
    amounts=(
        "应付金额（元）",
        "应付金额(元)",
        "退款金额（元）",
        "退款金额(元)",
        "退商品金额(元)",
        "退税费金额(元)",
        "退运费金额(元)",
    ),
    times=(
        "售后申请时间",
        "同意售后申请时间",
        "商家退款时间",
        "用户到账时间",
        "售后完结时间",
        "售后关闭时间",
    ),
    marks=("商品单号", "售后申请时间"),
    others=("售后类型",),
)
_JD: Final = Kind(
    template="jd.orders.file",
    channel="jd",
    order=("订单号",),
    needed=(("订单状态",), ("下单时间",), ("应付金额", "订单金额")),
    numbers=("商品ID",),
    amounts=("京东价", "订单金额", "结算金额", "余额支付", "应付金额", "运费金额"),
    quantities=("订购数量",),
    times=("下单时间", "付款确认时间", "订单完成时间"),
    paid=("应付金额",),
    listed=("订单金额",),
    marks=("京东价", "下单帐号"),
    others=("商家SKUID", "客户地址", "客户姓名", "支付方式", "联系电话", "货号"),
    row=("商品ID",),
)
_PDD: Final = Kind(
    template="pdd.orders.file",
    channel="pdd",
    order=("订单号",),
    needed=(("订单状态",), ("用户实付金额(元)", "商家实收金额(元)", "商品总价(元)")),
    numbers=("商品id", "样式ID"),
    amounts=(
        "商品总价(元)",
        "邮费(元)",
        "店铺优惠折扣(元)",
        "平台优惠折扣(元)",
        "多多支付立减金额(元)",
        "用户实付金额(元)",
        "商家实收金额(元)",
    ),
    quantities=("商品数量(件)",),
    times=("支付时间", "拼单成功时间", "订单确认时间", "订单成交时间", "发货时间", "确认收货时间"),
    paid=("用户实付金额(元)",),
    listed=("商品总价(元)",),
    marks=("团ID", "拼单成功时间", "是否抽奖或0元试用", "样式ID"),
    others=(
        "商家编码-商品维度",
        "商家编码-规格维度",
        "售后状态",
        "快递单号",
        "支付ID",
        "收货人",
        "手机",
        "用户购买手机号",
        "是否审核中",
    ),
)
_TAOBAO: Final = Kind(
    template="taobao.orders.file",
    channel="taobao",
    order=("订单编号",),
    needed=(("订单状态",), ("订单创建时间",), ("买家实际支付金额", "总金额")),
    amounts=(
        "买家应付货款",
        "买家应付邮费",
        "总金额",
        "买家实际支付金额",
        "卖家服务费",
    ),
    quantities=("宝贝总数量",),
    times=("订单创建时间", "订单付款时间", "发货时间", "确认收货时间"),
    paid=("买家实际支付金额",),
    listed=("总金额",),
    marks=("买家会员名", "宝贝标题"),
    others=(
        "主订单编号",
        "退款金额",
        "买家会员ID",
        "支付单号",
        "物流单号",
        "收货人姓名",
        "收货地址",
        "修改后的收货地址",
        "联系手机",
        "联系电话",
    ),
)
_YOUZAN: Final = Kind(
    template="youzan.orders.file",
    channel="youzan",
    order=("订单号",),
    needed=(("订单状态",), ("订单实付金额",)),
    amounts=("订单实付金额", "应收订单金额"),
    quantities=("商品种类数",),
    times=("买家付款时间", "订单创建时间", "商家发货时间", "交易成功时间"),
    paid=("订单实付金额",),
    marks=("全部商品名称", "收货人手机号/提货人手机号"),
    others=("收货人", "收货人/提货人", "收货人手机号"),
)

# What WeChat Pay says of a day's payments and refunds: a grave accent before every cell, and sums
# behind all rows. Bills of payments alone lack what is of refunds.
_WECHATPAY_BILL: Final = Kind(
    template="wechatpay.bill.file",
    channel="wechatpay",
    order=("商户订单号",),
    needed=(
        ("交易时间",),
        ("交易状态",),
        ("微信订单号",),
        ("订单金额", "总金额", "应结订单金额"),
    ),
    numbers=("微信订单号", "微信退款单号", "商户退款单号"),
    amounts=("订单金额", "总金额", "应结订单金额", "申请退款金额", "退款金额"),
    times=("交易时间", "退款申请时间", "退款成功时间"),
    marks=("微信订单号", "商户数据包"),
    others=("货币种类", "退款状态"),
    row=("商户退款单号", "微信退款单号"),
    sums=("总交易单数",),
)

KINDS: Final[Mapping[str, Kind]] = {
    each.template: each
    for each in (
        _DOUYIN,
        _DOUYIN_AFTERSALES,
        _JD,
        _PDD,
        _TAOBAO,
        _YOUZAN,
        _WECHATPAY_BILL,
    )
}


@dataclass(frozen=True, slots=True)
class Columns:
    """Where in a file's rows a kind's columns are."""

    kind: Kind
    names: tuple[str, ...]
    order: int
    needed: tuple[int, ...]
    numbers: tuple[int, ...]
    amounts: tuple[int, ...]
    quantities: tuple[int, ...]
    times: tuple[int, ...]
    paid: int | None
    listed: int | None
    taken_off: tuple[int, ...]
    # What names a row within its order; None where an order is one row.
    row: int | None
    # Whether a row that an order has twice can be known.
    has_rows_named: bool
    # Places of one name that more than one column has, where the kind knows the name.
    doubled: tuple[tuple[int, ...], ...] = field(default=())

    @classmethod
    def of(cls, kind: Kind, names: Sequence[str]) -> Columns:
        """Find them; every one that the kind needs must be there."""
        place: dict[str, int] = {}
        places: dict[str, list[int]] = {}
        for at, name in enumerate(names):
            place.setdefault(name, at)
            places.setdefault(name, []).append(at)

        def first(group: Names) -> int | None:
            return next((place[name] for name in group if name in place), None)

        def all_of(group: Names) -> tuple[int, ...]:
            return tuple(place[name] for name in group if name in place)

        order = first(kind.order)
        needed = [at for at in map(first, kind.needed) if at is not None]
        off = next((found for each in kind.taken_off if (found := all_of(each))), ())
        known = kind.known
        return cls(
            kind=kind,
            names=tuple(names),
            order=0 if order is None else order,
            needed=tuple(needed),
            numbers=tuple(dict.fromkeys((*all_of(kind.order), *all_of(kind.numbers)))),
            amounts=all_of(kind.amounts),
            quantities=all_of(kind.quantities),
            times=all_of(kind.times),
            paid=first(kind.paid),
            listed=first(kind.listed),
            taken_off=off,
            row=first(kind.row),
            has_rows_named=not kind.row or first(kind.row) is not None,
            doubled=tuple(
                tuple(found) for name, found in places.items() if len(found) > 1 and name in known
            ),
        )
