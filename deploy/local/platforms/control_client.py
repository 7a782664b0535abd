"""The control API from the other side, for tests and scripts."""

from __future__ import annotations

from typing import Any

import httpx2

Json = Any
"""What came, or goes, as JSON: nobody here says more about it than `control` does."""


class ControlError(Exception):
    """The platforms declined; `reason` is one word."""

    def __init__(self, status: int, told: Json) -> None:
        super().__init__(f"{status}: {told}")
        self.reason = str(told.get("reason", ""))


class Control:
    """Tells the platforms what happens and how to behave; each call is one of `control`'s."""

    def __init__(self, api: str, *, timeout_s: float = 60.0) -> None:
        self._http = httpx2.Client(base_url=api, timeout=timeout_s, trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def create(self, provider: str, number: str, amount_minor: int, **more: Json) -> Json:
        """Create a trade: `account` `currency` `handle` `subject` `dialect` `pay_in_s`."""
        asked = {"provider": provider, "number": number, "amount_minor": amount_minor, **more}
        return self._post("trades", asked)

    def create_all(self, trades: list[Json]) -> Json:
        """Create many trades at once."""
        return self._post("trades", trades)

    def move(self, provider: str, name: str, move: str, **more: Json) -> Json:
        """Do one of `desk.MOVES`: `in_s` `amount_minor` `currency`."""
        return self._post(f"trades/{provider}/{name}/{move}", more)

    def pay(self, provider: str, name: str, **more: Json) -> Json:
        """Let the buyer pay."""
        return self.move(provider, name, "pay", **more)

    def refund(self, provider: str, name: str, **more: Json) -> Json:
        """Give money back without having been asked over the API: `number` `amount_minor`."""
        return self._post(f"trades/{provider}/{name}/refund", more)

    def forge(self, provider: str, name: str, kind: str) -> None:
        """Send a forged notice that the trade is paid."""
        self._post(f"trades/{provider}/{name}/forge", {"kind": kind})

    def trades(self, **wanted: str) -> Json:
        """Return trades: `provider` `account` `number` `handle` `state`."""
        return self._get("trades", wanted)

    def trade(self, provider: str, number: str) -> Json:
        """Return the newest trade of that number."""
        return self.trades(provider=provider, number=number)[-1]

    def behave(self, provider: str = "", number: str = "", **knobs: Json) -> Json:
        """Turn knobs of `Behaviour`, of one trade, of a platform, or of all; `reset` first."""
        return self._post("behaviour", {"provider": provider, "number": number, **knobs})

    def clock(self, speed: float | None = None) -> Json:
        """Return the clock, set to the speed if one is given."""
        return self._get("clock", {}) if speed is None else self._post("clock", {"speed": speed})

    def deliver(self, *, provider: str = "", number: str = "") -> Json:
        """Send what waits, once, whatever its time."""
        return self._post("deliver", {"provider": provider, "number": number})

    def settle(self, *, provider: str = "", number: str = "") -> Json:
        """Send until nothing waits: each notice is taken, or given up as its schedule has it."""
        asked = {"provider": provider, "number": number, "until_settled": True}
        return self._post("deliver", asked)

    def statistics(self) -> Json:
        """Return what became of everything: see `World.statistics`."""
        return self._get("statistics", {})

    def calls(self, **wanted: str) -> Json:
        """Return records of calls: `provider` `number` `verdict` `is_forged` `is_right`."""
        return self._get("calls", wanted)

    def requests(self, **wanted: str) -> Json:
        """Return records of questions: `provider` `operation` `number` `status` `reason`."""
        return self._get("requests", wanted)

    def rotate(self, account: str, mode: str = "public_key", *, is_announced: bool = True) -> str:
        """Sign WeChat Pay's notices with another key from now on; return its id."""
        asked = {"account": account, "mode": mode, "is_announced": is_announced}
        return str(self._post("keys", asked)["id"])

    def announce(self, account: str) -> None:
        """Let the merchant have every key of the platform."""
        self._post("keys", {"account": account, "do": "announce"})

    def roll(self, account: str) -> None:
        """Begin to roll a webhook secret of Stripe."""
        self._post("keys", {"account": account, "do": "roll"})

    def forget(self) -> None:
        """Empty the records."""
        self._post("forget", {})

    def _get(self, path: str, wanted: dict[str, str]) -> Json:
        return self._told(self._http.get(f"/control/{path}", params=wanted))

    def _post(self, path: str, asked: object) -> Json:
        return self._told(self._http.post(f"/control/{path}", json=asked))

    @staticmethod
    def _told(answer: httpx2.Response) -> Json:
        told = answer.json()
        if answer.status_code != httpx2.codes.OK:
            raise ControlError(answer.status_code, told)
        return told
