"""What platforms send by themselves: each change of an order, signed as the platform signs.

A push is sent until it is taken, a few times, ever less often; WooCommerce's once. It can be lost,
come twice or late, be forged, and be stamped by a clock that is off: that of its platform.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import itertools
import json
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlencode

from deploy.local.channels.front import Booth
from deploy.local.channels.orders import Order
from deploy.local.channels.webshops import shopify_order, woocommerce_order
from deploy.local.platforms.courier import Sender
from deploy.local.platforms.notices import OK, Call

PATIENCE_S: Final = 5.0
# Two minutes: a gateway that starts again is waited for. Real ones go on for hours.
PAUSES_S: Final = (0.5, 1.0, 2.0, 4.0, *(8.0 for _ in range(14)))
NUMBERS: Final = itertools.count(7_000_000_000_000_000_001)


@dataclass(frozen=True, slots=True)
class Push:
    """One change, as its platform puts it into words."""

    body: bytes
    headers: Mapping[str, str]


Worded = Callable[[Booth, str, Order], Push | None]
"""Says what happened to an order; nothing where the platform does not tell of it."""


def douyin(booth: Booth, event: str, order: Order) -> Push | None:
    """A list of one message; the numbers of orders are numbers in it."""
    about: dict[str, Any] = {"p_id": int(order.number), "shop_id": int(booth.credentials["shop"])}
    update = {"update_time": _epoch(order.changed)}
    told: Mapping[str, tuple[str, dict[str, Any]]] = {
        "create": ("100", {"create_time": _epoch(order.created), "order_status": 1}),
        "pay": ("110", {"pay_time": _epoch(order.paid), "pay_amount": order.total_minor}),
        "ship": ("102", {**update, "logistics_msg": {"logistics_code": order.waybill}}),
        "complete": ("103", {**update, "complete_time": _epoch(order.ended)}),
        "cancel": ("106", {**update, "cancel_time": _epoch(order.ended)}),
    }
    if event not in told:
        return None
    tag, data = told[event]
    message = {"tag": tag, "msg_id": str(next(NUMBERS)), "data": {**about, **data}}
    body = json.dumps([message], separators=(",", ":")).encode()
    known = booth.credentials
    text = known["app_key"].encode() + body + known["app_secret"].encode()
    sign = hashlib.md5(text, usedforsecurity=False).hexdigest()
    return Push(body, {"app-id": known["app_key"], "event-sign": sign})


def wechat_channels(booth: Booth, event: str, order: Order) -> Push | None:
    """An event of the channels' shop; it names no money."""
    names = {
        "create": "new",
        "pay": "pay",
        "ship": "deliver",
        "complete": "confirm",
        "cancel": "cancel",
    }
    if event not in names:
        return None
    about: dict[str, Any] = {"order_id": int(order.number)}
    if event == "pay":
        about["pay_time"] = _epoch(order.paid)
    if event == "ship":
        about["finish_delivery"] = 1
    return _of_wechat(booth, f"channels_ec_order_{names[event]}", {"order_info": about})


def mini(booth: Booth, event: str, order: Order) -> Push | None:
    """An event of shipping management, which begins to speak when goods are on their way."""
    if event != "complete":
        return None
    about = {
        "merchant_trade_no": order.number,
        "shipped_time": _epoch(order.shipped),
        "confirm_receive_time": _epoch(order.ended),
        "settlement_time": _epoch(order.ended),
    }
    return _of_wechat(booth, "trade_manage_order_settlement", about)


def shopify(booth: Booth, event: str, order: Order) -> Push | None:
    """The whole order, as the list has it."""
    topics = {"create": "create", "pay": "paid", "ship": "fulfilled", "cancel": "cancelled"}
    body = json.dumps(shopify_order(order)).encode()
    headers = {
        "x-shopify-topic": f"orders/{topics.get(event, 'updated')}",
        "x-shopify-shop-domain": booth.credentials["shop"],
        "x-shopify-webhook-id": str(next(NUMBERS)),
        "x-shopify-hmac-sha256": _sealed(body, booth),
    }
    return Push(body, headers)


