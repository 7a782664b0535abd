"""Keys are made once, are their owner's alone, and both sides of a pair fit."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from deploy.local.platforms import accounts_file, making
from deploy.local.platforms.accounts import (
    AlipayAccount,
    StripeAccount,
    UnionPayAccount,
    WechatPayAccount,
    load,
)
from deploy.local.platforms.certificates import forger, key_of, load_certificate, load_private
from deploy.local.platforms.config import SettingsError, parse
from deploy.local.platforms.signing import is_signed, sign
from deploy.local.platforms.vault import Vault

NOW = datetime(2030, 1, 1, tzinfo=UTC)
API = "http://127.0.0.1:18090"
PUBLIC = "http://127.0.0.1:18080"


def a_vault(folder: Path) -> Vault:
    vault = Vault(folder, now=lambda: NOW)
    making.fill(vault)
    accounts_file.write(vault, api=API, public_url=PUBLIC)
    return vault


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Vault:
    return a_vault(tmp_path_factory.mktemp("vault") / "keys")


def files_of(vault: Vault) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in vault.folder.rglob("*") if path.is_file()}


def test_every_file_is_its_owners_alone(vault: Vault) -> None:
    modes = {path.stat().st_mode & 0o777 for path in files_of(vault)}

    assert modes == {0o600}


def test_a_second_start_changes_nothing(vault: Vault) -> None:
    before = files_of(vault)

    a_vault(vault.folder)

    assert files_of(vault) == before


def test_the_accounts_file_holds_no_secret_and_leads_to_every_one(vault: Vault) -> None:
    text = vault.accounts_file.read_text()
    content = yaml.safe_load(text)

    def references(value: object) -> list[str]:
        if isinstance(value, dict):
            if value.keys() == {"file"}:
                return [value["file"]]
            return [each for part in value.values() for each in references(part)]
        if isinstance(value, list):
            return [each for part in value for each in references(part)]
        return []

    named = references(content)
    assert "PRIVATE KEY" not in text
    assert all((vault.folder / each).is_file() for each in named)
    assert len(named) == len(set(named)) == 18
    assert {row["provider"] for row in content["accounts"]} == {
        "wechatpay", "alipay", "unionpay", "stripe", "adyen", "douyin_pay",
    }  # fmt: skip
    assert all("127.0.0.1" in row["api"] for row in content["accounts"] if "api" in row)


def test_what_one_side_signs_the_other_believes(vault: Vault) -> None:
    accounts = load(vault, PUBLIC)
    wechat, alipay, union = (
        accounts[name] for name in ("wechat-main", "alipay-cert", "union-main")
    )
    assert isinstance(wechat, WechatPayAccount)
    assert isinstance(alipay, AlipayAccount)
    assert isinstance(union, UnionPayAccount)
    assert alipay.certificate is not None

    for private, public in (
        (vault.given("wechat-main", "apiclient_key.pem"), key_of(wechat.merchant_certificate)),
        (vault.given("alipay-cert", "app_private_key.pem"), alipay.app_key),
        (vault.given("union-main", "acp_sign.pem"), key_of(union.merchant_certificate)),
    ):
        assert is_signed(public, b"message", sign(load_private(private), b"message"))
    for key, certificate in ((alipay.key, alipay.certificate), (union.key, union.certificate)):
        assert is_signed(key_of(certificate), b"message", sign(key, b"message"))
    assert not is_signed(key_of(union.certificate), b"message", sign(forger(), b"message"))
    assert not is_signed(key_of(union.certificate), b"message", "no base64!")
    root = load_certificate(vault.given("union-main", "acp_root.cer"))
    union.certificate.verify_directly_issued_by(root)
    union.other_merchant.certificate.verify_directly_issued_by(root)


def test_a_webhook_secret_rolls_beside_the_one_before(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "keys", now=lambda: NOW)
    vault.known["stripe-main"] = making.stripe(vault, "stripe-main")
    (first,) = secrets_of(vault)

    making.new_webhook_secret(vault, "stripe-main")
    second = secrets_of(vault)[1]
    assert secrets_of(vault) == (first, second)
    making.new_webhook_secret(vault, "stripe-main")

    assert secrets_of(vault)[0] == second
    assert len({first, *secrets_of(vault)}) == 3


def secrets_of(vault: Vault) -> tuple[str, ...]:
    account = load(vault, PUBLIC)["stripe-main"]
    assert isinstance(account, StripeAccount)
    return account.webhook_secrets


def test_the_settings_keep_the_fakes_on_loopback(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        parse(["--address", "0.0.0.0:18090"], {})

    assert "loopback" in str(error.value)
    assert "folder" in str(error.value)
    command, settings = parse(
        ["keys", str(tmp_path), "--address", "127.0.0.1:1"],
        {"CONCORD_GATEWAY_ADDRESS": "127.0.0.1:2"},
    )
    assert (command, settings.folder) == ("keys", tmp_path)
    assert settings.public_url == "http://127.0.0.1:2"
