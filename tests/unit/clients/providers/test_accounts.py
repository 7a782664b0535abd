"""The accounts file is read whole; what is wrong is told at once, by its place, with the remedy."""

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from clients.providers.accounts import (
    Accounts,
    AccountsError,
    AdyenAccount,
    AlipayAccount,
    DouyinPayAccount,
    StripeAccount,
    UnionPayAccount,
    WechatPayAccount,
    load,
)
from clients.providers.callbacks import PROTOCOLS
from tests.unit.clients.providers import account_files as files
from tests.unit.clients.providers import shop_files
from tests.unit.clients.providers.hashing_platforms import (
    HMAC_KEYS,
    TOKEN,
    WEBHOOK_SECRETS,
    a_douyin_call,
    a_douyin_payment,
    a_stripe_call,
    a_stripe_event,
    an_adyen_call,
    an_adyen_item,
)
from tests.unit.clients.providers.key_ring import certified, pem_of, pem_of_private, rsa_key
from tests.unit.clients.providers.platforms import (
    API_V2_KEY,
    API_V3_KEY,
    a_sealed_notice,
    a_transaction,
    a_unionpay_call,
    a_unionpay_notice,
    a_version_2_call,
    a_version_2_payment,
    a_wechatpay_call,
    an_alipay_call,
    an_alipay_notice,
    opened,
)

WECHATPAY, ALIPAY, CERTIFIED, UNIONPAY, STRIPE, ADYEN, DOUYIN = range(7)


def loaded(folder: Path, told: object = None) -> Accounts:
    return load(files.write(folder, told), files.ENVIRON)