def woocommerce(booth: Booth, event: str, order: Order) -> Push | None:
    """The whole order, as the list has it."""
    body = json.dumps(woocommerce_order(order)).encode()
    headers = {
        "x-wc-webhook-topic": f"order.{'created' if event == 'create' else 'updated'}",
        "x-wc-webhook-delivery-id": str(next(NUMBERS)),
        "x-wc-webhook-signature": _sealed(body, booth),
    }
    return Push(body, headers)


WORDED: Final[Mapping[str, Worded]] = MappingProxyType(
    {
        "douyin": douyin,
        "wechat_channels": wechat_channels,
        "mini": mini,
        "shopify": shopify,
        "woocommerce": woocommerce,
    }
)


class Pushing:
    """Sends what happens at some booths to one gateway, from `running` to its end."""

    def __init__(self, booths: Mapping[str, Booth], public_url: str, sender: Sender) -> None:
        self._booths = {name: booths[name] for name in WORDED if name in booths}
        self._public_url = public_url
        self._sender = sender
        self._under_way: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send for as long as the block lasts; shops may sell in any thread."""
        loop = asyncio.get_running_loop()
        for booth in self._booths.values():

            def hear(event: str, order: Order, booth: Booth = booth) -> None:
                # As the order is at this moment: it may change before it is sent.
                if (push := WORDED[booth.platform](booth, event, order)) is not None:
                    loop.call_soon_threadsafe(self._begin, booth, push)

            booth.shop.listener = hear
        try:
            yield
        finally:
            for booth in self._booths.values():
                booth.shop.listener = None
            for each in self._under_way:
                each.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)

    def _begin(self, booth: Booth, push: Push) -> None:
        manners = booth.manners
        if manners.lost:
            manners.lost -= 1
            booth.pushes["lost"] += 1
            return
        for _ in range(manners.copies):
            task = asyncio.create_task(self._deliver(booth, push))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _deliver(self, booth: Booth, push: Push) -> None:
        await asyncio.sleep(booth.manners.late_s)
        pauses_s = () if booth.platform == "woocommerce" else PAUSES_S
        for pause_s in (*pauses_s, None):
            if await self._is_taken(booth, push):
                booth.pushes["taken"] += 1
                return
            booth.pushes["refused"] += 1
            if pause_s is not None:
                await asyncio.sleep(pause_s)
        booth.pushes["given up"] += 1

    async def _is_taken(self, booth: Booth, push: Push) -> bool:
        name = f"{booth.platform.replace('_', '-')}-shop"
        url = f"{self._public_url.rstrip('/')}/callbacks/{booth.platform}/{name}"
        if query := _query(booth):
            url = f"{url}?{query}"
        body = push.body
        if booth.manners.forged:
            booth.manners.forged -= 1
            # Somebody changes what is said, and cannot sign it.
            body = body.replace(b"1", b"2")
        headers = {"content-type": "application/json", **push.headers}
        try:
            answer = await self._sender.send(Call(url, headers, body), PATIENCE_S)
        except (OSError, TimeoutError):
            return False
        if booth.platform == "douyin":
            return answer.status == OK and b'"code":0' in answer.body
        return answer.status == OK


def _of_wechat(booth: Booth, event: str, about: Mapping[str, Any]) -> Push:
    message = {
        "ToUserName": booth.credentials["app"],
        "FromUserName": "oFake",
        "CreateTime": _epoch(booth.now()),
        "MsgType": "event",
        "Event": event,
        **about,
    }
    return Push(json.dumps(message).encode(), {})


def _query(booth: Booth) -> str:
    """Return what WeChat proves itself by: a time and a random text, newly signed each time."""
    token = booth.credentials.get("message_token")
    if token is None:
        return ""
    timestamp, nonce = str(_epoch(booth.now())), secrets.token_hex(8)
    text = "".join(sorted((token, timestamp, nonce))).encode()
    sign = hashlib.sha1(text, usedforsecurity=False).hexdigest()
    return urlencode({"signature": sign, "timestamp": timestamp, "nonce": nonce})


def _sealed(body: bytes, booth: Booth) -> str:
    secret = booth.credentials["app_secret"].encode()
    return base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest()).decode()


def _epoch(at: datetime | None) -> int:
    return 0 if at is None else int(at.timestamp())
