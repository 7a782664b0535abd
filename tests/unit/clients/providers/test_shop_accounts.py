"""The accounts of sales channels are read like those of payment providers, or refused."""

from pathlib import Path

import pytest

from clients.providers.accounts import (
    AccountsError,
    AmazonAccount,
    DouyinAccount,
    JdAccount,
    MiniAccount,
    PddAccount,
    ShopifyAccount,
    TaobaoAccount,
    WechatChannelsAccount,
    WooCommerceAccount,
    load,
)
from tests.unit.clients.providers import shop_files as files


def problems(folder: Path, index: int, **changes: object) -> tuple[str, ...]:
    """Return what is said with settings of one account changed; None takes one away."""
    told = files.content()
    account = told["accounts"][index] | changes
    told["accounts"][index] = {key: value for key, value in account.items() if value is not None}
    with pytest.raises(AccountsError) as error:
        load(files.write(folder, told), {})
    return error.value.problems


def test_a_shop_of_every_channel_is_read(tmp_path: Path) -> None:
    accounts = load(files.write(tmp_path), {})

    assert [type(each) for each in accounts.all] == [
        DouyinAccount,
        JdAccount,
        PddAccount,
        TaobaoAccount,
        WechatChannelsAccount,
        MiniAccount,
        AmazonAccount,
        ShopifyAccount,
        WooCommerceAccount,
    ]
    assert [each.provider for each in accounts.all] == [each["provider"] for each in files.SHOPS]


def test_the_values_are_those_of_the_file_and_of_the_secrets(tmp_path: Path) -> None:
    accounts = load(files.write(tmp_path), {})

    wechat = accounts.find("wechat_channels", "wechat-channels-main")
    assert isinstance(wechat, WechatChannelsAccount)
    assert wechat.aes_key == files.AES_KEY
    mini = accounts.find("mini", "mini-main")
    assert isinstance(mini, MiniAccount)
    assert mini.aes_key is None
    shopify = accounts.find("shopify", "shopify-main")
    assert isinstance(shopify, ShopifyAccount)
    assert shopify.api == "https://concord-tests.myshopify.com"
    assert shopify.webhook_secrets == (files.SECRETS["shopify.old"], files.SECRETS["shopify.new"])
    amazon = accounts.find("amazon", "amazon-main")
    assert isinstance(amazon, AmazonAccount)
    assert amazon.marketplaces == ("ATVPDKIKX0DER",)
    assert amazon.callback_url == "https://pay.example.com/callbacks/amazon/amazon-main"


def test_no_secret_of_a_shop_is_shown(tmp_path: Path) -> None:
    shown = repr(load(files.write(tmp_path), {}))

    for secret in files.SECRETS.values():
        assert secret not in shown
    assert repr(files.AES_KEY) not in shown


@pytest.mark.parametrize(
    ("index", "changes", "expected"),
    [
        (0, {"app_secret": "douyin_secret_of_the_tests"}, ".app_secret must be {file: path}"),
        (0, {"app_key": 6838755371111111111}, ".app_key must be text, so put it in quotes"),
        (2, {"push": "https://message-api.pinduoduo.com"}, ".push must be an address such as wss:"),
        (4, {"aes_key": {"file": "jd.token"}}, ".aes_key must hold the EncodingAESKey"),
        (6, {"queue_region": None}, ".queue_region is missing: of a queue's four"),
        (6, {"marketplaces": []}, ".marketplaces must name at least one"),
        (7, {"shop": "shop.example.com"}, ".shop must be name.myshopify.com"),
        (8, {"api": None}, ".api is missing: the site's address"),
        (8, {"consumer_key": "cs_0123456789"}, ".consumer_key must be the key (ck_…)"),
    ],
)
def test_what_is_wrong_is_told_by_its_place(
    tmp_path: Path, index: int, changes: dict[str, object], expected: str
) -> None:
    (problem,) = problems(tmp_path, index, **changes)

    assert problem.startswith(f"accounts[{index}]{expected}")
