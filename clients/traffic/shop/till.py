"""Buyers pay at the fake platforms of the embedded stack, over their control API."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Final, Self

import httpx2

TIMEOUT_S: Final = 5.0


class FakeTill:
    """The platforms' control, as far as a shop needs it."""

    def __init__(self, address: str) -> None:
        self._http = httpx2.Client(
            base_url=f"http://{address}/control", timeout=TIMEOUT_S, trust_env=False
        )

    def create(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Create a trade, and return it; the one that is there if an answer was lost before."""
        answer = self._ask("POST", "/trades", json=asked)
        if answer.status_code == httpx2.codes.CONFLICT:
            names = {name: asked[name] for name in ("provider", "number")}
            answer = self._ask("GET", "/trades", params=names)
        answer.raise_for_status()
        told = answer.json()
        trade: dict[str, Any] = told[-1] if isinstance(told, list) else told
        return trade

    def pay(self, trade: dict[str, Any], in_s: float) -> None:
        """Let the buyer pay after so many seconds; platforms that began anew know no trade."""
        path = f"/trades/{trade['provider']}/{trade['number']}/pay"
        self._ask("POST", path, json={"in_s": in_s})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._http.close()

    def _ask(
        self,
        method: str,
        path: str,
        *,
        json: dict[str, Any] | None = None,
        params: dict[str, str] | None = None,
    ) -> httpx2.Response:
        try:
            answer = self._http.request(method, path, json=json, params=params)
        except httpx2.HTTPError as error:
            raise OSError(str(error)) from error
        if answer.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR:
            raise OSError(f"{path} answered {answer.status_code}")
        return answer
