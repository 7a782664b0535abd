"""What the accounts file says of shops whose platforms know their merchants in ways of their own.

Every secret is named by the booth's credential that it is.
"""

from __future__ import annotations

from typing import Any

from deploy.local.channels.front import Booth

Row = dict[str, Any]


def wechat(booth: Booth, api: str) -> Row:
    """Return an application's row, of the channels' shop or of the mini program."""
    return {
        "app": booth.credentials["app"],
        "app_secret": "app_secret",
        "message_token": "message_token",
        "api": f"{api}/{booth.platform}",
    }


def amazon(booth: Booth, api: str) -> Row:
    """Return the seller's row."""
    return {
        "seller": booth.credentials["shop"],
        "marketplaces": ["ATVPDKIKX0DER"],
        "client": "amzn1.application-oa2-client.fake",
        "client_secret": "client_secret",
        "refresh_token": "refresh_token",
        "push_keys": "push_key",
        "api": f"{api}/amazon",
        "login_api": f"{api}/amazon",
    }


def shopify(booth: Booth, api: str) -> Row:
    """Return the shop's row."""
    return {
        "shop": booth.credentials["shop"],
        "access_token": "access_token",
        "webhook_secrets": "app_secret",
        "api": f"{api}/shopify",
    }


def woocommerce(booth: Booth, api: str) -> Row:
    """Return the site's row."""
    return {
        "api": f"{api}/woocommerce",
        "consumer_key": booth.credentials["consumer_key"],
        "consumer_secret": "access_token",
        "webhook_secrets": "app_secret",
    }