def problems(folder: Path, told: object, environ: dict[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(AccountsError) as error:
        load(files.write(folder, told), files.ENVIRON if environ is None else environ)
    return error.value.problems


def with_changed(index: int, **changes: object) -> dict[str, Any]:
    """Return the file's content with settings of one account changed; None takes one away."""
    told = files.content()
    account = told["accounts"][index]
    account |= changes
    told["accounts"][index] = {key: value for key, value in account.items() if value is not None}
    return told


def test_every_provider_is_read(tmp_path: Path) -> None:
    accounts = loaded(tmp_path)

    assert [type(each) for each in accounts.all] == [
        WechatPayAccount,
        AlipayAccount,
        AlipayAccount,
        UnionPayAccount,
        StripeAccount,
        AdyenAccount,
        DouyinPayAccount,
    ]
    assert accounts.public_url == "https://pay.example.com"
    assert accounts.all[0].callback_url == (
        "https://pay.example.com/callbacks/wechatpay/wechat-main"
    )


def test_whoever_calls_back_has_a_kind_of_account(tmp_path: Path) -> None:
    payments = {each.provider for each in loaded(tmp_path).all}
    shops = {each.provider for each in load(shop_files.write(tmp_path), {}).all}

    assert payments <= PROTOCOLS.keys() <= payments | shops


def test_an_account_is_found_by_provider_and_name(tmp_path: Path) -> None:
    accounts = loaded(tmp_path)

    assert accounts.find("alipay", "alipay-main") is accounts.all[1]
    assert accounts.find("alipay", "wechat-main") is None
    assert accounts.of("alipay") == accounts.all[1:3]


def test_what_was_read_opens_calls(tmp_path: Path) -> None:
    accounts = loaded(tmp_path)
    payment = a_sealed_notice("TRANSACTION.SUCCESS", a_transaction())
    certified_notice = an_alipay_notice(app_id="2021000000000002")
    calls = {
        WECHATPAY: a_wechatpay_call(payment),
        ALIPAY: an_alipay_call(an_alipay_notice()),
        CERTIFIED: an_alipay_call(certified_notice),
        UNIONPAY: a_unionpay_call(a_unionpay_notice()),
        STRIPE: a_stripe_call(a_stripe_event()),
        ADYEN: an_adyen_call(an_adyen_item(HMAC_KEYS[1])),
        DOUYIN: a_douyin_call(a_douyin_payment()),
    }
    for index, call in calls.items():
        assert opened(accounts.all[index], call).body
    assert opened(accounts.all[WECHATPAY], a_version_2_call(a_version_2_payment()))


def test_no_secret_shows_in_any_text(tmp_path: Path) -> None:
    accounts = loaded(tmp_path)
    shown = repr(accounts) + str(accounts) + "".join(map(repr, accounts.all))

    secrets = [
        API_V3_KEY, API_V2_KEY, HMAC_KEYS[0], TOKEN, *WEBHOOK_SECRETS,
        files.ENVIRON["STRIPE_KEY"], f"{rsa_key('ours').private_numbers().d}", "PRIVATE",
    ]  # fmt: skip
    for secret in secrets:
        text = secret if isinstance(secret, str) else repr(secret)[2:-1]
        assert text not in shown
    assert "RSAPrivateKey" not in shown


def test_an_inline_secret_is_refused_and_not_repeated(tmp_path: Path) -> None:
    secret = "whsec_that_stands_in_the_file"
    told = with_changed(STRIPE, webhook_secrets=[secret, {"file": "whsec.new"}], api_key=secret)
    told["accounts"][WECHATPAY]["api_v3_key"] = secret
    told["accounts"][DOUYIN]["token"] = {"value": secret}

    found = problems(tmp_path, told)

    where = "must be {file: path} or {env: NAME}"
    inline = f"{where}; a secret does not stand in this file"
    assert found == (
        f"accounts[0].api_v3_key {inline}",
        f"accounts[4].api_key {inline}",
        f"accounts[4].webhook_secrets[0] {inline}",
        f"accounts[6].token {where}",
    )
    assert secret not in repr(found)


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    told = {
        "public_url": "pay.example.com",
        "account": [],
        "accounts": [
            {"name": "Main!", "provider": "paypal"},
            "wechat",
            {"name": "a", "provider": "adyen", "merchant": 5, "key": "x"},
        ],
    }

    assert problems(tmp_path, told) == (
        "public_url must be an address such as https://host/path, no query",
        "account is no setting; there are public_url, accounts",
        "accounts[0].name must be 1 to 40 lower-case letters, digits and `-`",
        "accounts[0].provider must be one of "
        "wechatpay, alipay, unionpay, stripe, adyen, douyin_pay, "
        "douyin, jd, pdd, taobao, wechat_channels, mini, amazon, shopify, woocommerce",
        "accounts[1] must be a mapping with name and provider",
        "accounts[2].merchant must be text, so put it in quotes: the merchant account's name",
        "accounts[2].hmac_keys is missing: the endpoint's keys, a list of {file: path}",
        "accounts[2].key is no setting of adyen; there are name, provider, merchant, hmac_keys",
    )


@pytest.mark.parametrize(
    ("index", "changes", "expected"),
    [
        (WECHATPAY, {"merchant": 1900000109}, ".merchant must be text, so put it in quotes"),
        (WECHATPAY, {"apps": []}, ".apps must name at least one"),
        (WECHATPAY, {"apps": ["wx8888888888888888", "?"]}, ".apps[1] must be an appid"),
        (WECHATPAY, {"api_v3_key": {"file": "token"}}, ".api_v3_key must hold 32 bytes, and holds"),
        (WECHATPAY, {"private_key": {"file": "absent.pem"}}, ".private_key.file absent.pem cannot"),
        (WECHATPAY, {"private_key": {"file": "."}}, ".private_key.file . cannot be read"),
        (WECHATPAY, {"private_key": {"file": "wechatpay.pub"}}, ".private_key must be a private"),
        (WECHATPAY, {"private_key": {"file": "empty"}}, ".private_key.file empty is empty"),
        (WECHATPAY, {"private_key": {"file": "short.pem"}}, ".private_key must be an RSA key of"),
        (WECHATPAY, {"platform_keys": None}, ".platform_keys is missing: the platform's keys"),
        (WECHATPAY, {"platform_keys": {}}, ".platform_keys must name at least one"),
        (
            WECHATPAY,
            {"platform_keys": {"0A": {"file": "wechatpay.crt"}}},
            f'.platform_keys["0A"] holds the certificate {files.SERIAL}; name it so',
        ),
        (
            WECHATPAY,
            {"platform_keys": {"PUB_KEY_ID_1": {"file": "token"}}},
            '.platform_keys["PUB_KEY_ID_1"] must be a public key or a certificate',
        ),
        (ALIPAY, {"platform_key": None}, " must tell how the platform signs, in one way"),
        (CERTIFIED, {"platform_key": {"file": "alipay.pub"}}, " must tell how the platform signs"),
        (CERTIFIED, {"root_certificate": None}, ".root_certificate is missing"),
        (
            CERTIFIED,
            {"platform_certificate": {"file": "wechatpay.crt"}},
            ".platform_certificate[0] was not issued by anybody in root_certificate",
        ),
        (
            CERTIFIED,
            {"app_certificate": {"file": "alipay.crt"}},
            ".app_certificate is not that of private_key",
        ),
        (UNIONPAY, {"certificate": {"file": "alipay.crt"}}, ".certificate is not that of private"),
        (UNIONPAY, {"root_certificates": {"file": "token"}}, ".root_certificates must hold cert"),
        (UNIONPAY, {"api": "gateway.95516.com"}, ".api must be an address such as https://"),
        (STRIPE, {"webhook_secrets": [{"env": "ABSENT"}]}, ".webhook_secrets[0].env ABSENT is not"),
        (STRIPE, {"webhook_secrets": []}, ".webhook_secrets must name at least one"),
        (ADYEN, {"hmac_keys": [{"file": "token"}]}, ".hmac_keys[0] must hold the key in hexa"),
        (DOUYIN, {"name": "douyin main"}, ".name must be 1 to 40 lower-case letters"),
    ],
)
def test_a_problem_names_its_place_and_the_remedy(
    tmp_path: Path, index: int, changes: dict[str, object], expected: str
) -> None:
    (tmp_path / "empty").write_bytes(b"\n")

    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505  # On purpose.
    (tmp_path / "short.pem").write_bytes(pem_of_private(short))

    (found,) = problems(tmp_path, with_changed(index, **changes))

    assert found.startswith(f"accounts[{index}]{expected}")


def test_two_accounts_of_a_provider_have_two_names(tmp_path: Path) -> None:
    told = with_changed(CERTIFIED, name="alipay-main")

    assert problems(tmp_path, told) == (
        "accounts[2].name is that of accounts[1] already; choose another",
    )
    other = with_changed(WECHATPAY, name="main")
    other["accounts"][ALIPAY]["name"] = "main"
    assert loaded(tmp_path, other).find("alipay", "main")


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "accounts.yaml"
    path.write_text("public_url: https://a\naccounts: []\npublic_url: https://b\n")

    with pytest.raises(AccountsError) as error:
        load(path, {})

    assert error.value.problems == (f"{path}, line 3: 'public_url' stands twice",)


@pytest.mark.parametrize("text", ["{", "a: [", "- 1", "", "a: !!python/object:os.system x", "\x00"])
def test_a_file_that_is_no_yaml_is_one_problem(tmp_path: Path, text: str) -> None:
    path = tmp_path / "accounts.yaml"
    path.write_text(text)

    with pytest.raises(AccountsError) as error:
        load(path, {})

    assert len(error.value.problems) == 1
    assert str(path) in error.value.problems[0]


def test_a_file_that_is_not_there_is_one_problem(tmp_path: Path) -> None:
    with pytest.raises(AccountsError, match=r"absent\.yaml cannot be read"):
        load(tmp_path / "absent.yaml", {})


def test_several_keys_of_alipay_may_be_given_as_a_list(tmp_path: Path) -> None:
    told = with_changed(ALIPAY, platform_key=[{"file": "alipay.pub"}, {"file": "wechatpay.pub"}])
    account = loaded(tmp_path, told).all[ALIPAY]

    assert isinstance(account, AlipayAccount)
    assert len(account.platform_keys) == 2


def test_a_platform_certificate_may_bring_the_authority_between(tmp_path: Path) -> None:
    root = certified("alipay root", is_authority=True)
    between = certified("alipay between", root, "alipay root", is_authority=True)
    leaf = certified("alipay", between, "alipay between")
    path = files.write(tmp_path)
    (tmp_path / "alipay.crt").write_bytes(pem_of(between) + pem_of(leaf))

    account = load(path, files.ENVIRON).all[CERTIFIED]

    assert isinstance(account, AlipayAccount)
    assert account.platform_keys[0].serial == f"{leaf.serial_number:X}"
