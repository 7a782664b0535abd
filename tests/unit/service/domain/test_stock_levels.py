"""What a channel may still sell, by what is free and what its share allows."""

from __future__ import annotations

from service.domain.stock_levels import Level, Shelves, level_of
from service.domain.stock_shares import divided
from tests.builders import NOON

SHELVES = {"COAT": Shelves(300, 290), "SCARF": Shelves(500, 40)}


def level(channel: str, *parts: tuple[str, int], **percents: int) -> Level:
    allocations = {"COAT": divided("COAT", percents, {"jd": 10}, at=NOON)} if percents else {}
    return level_of(channel, "item", parts, SHELVES, allocations)


def test_of_one_article_as_many_can_be_sold_as_are_free() -> None:
    assert level("jd", ("COAT", 1)) == Level("jd", "item", 290, "COAT")
    assert level("jd", ("COAT", 3)).sellable == 96


def test_of_a_set_as_many_can_be_sold_as_its_scarcest_article_allows() -> None:
    assert level("taobao", ("COAT", 2), ("SCARF", 1)) == Level("taobao", "item", 40, "SCARF")


def test_no_channel_can_sell_more_than_its_share_and_what_is_free() -> None:
    assert level("jd", ("COAT", 1), jd=30).sellable == 80
    assert level("taobao", ("COAT", 1), jd=30).sellable == 210
    # 300 are its share; 10 of them are promised to another channel.
    assert level("douyin", ("COAT", 1), douyin=100).sellable == 290
    assert level("taobao", ("COAT", 1), douyin=100).sellable == 0


def test_nobody_knows_of_an_article_of_which_no_stock_is_kept() -> None:
    assert level("jd", ("COAT", 1), ("BELT", 1)) == Level("jd", "item", None, "BELT")
