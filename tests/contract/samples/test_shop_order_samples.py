"""Orders of Douyin, JD, Pinduoduo and Taobao become the facts that the platforms' tables say.

Expected by hand: epoch 1617355413 is 2021-04-02 09:23:33 UTC; Chinese texts are UTC+8.
"""

from collections.abc import Callable

from streams.logic.normalising import Fact, FactKind, Money, OrderLine, RejectionReason
from tests.contract.samples.conformance import reading_of
from tests.contract.samples.sold import Told, nameless, yuan

Sample = Callable[[str], bytes]


def test_a_douyin_order_is_shipped_because_its_number_says_so(sample: Sample) -> None:
    # The texts beside the numbers say "unpaid" and "deposit".
    told = Told("douyin", "4781320682406083640")
    at = "2021-04-02 09:23:33"

    assert nameless("douyin.orders", sample("douyin/order_searchList_response.json")) == (
        told(
            FactKind.ORDER_CREATED,
            at,
            amount=Money(500, "CNY"),
            list_amount=Money(500 + 1000 + 10, "CNY"),
            lines=(OrderLine("djfafj", 2, Money(100, "CNY"), "douyin:20174"),),
        ),
        told(
            FactKind.PAYMENT_SUCCEEDED,
            at,
            amount=Money(500, "CNY"),
            voucher="PAY234532534534",
        ),
        told(FactKind.PARCEL_SHIPPED, at, voucher="3617355413"),
        told(FactKind.REFUND_REQUESTED, at),
    )


def test_a_douyin_after_sale_is_read_though_its_ids_are_quoted_twice(sample: Sample) -> None:
    # 1626753592 is 2021-07-20 03:59:52 UTC; status 11, refund 1: asked for.
    told = Told("douyin", "4821780700279174718")

    assert nameless("douyin.aftersales", sample("douyin/afterSale_List_response.json")) == (
        told(
            FactKind.REFUND_REQUESTED,
            "2021-07-20 03:59:52",
            voucher="6986853269519810849",
            amount=Money(20, "CNY"),
        ),
    )


def test_a_jd_order_of_2016_is_completed_when_it_was_last_changed(sample: Sample) -> None:
    told = Told("jd", "20229596637")
    ended = "2016-07-17 05:23:33"

    assert nameless("jd.orders", sample("jd/pop_order_search_order_info_real_2016.json")) == (
        told(
            FactKind.ORDER_CREATED,
            "2016-07-15 14:39:27",
            amount=yuan("89.00"),
            list_amount=yuan("89.00"),
            lines=(OrderLine("DC2TB800C048185", 1, yuan("89.00")),),
        ),
        told(FactKind.PAYMENT_SUCCEEDED, ended, amount=yuan("89.00")),
        told(FactKind.ORDER_COMPLETED, ended),
    )


def test_a_jd_order_without_its_fields_is_refused_not_guessed(sample: Sample) -> None:
    reading = reading_of("jd.orders", sample("jd/pop_order_search_response_shape.json"))

    assert reading.facts == ()
    assert reading.rejection is not None
    assert reading.rejection.reason is RejectionReason.FIELD_MISSING
    assert reading.rejection.field == (
        "jingdong_pop_order_search_responce.searchorderinfo_result.orderInfoList[0].orderState"
    )


def _pdd() -> tuple[Fact, ...]:
    told = Told("pdd", "180831-481803633911509")
    at = "2018-08-31 02:42:33"
    return (
        told(
            FactKind.ORDER_CREATED,
            at,
            amount=yuan("11.01"),
            list_amount=yuan("11.01"),
            lines=(OrderLine("51972265894", 1, yuan("11.01")),),
        ),
        told(
            FactKind.PAYMENT_SUCCEEDED,
            at,
            amount=yuan("11.01"),
            voucher="4200000189201808312824969961",
        ),
        told(FactKind.STOCK_ALLOCATED, at),
    )


def test_a_pdd_order_waits_for_the_warehouse(sample: Sample) -> None:
    assert nameless("pdd.orders", sample("pdd/order_information_get_response.json")) == _pdd()


