"""Makes the accounts: numbers, key pairs, certificates and secrets, of both sides."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Final

from deploy.local.platforms import certificates as certs
from deploy.local.platforms.trades import digits, letters
from deploy.local.platforms.vault import Known, Vault

PUBLIC_KEY_ID: Final = "PUB_KEY_ID_0"


def fill(vault: Vault) -> None:
    """Make the accounts that are missing; nothing that exists is made again."""
    for name, make in ACCOUNTS.items():
        if name not in vault.known:
            vault.known[name] = make(vault, name)
            vault.save()


def wechat(vault: Vault, name: str) -> Known:
    """Make a merchant at WeChat Pay, with a public key and a certificate of the platform."""
    root = certs.authority(
        vault.now(), certs.new_key(), C="CN", O="Tenpay.com", OU="CA", CN="Tenpay.com Root CA"
    )
    merchant = digits(10)
    own = certs.certified(
        vault.now(), root, certs.new_key(), C="CN", O="微信商户系统", OU="Concord", CN=merchant
    )
    vault.give(name, "apiclient_key.pem", certs.private_pem(own.key))
    vault.give(name, "apiclient_cert.pem", certs.certificate_pem(own.certificate))
    vault.give(name, "api_v3_key", letters(32))
    vault.give(name, "api_v2_key", letters(32))
    vault.keep(name, "root_key.pem", certs.private_pem(root.key))
    vault.keep(name, "root_cert.pem", certs.certificate_pem(root.certificate))
    keys = [new_wechat_key(vault, name, mode) for mode in ("public_key", "certificate")]
    return {
        "provider": "wechatpay",
        "merchant": merchant,
        "serial": certs.serial(own.certificate),
        "app": f"wx{secrets.token_hex(8)}",
        "keys": [{**key, "is_announced": True} for key in keys],
        "signs_with": keys[0]["id"],
    }


def new_wechat_key(vault: Vault, name: str, mode: str) -> Known:
    """Make another key of the platform, of mode `certificate` or `public_key`.

    Merchants do not know it until it is announced, and nothing is signed with it yet.
    """
    if mode == "certificate":
        root = certs.Certified(
            certs.load_private(vault.kept(name, "root_key.pem")),
            certs.load_certificate(vault.kept(name, "root_cert.pem")),
        )
        made = certs.certified(
            vault.now(),
            root,
            certs.new_key(),
            C="CN",
            O="Tenpay.com",
            OU="Tenpay.com",
            CN="Tenpay.com sign",
        )
        key_id, key = certs.serial(made.certificate), made.key
        public = certs.certificate_pem(made.certificate)
    elif mode == "public_key":
        key_id, key = f"{PUBLIC_KEY_ID}{digits(26)}", certs.new_key()
        public = certs.public_pem(key)
    else:
        raise ValueError(f"no such mode: {mode}")
    vault.keep(name, f"{key_id}_key.pem", certs.private_pem(key))
    vault.give(name, f"platform_{key_id}.pem", public)
    return {"id": key_id, "mode": mode, "is_announced": False}


def alipay(vault: Vault, name: str) -> Known:
    """Make an app at Alipay in key mode."""
    app, platform = certs.new_key(), certs.new_key()
    vault.give(name, "app_private_key.pem", certs.private_pem(app))
    vault.give(name, "alipay_public_key.pem", certs.public_pem(platform))
    vault.keep(name, "app_public_key.pem", certs.public_pem(app))
    vault.keep(name, "alipay_private_key.pem", certs.private_pem(platform))
    return {"provider": "alipay", **_alipay_numbers(), "mode": "key"}


def alipay_certified(vault: Vault, name: str) -> Known:
    """Make an app at Alipay in certificate mode."""
    root = _root(
        vault,
        C="CN",
        O="Ant Financial",
        OU="Certification Authority",
        CN="Ant Financial Certification Authority R1",
    )
    app = certs.certified(
        vault.now(), root, certs.new_key(), C="CN", O="Concord", OU="Alipay", CN="2088-app"
    )
    platform = certs.certified(
        vault.now(),
        root,
        certs.new_key(),
        C="CN",
        O="支付宝(中国)网络技术有限公司",
        OU="Alipay",
        CN="Alipay RSA2",
    )
    vault.give(name, "app_private_key.pem", certs.private_pem(app.key))
    vault.give(name, "appCertPublicKey.crt", certs.certificate_pem(app.certificate))
    vault.give(name, "alipayCertPublicKey.crt", certs.certificate_pem(platform.certificate))
    vault.give(name, "alipayRootCert.crt", certs.certificate_pem(root.certificate))
    vault.keep(name, "app_public_key.pem", certs.public_pem(app.key))
    vault.keep(name, "alipay_private_key.pem", certs.private_pem(platform.key))
    return {"provider": "alipay", **_alipay_numbers(), "mode": "certificate"}


def unionpay(vault: Vault, name: str) -> Known:
    """Make a merchant at UnionPay; its platform's certificate is of a root of its own."""
    merchant = digits(15)
    theirs = _root(vault, C="CN", O="CFCA", CN="CFCA OCA33")
    own = certs.certified(
        vault.now(),
        theirs,
        certs.new_key(),
        C="CN",
        O="CFCA OCA33",
        OU="Concord",
        CN=f"041@Z{merchant}@Concord@1",
    )
    root = certs.authority(
        vault.now(),
        certs.new_key(),
        C="CN",
        O="China Financial Certification Authority",
        CN="CFCA ACS OCA31",
    )
    platform = _issued(
        vault,
        root,
        C="cn",
        O="CFCA OCA1",
        OU="Local RA OCA1",
        CN="041@8310000000083040@中国银联股份有限公司@00016495",
    )
    other = _issued(
        vault,
        root,
        C="cn",
        O="CFCA OCA1",
        OU="Local RA OCA1",
        CN=f"041@Z{digits(15)}@Somebody Else@1",
    )
    vault.keep(name, "other_merchant_key.pem", certs.private_pem(other.key))
    vault.keep(name, "other_merchant.cer", certs.certificate_pem(other.certificate))
    vault.give(name, "acp_sign.pem", certs.private_pem(own.key))
    vault.give(name, "acp_sign.cer", certs.certificate_pem(own.certificate))
    vault.give(name, "acp_root.cer", certs.certificate_pem(root.certificate))
    vault.keep(name, "platform_key.pem", certs.private_pem(platform.key))
    vault.keep(name, "platform.cer", certs.certificate_pem(platform.certificate))
    return {"provider": "unionpay", "merchant": merchant}


