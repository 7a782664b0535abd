"""All platforms together: a booth for each, and the accounts file by which a merchant asks them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import yaml
from starlette.routing import Route

from deploy.local.channels import (
    amazon,
    douyin,
    jd,
    pdd,
    shop_rows,
    taobao,
    webshops,
    wechat,
)
from deploy.local.channels.front import Booth
from deploy.local.channels.orders import Clock, Shop

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Platform:
    """How one platform is set up here."""

    mount: Callable[[Booth], list[Route]]
    credentials: Mapping[str, str]
    """What it knows its merchant by; secrets of a fake, good for nothing else."""
    row: Callable[[Booth, str], Row]
    """What the merchant's accounts file says, for a platform at an address; secrets by name."""


def _application(path: str) -> Callable[[Booth, str], Row]:
    def row(booth: Booth, api: str) -> Row:
        return {
            "app_key": booth.credentials["app_key"],
            "app_secret": "app_secret",
            "shop": booth.credentials["shop"],
            "access_token": "access_token",
            "api": f"{api}{path}",
        }

    return row


def _pdd(booth: Booth, api: str) -> Row:
    return {
        "client": booth.credentials["app_key"],
        "client_secret": "app_secret",
        "shop": booth.credentials["shop"],
        "access_token": "access_token",
        "api": f"{api}/pdd/api/router",
    }


def _known(platform: str, app_key: str, shop: str) -> Mapping[str, str]:
    return {
        "app_key": app_key,
        "app_secret": f"secret-of-{platform}",
        "access_token": f"token-of-{platform}-1",
        "shop": shop,
    }


def _of_wechat(platform: str, app: str) -> Mapping[str, str]:
    return {**_known(platform, "", ""), "app": app, "message_token": f"tokenOf{app[2:6]}"}


PLATFORMS: Final[Mapping[str, Platform]] = MappingProxyType(
    {
        "douyin": Platform(
            douyin.mount,
            _known("douyin", "6838755371111111111", "4463798"),
            _application("/douyin"),
        ),
        "jd": Platform(
            jd.mount, _known("jd", "0F1E2D3C4B5A6978", "10001"), _application("/jd/routerjson")
        ),
        "pdd": Platform(pdd.mount, _known("pdd", "0123456789abcdef", "171504183"), _pdd),
        "taobao": Platform(
            taobao.mount, _known("taobao", "12345678", "5001"), _application("/taobao/router/rest")
        ),
        "wechat_channels": Platform(
            wechat.mount, _of_wechat("wechat_channels", "wx8888888888888888"), shop_rows.wechat
        ),
        "mini": Platform(wechat.mount, _of_wechat("mini", "wx9999999999999999"), shop_rows.wechat),
        "amazon": Platform(
            amazon.mount,
            {
                **_known("amazon", "", "A3TH9S8BH6GOGM"),
                "client_secret": "secret-of-amazon",
                "refresh_token": "refresh-of-amazon",
                "push_key": "push-key-of-amazon",
            },
            shop_rows.amazon,
        ),
        "shopify": Platform(
            webshops.mount_shopify,
            _known("shopify", "", "concord-fake.myshopify.com"),
            shop_rows.shopify,
        ),
        "woocommerce": Platform(
            webshops.mount_woocommerce,
            {**_known("woocommerce", "", ""), "consumer_key": "ck_of_the_fake"},
            shop_rows.woocommerce,
        ),
    }
)
# Whatever the accounts file names by a file, it names so.
SECRETS: Final = frozenset(
    {
        "app_secret",
        "access_token",
        "client_secret",
        "consumer_secret",
        "message_token",
        "push_keys",
        "refresh_token",
        "webhook_secrets",
    }
)


class World:
    """The booths, and what is shared between them: time."""

    def __init__(self, clock: Clock, folder: Path, api: str) -> None:
        self.folder = folder
        self.api = api
        self.booths = {
            name: Booth(name, Shop(name, clock), clock, dict(platform.credentials))
            for name, platform in PLATFORMS.items()
        }

    def routes(self) -> list[Route]:
        """Return the routes of all platforms."""
        return [
            route
            for name, platform in PLATFORMS.items()
            for route in platform.mount(self.booths[name])
        ]

    def rows(self) -> list[Row]:
        """Write the secrets, and return what an accounts file next to them says of the shops."""
        return [self._row(name, platform) for name, platform in PLATFORMS.items()]

    def write_accounts(self, public_url: str = "http://127.0.0.1:18080") -> Path:
        """Write an accounts file of these shops alone; return where it is."""
        content = {"public_url": public_url, "accounts": self.rows()}
        path = self.folder / "accounts.yaml"
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        return path

    def roll_token(self, platform: str, *, is_told: bool = True) -> None:
        """Let the access token end; the merchant gets the next one at once, or when he is told."""
        booth = self.booths[platform]
        name, _, number = booth.credentials["access_token"].rpartition("-")
        booth.credentials["access_token"] = f"{name}-{int(number) + 1}"
        if is_told:
            self.tell_token(platform)

    def tell_token(self, platform: str) -> None:
        """Write the token that holds where the merchant reads it."""
        self._write(platform, "access_token", self.booths[platform].credentials["access_token"])

    def _row(self, name: str, platform: Platform) -> Row:
        booth = self.booths[name]
        told = platform.row(booth, self.api)
        for key, value in told.items():
            if key in SECRETS:
                told[key] = {"file": self._write(name, value, booth.credentials[value])}
        return {"name": f"{name.replace('_', '-')}-shop", "provider": name, **told}

    def _write(self, platform: str, name: str, value: str) -> str:
        file = f"channels/{platform}.{name}"
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written whole or not at all: the merchant reads it when it likes.
        part = path.with_suffix(".part")
        part.write_text(value, encoding="utf-8")
        part.replace(path)
        return file