def test_orders_of_pdds_affiliate_api_are_refused_with_what_to_do(sample: Sample) -> None:
    # The same envelope, but 分 and epoch seconds: read as 元 each order would cost a hundredfold.
    reading = reading_of("pdd.orders", sample("pdd/ddk_order_list_real_TRAP_other_api.json"))

    assert reading.facts == ()
    assert reading.rejection is not None
    assert reading.rejection.reason is RejectionReason.FIELD_INVALID
    assert "affiliate" in reading.rejection.advice


def test_pdds_mere_numbers_of_orders_are_refused_with_what_to_do(sample: Sample) -> None:
    reading = reading_of("pdd.orders", sample("pdd/order_number_list_get_response.json"))

    assert reading.facts == ()
    assert reading.rejection is not None
    assert "pdd.order.information.get" in reading.rejection.advice


def test_a_real_pdd_push_asks_for_money_back(sample: Sample) -> None:
    # 1625637425016 ms is 2021-07-07 05:57:05.016 UTC; the fee is 分 here.
    told = Told("pdd", "210707-339507978993455")

    assert nameless("pdd.push", sample("pdd/push_refund_created_real.json")) == (
        told(
            FactKind.REFUND_REQUESTED,
            "2021-07-07 05:57:05.016",
            voucher="7381745730",
            amount=Money(1990, "CNY"),
        ),
    )


def test_a_pdd_frame_without_a_time_of_its_own_holds_as_of_its_sending(sample: Sample) -> None:
    # 1700000000000 ms is 2023-11-14 22:13:20 UTC. An order is born paid.
    told = Told("pdd", "200101-000000000000001")
    at = "2023-11-14 22:13:20"

    assert nameless("pdd.push", sample("pdd/push_trade_confirmed_frame.json")) == (
        told(FactKind.ORDER_CREATED, at),
        told(FactKind.PAYMENT_SUCCEEDED, at),
        told(FactKind.STOCK_ALLOCATED, at),
    )


def test_a_real_taobao_trade_is_finished(sample: Sample) -> None:
    told = Told("taobao", "227668460417201790")
    paid = "2018-09-27 11:54:34"

    assert nameless("taobao.trades", sample("taobao/trades_sold_get_real_2018.json")) == (
        # Its creation is not told; it was paid then, so it was there.
        told(
            FactKind.ORDER_CREATED,
            paid,
            amount=yuan("148.00"),
            lines=(OrderLine("06-18-08", 1, yuan("160.00"), "taobao:50021631"),),
        ),
        told(FactKind.PAYMENT_SUCCEEDED, paid, amount=yuan("148.00")),
        told(FactKind.ORDER_COMPLETED, "2018-10-08 02:21:44"),
        told(FactKind.PARCEL_SHIPPED, "2018-09-28 02:21:38", voucher="048929553270"),
    )


def test_a_trade_that_taobao_closed_was_never_paid(sample: Sample) -> None:
    told = Told("taobao", "452790065331038")
    name = "taobao/trade_fullinfo_closed_by_taobao_real_2013.json"

    # `modified` is 79 days later and says nothing about the end.
    assert nameless("taobao.trades", sample(name)) == (
        told(
            FactKind.ORDER_CREATED,
            "2013-11-10 06:22:38",
            amount=yuan("13.80"),
            list_amount=yuan("88.00"),
            lines=(OrderLine("TX324A0212", 1, yuan("88.00"), "taobao:50000436"),),
        ),
        told(FactKind.ORDER_CANCELLED, "2013-11-13 06:24:01"),
    )


def test_taobaos_documented_trade_is_unpaid_whatever_its_other_fields_say(sample: Sample) -> None:
    told = Told("taobao", "2231958349")
    at = "1999-12-31 16:00:00"

    assert nameless("taobao.trades", sample("taobao/open_trades_sold_get_doc.json")) == (
        told(
            FactKind.ORDER_CREATED,
            at,
            amount=yuan("25"),
            list_amount=yuan("200.07"),
            lines=(OrderLine("81893848", 1, yuan("200.07")),),
        ),
        # The line's refund is an axis of its own: `SUCCESS(退款成功)`.
        told(FactKind.REFUND_SUCCEEDED, at, voucher="2231958349"),
    )
