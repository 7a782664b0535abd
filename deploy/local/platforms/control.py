"""The control API: JSON over HTTP, under `/control`, for tests, the shop and people.

| call | does |
|---|---|
| `POST /control/trades` | create a trade, or a list of them; `pay_in_s` pays it |
| `GET /control/trades` | all trades; `?provider=` `?number=` `?state=` choose |
| `POST …/trades/{provider}/{name}/{move}` | `begin` `pay` `authorise` `fail` `close` `finish` |
| `POST …/trades/{provider}/{name}/refund` | give money back, as the merchant's own staff may |
| `POST …/trades/{provider}/{name}/forge` | send a forged notice of `kind` |
| `POST /control/behaviour` | turn knobs, of all, of `provider`, or of its trade `number` |
| `GET`, `POST /control/clock` | read it; set its `speed` |
| `POST /control/deliver` | send now what waits; `until_settled` goes on to the end |
| `GET /control/statistics` | what became of everything |
| `GET /control/calls`, `/control/requests` | every record; fields of one choose |
| `POST /control/keys` | rotate, announce or roll the keys of an `account` |
| `POST /control/forget` | empty the records |
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from deploy.local.platforms.courier import Delivery
from deploy.local.platforms.trades import RefusedError, digits
from deploy.local.platforms.world import World

Handler = Callable[[Any], Awaitable[object]]


class Control:
    """The calls, on one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        trade = "/control/trades/{provider}/{name}"
        return [
            self._route("/readyz", "GET", self._ready),
            self._route("/control/trades", "POST", self._create),
            self._route("/control/trades", "GET", self._trades),
            self._route(f"{trade}/refund", "POST", self._refund),
            self._route(f"{trade}/forge", "POST", self._forge),
            self._route(f"{trade}/{{move}}", "POST", self._move),
            self._route("/control/behaviour", "POST", self._behave),
            self._route("/control/clock", "GET", self._clock),
            self._route("/control/clock", "POST", self._set_clock),
            self._route("/control/deliver", "POST", self._deliver),
            self._route("/control/statistics", "GET", self._statistics),
            self._route("/control/calls", "GET", self._calls),
            self._route("/control/requests", "GET", self._requests),
            self._route("/control/keys", "POST", self._keys),
            self._route("/control/forget", "POST", self._forget),
        ]

    def _route(self, path: str, method: str, handle: Handler) -> Route:
        async def answer(request: Request) -> Response:
            try:
                asked = json.loads(await request.body() or b"{}")
                if isinstance(asked, dict):
                    asked = {**request.path_params, **request.query_params, **asked}
                told, status = await handle(asked), 200
            except RefusedError as error:
                told = {"reason": error.reason, "detail": str(error)}
                status = 404 if error.reason == "unknown" else 409
            except (KeyError, ValueError, TypeError) as error:
                told, status = {"reason": "malformed", "detail": repr(error)}, 400
            body = orjson.dumps(told, option=orjson.OPT_NON_STR_KEYS)
            return Response(body, status, media_type="application/json")

        return Route(path, answer, methods=[method])

    async def _ready(self, _: dict[str, Any]) -> object:
        return {"ready": True}

    async def _create(self, asked: dict[str, Any] | list[dict[str, Any]]) -> object:
        if isinstance(asked, list):
            return [self._created(dict(each)) for each in asked]
        return self._created(dict(asked))

    def _created(self, asked: dict[str, Any]) -> object:
        pay_in_s = asked.pop("pay_in_s", None)
        trade = self._world.create(
            asked.pop("provider"), asked.pop("number"), int(asked.pop("amount_minor")), **asked
        )
        if pay_in_s is not None:
            self._world.desk.move(trade, "pay", in_s=float(pay_in_s))
        return trade.described()

    async def _trades(self, asked: dict[str, Any]) -> object:
        return [
            each.described()
            for each in self._world.book
            if all(str(getattr(each, name)) == value for name, value in asked.items())
        ]

    async def _move(self, asked: dict[str, Any]) -> object:
        trade = self._world.find(asked["provider"], asked["name"])
        # A payment may be of another amount than was asked for, as a contradiction wants it.
        trade.amount_minor = int(asked.get("amount_minor", trade.amount_minor))
        trade.currency = asked.get("currency", trade.currency)
        self._world.desk.move(trade, asked["move"], in_s=float(asked.get("in_s", 0)))
        return trade.described()

    async def _refund(self, asked: dict[str, Any]) -> object:
        trade = self._world.find(asked["provider"], asked["name"])
        refund, _ = self._world.desk.refund(
            trade,
            number=asked.get("number") or f"R{digits(18)}",
            id=self._world.platforms[trade.provider].name_refund(trade),
            amount_minor=int(asked.get("amount_minor", trade.amount_minor - trade.refunded_minor)),
        )
        return refund.described()

    async def _forge(self, asked: dict[str, Any]) -> object:
        trade = self._world.find(asked["provider"], asked["name"])
        kinds = self._world.platforms[trade.provider].forgeries
        if asked["kind"] not in kinds:
            raise ValueError(f"kinds are {kinds}")
        self._world.courier.forge(trade, asked["kind"])
        return {"kind": asked["kind"]}

    async def _behave(self, asked: dict[str, Any]) -> object:
        provider, number = asked.pop("provider", ""), asked.pop("number", "")
        if asked.pop("reset", False):
            self._world.behaviours.reset()
        changed = self._world.behaviours.change(provider, number, asked)
        return {name: getattr(changed, name) for name in changed.__slots__}

    async def _clock(self, _: dict[str, Any]) -> object:
        moment = self._world.clock.moment()
        return {
            "now": moment.at.isoformat(),
            "stamp": moment.stamp.isoformat(),
            "speed": self._world.clock.speed,
        }

    async def _set_clock(self, asked: dict[str, Any]) -> object:
        self._world.clock.speed = float(asked["speed"])
        return await self._clock({})

    async def _deliver(self, asked: dict[str, Any]) -> object:
        provider, number = asked.get("provider", ""), asked.get("number", "")

        def is_chosen(delivery: Delivery) -> bool:
            trade = delivery.notice.trade
            return provider in ("", trade.provider) and number in ("", trade.number)

        # What has yet to happen to trades and refunds happens first, or there is nothing to tell.
        if asked.get("until_settled"):
            count = await self._world.settle(is_chosen)
        else:
            count = await self._world.courier.deliver(is_chosen)
        return {"calls": count, "pending": self._world.courier.pending()}

    async def _statistics(self, _: dict[str, Any]) -> object:
        return self._world.statistics()

    async def _calls(self, asked: dict[str, str]) -> object:
        return [each.described() for each in self._world.records.find_calls(**asked)]

    async def _requests(self, asked: dict[str, str]) -> object:
        return [each.described() for each in self._world.records.find_requests(**asked)]

    async def _keys(self, asked: dict[str, Any]) -> object:
        account, do = asked.pop("account"), asked.pop("do", "rotate")
        if do == "announce":
            self._world.announce(account)
            return {}
        if do == "roll":
            self._world.roll_webhook_secret(account)
            return {}
        return {"id": self._world.rotate(account, **asked)}

    async def _forget(self, _: dict[str, Any]) -> object:
        self._world.records.forget()
        return {}


def app(world: World) -> Starlette:
    """Return everything that the process serves: the platforms' APIs, and the control of them."""
    routes = [route for platform in world.platforms.values() for route in platform.routes()]
    return Starlette(routes=[*Control(world).routes(), *routes])