def stripe(vault: Vault, name: str) -> Known:
    """Make an account at Stripe."""
    vault.give(name, "api_key", f"sk_test_{letters(24)}")
    vault.give(name, "webhook_secret_0", f"whsec_{letters(32)}")
    return {"provider": "stripe", "secrets": [0]}


def new_webhook_secret(vault: Vault, name: str) -> None:
    """Add a webhook secret; it and the one before are valid, as during a roll."""
    newest = vault.known[name]["secrets"][-1]
    vault.give(name, f"webhook_secret_{newest + 1}", f"whsec_{letters(32)}")
    vault.known[name]["secrets"] = [newest, newest + 1]
    vault.save()


def adyen(vault: Vault, name: str) -> Known:
    """Make a merchant account at Adyen."""
    vault.give(name, "hmac_key", secrets.token_hex(32).upper())
    return {"provider": "adyen", "merchant": f"Concord{digits(4)}"}


def douyin_pay(vault: Vault, name: str) -> Known:
    """Make a mini app at Douyin."""
    vault.give(name, "token", letters(24))
    return {"provider": "douyin_pay", "app": f"tt{secrets.token_hex(9)}"}


def _root(vault: Vault, **names: str) -> certs.Certified:
    return certs.authority(vault.now(), certs.new_key(), **names)


def _issued(vault: Vault, root: certs.Certified, **names: str) -> certs.Certified:
    return certs.certified(vault.now(), root, certs.new_key(), **names)


def _alipay_numbers() -> dict[str, str]:
    return {"app": f"2021{digits(12)}", "seller": f"2088{digits(12)}"}


ACCOUNTS: Final[Mapping[str, Callable[[Vault, str], Known]]] = {
    "wechat-main": wechat,
    "alipay-main": alipay,
    "alipay-cert": alipay_certified,
    "union-main": unionpay,
    "stripe-main": stripe,
    "adyen-main": adyen,
    "douyin-main": douyin_pay,
}
