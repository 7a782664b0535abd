"""The control API: JSON over HTTP, under `/control`, for tests, the shop and people.

| call | does |
|---|---|
| `POST /control/{platform}/orders` | sell: `lines`, `number`, `is_paid`, `ago_s` … |
| `GET /control/{platform}/orders` | every order: number, state, amount |
| `POST /control/{platform}/orders/{number}/{move}` | `pay ship complete cancel touch refund` |
| `POST /control/{platform}/faults` | plan a `fault`: `times`, `operation`, `after`; none: clear |
| `POST /control/{platform}/clock` | let its clock be `skew_s` before the true time |
| `POST /control/{platform}/token` | let the token end; `is_told`: the merchant gets the next |
| `POST /control/{platform}/pushes` | how it pushes: `copies`, `late_s`, `lost`, `forged` |
| `GET /control/{platform}/pushes` | what became of its pushes |
| `GET /control/{platform}/requests` | what was asked, the newest last |
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import fields
from datetime import timedelta
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.local.channels.faults import Fault
from deploy.local.channels.front import JSON, Booth, Manners
from deploy.local.channels.orders import PIECE, Line, Order, RefusedError
from deploy.local.channels.world import World

Act = Callable[[Booth, dict[str, Any]], object]


class Control:
    """The calls, on one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/readyz", self._ready),
            self._route("orders", "POST", self._sell),
            self._route("orders", "GET", self._orders),
            self._route("orders/{number}/{move}", "POST", self._move),
            self._route("faults", "POST", self._plan),
            self._route("clock", "POST", self._set_clock),
            self._route("token", "POST", self._roll),
            self._route("pushes", "POST", self._push),
            self._route("pushes", "GET", lambda booth, _: dict(booth.pushes)),
            self._route("requests", "GET", lambda booth, _: list(booth.requests)),
        ]

    async def _ready(self, _: Request) -> Response:
        return Response("ok")

    def _route(self, path: str, method: str, act: Act) -> Route:
        return Route(f"/control/{{platform}}/{path}", self._answer(act), methods=[method])

    def _answer(self, act: Act) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            booth = self._world.booths.get(request.path_params["platform"])
            if booth is None:
                return _sent({"error": "no such platform"}, 404)
            body = await request.body()
            given = {**(orjson.loads(body) if body else {}), **request.path_params}
            try:
                return _sent(act(booth, given))
            except (RefusedError, ValueError, KeyError, TypeError) as error:
                return _sent({"error": str(error)}, 409)

        return answer

    @staticmethod
    def _sell(booth: Booth, given: dict[str, Any]) -> object:
        lines = tuple(Line(**each) for each in given.get("lines", ())) or (PIECE,)
        chosen = {
            name: given[name]
            for name in ("number", "is_paid", "buyer", "receiver")
            if name in given
        }
        amounts = {
            name: given[name] for name in ("discount_minor", "freight_minor") if name in given
        }
        at = booth.clock() - timedelta(seconds=given.get("ago_s", 0))
        return _told(booth.shop.sell(lines=lines, at=at, **chosen, **amounts))

    @staticmethod
    def _orders(booth: Booth, _: dict[str, Any]) -> object:
        now = booth.clock()
        return [
            {**_told(each), "age_s": (now - each.created).total_seconds()} for each in booth.shop
        ]

    @staticmethod
    def _move(booth: Booth, given: dict[str, Any]) -> object:
        number, move = given["number"], given["move"]
        if move == "touch":
            return _told(booth.shop.touch(number))
        if move == "refund":
            booth.shop.refund(number, is_done=given.get("is_done", True))
            return _told(booth.shop.order(number))
        return _told(booth.shop.move(number, move))

    @staticmethod
    def _plan(booth: Booth, given: dict[str, Any]) -> object:
        if "fault" not in given:
            booth.faults.clear()
            return {}
        booth.faults.plan(
            Fault(given["fault"]),
            times=given.get("times", 1),
            operation=given.get("operation", ""),
            after=given.get("after", 0),
        )
        return {}

    @staticmethod
    def _set_clock(booth: Booth, given: dict[str, Any]) -> object:
        booth.skew = timedelta(seconds=given["skew_s"])
        return {"now": booth.now().isoformat()}

    @staticmethod
    def _push(booth: Booth, given: dict[str, Any]) -> object:
        names = [each.name for each in fields(Manners)]
        booth.manners = Manners(**{name: given[name] for name in names if name in given})
        return {}

    def _roll(self, booth: Booth, given: dict[str, Any]) -> object:
        self._world.roll_token(booth.platform, is_told=given.get("is_told", True))
        return {}


def _told(order: Order) -> dict[str, Any]:
    return {
        "number": order.number,
        "state": order.state,
        "total_minor": order.total_minor,
        "created_at": order.created.isoformat(),
        "changed_at": order.changed.isoformat(),
    }


def _sent(content: object, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type=JSON)


def app_of(world: World) -> Starlette:
    """Return everything that is served: the channels' APIs, and the control of them."""
    return Starlette(routes=[*world.routes(), *Control(world).routes()])
