"""Requests are signed as the platforms' own documentation computes it."""

from __future__ import annotations

from clients.connectors.pulling.signing import hmac_signed, md5_signed


def test_the_example_of_taobaos_documentation_is_signed_as_there() -> None:
    parameters = {
        "method": "taobao.item.seller.get",
        "app_key": "12345678",
        "session": "test",
        "timestamp": "2016-01-01 12:00:00",
        "format": "json",
        "v": "2.0",
        "sign_method": "md5",
        "fields": "num_iid,title,nick,price,num",
        "num_iid": "11223344",
    }

    assert md5_signed(parameters, "helloworld") == "66987CB115214E59E6EC978214934FB8"


def test_douyins_text_is_signed_with_hmac() -> None:
    # The digest was computed by another program, over the text as the reference spells it.
    parameters = {
        "app_key": "k1",
        "method": "order.searchList",
        "param_json": '{"page":0}',
        "timestamp": "2026-01-01 00:00:00",
        "v": "2",
    }

    expected = "e3fb619d5f013587853755fc15cb8ed4d2b9c41d03852bffe08791645f495dd7"
    assert hmac_signed(parameters, "s") == expected
