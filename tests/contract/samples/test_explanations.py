"""What `concord template try` tells of a message is what the reader makes of it, no more."""

from collections.abc import Callable

import pytest

from streams.logic.normalising import Receipt, Templates, read
from streams.logic.normalising.explaining import explain
from tests.contract.samples.conformance import RECEIVED, TEMPLATES

Sample = Callable[[str], bytes]


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("douyin.orders", "douyin/order_searchList_response.json"),
        ("douyin.aftersales", "douyin/afterSale_List_response.json"),
        ("douyin.push", "douyin/push_110_trade_paid.json"),
        ("jd.orders", "jd/pop_order_search_order_info_real_2016.json"),
        ("jd.orders", "jd/pop_order_search_response_shape.json"),
        ("pdd.orders", "pdd/order_information_get_response.json"),
        ("pdd.orders", "pdd/ddk_order_list_real_TRAP_other_api.json"),
        ("pdd.push", "pdd/push_trade_confirmed_frame.json"),
        ("taobao.trades", "taobao/trades_sold_get_real_2018.json"),
        ("wechat_channels.order", "wechat_channels/order_get_response.json"),
        ("amazon.orders.v2026", "amazon/v2026_searchOrders_200.json"),
        ("shopify.order", "shopify/order.json"),
        ("woocommerce.order", "woocommerce/orders_list_response.json"),
    ],
)
def test_an_explanation_tells_the_facts_of_the_reading(
    sample: Sample, template: str, name: str
) -> None:
    source = template.partition(".")[0]
    receipt = Receipt("receipts/r-1", source, template, "", sample(name), "", RECEIVED)
    reader = Templates(TEMPLATES.by_name, TEMPLATES.pseudonym)

    reading = read(receipt, reader)
    told = explain(receipt, TEMPLATES.by_name[template], reader)

    facts = {each.fact.fact_id: each.fact for each in told.steps if each.fact is not None}
    assert tuple(facts.values()) == reading.facts
    assert (told.rejections[:1] or (None,))[0] == reading.rejection
