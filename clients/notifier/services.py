"""Everything else that people are reached by, through Apprise: one address each.

Apprise says only whether it believes to have succeeded. What it did not is uncertain here: it may
have failed before or after the receiver heard.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from clients.notifier.allowing import Allowed, Lookup, look_up, place_of
from clients.notifier.outcome import (
    SENT,
    UNKNOWN_ADDRESS,
    NotReachableError,
    Outcome,
    Outgoing,
    Result,
)

# Services whose plug-in lets the address name the host.
GENERIC: Final = frozenset(
    {
        "json", "jsons", "xml", "xmls", "form", "forms", "mailto", "mailtos", "gotify", "gotifys",
        "ntfy", "ntfys", "rocket", "rockets", "mmost", "mmosts", "matrix", "matrixs",
    }
)  # fmt: skip
PORT: Final = 443


class AppriseSender:
    """Sends through Apprise's plug-ins, to addresses that the file names."""

    def __init__(
        self,
        addresses: Mapping[str, str],
        allowed: Allowed,
        services: frozenset[str],
        lookup: Lookup = look_up,
    ) -> None:
        self._addresses = addresses
        self._allowed = allowed
        self._services = services
        self._lookup = lookup

    async def send(self, message: Outgoing) -> Outcome:
        """Send one message to the address of that name."""
        url = self._addresses.get(message.address)
        if url is None:
            return UNKNOWN_ADDRESS
        target = await asyncio.to_thread(_target, url)
        if target is None:
            return Outcome(Result.REFUSED, "NO_ADDRESS")
        try:
            await self._check(url.partition("://")[0].lower(), target)
        except NotReachableError as error:
            return error.outcome
        told = await asyncio.to_thread(target.notify, body=message.text, title=message.title)
        return SENT if told else Outcome(Result.UNCERTAIN, "APPRISE")

    async def _check(self, schema: str, target: Any) -> None:  # noqa: ANN401  # a plug-in
        if schema in GENERIC:
            host = str(getattr(target, "smtp_host", "") or getattr(target, "host", "") or "")
            await place_of(host, int(target.port or PORT), self._allowed, self._lookup)
        elif schema not in self._services:
            # What hosts a plug-in goes to is its own affair: the plug-in itself must be listed.
            raise NotReachableError(Outcome(Result.REFUSED, "SERVICE_NOT_ALLOWED"))


def _target(url: str) -> Any:  # noqa: ANN401  # a plug-in of Apprise, which has no types
    # A fifth of a second, which only those pay who use it.
    import apprise  # noqa: PLC0415

    asset = apprise.AppriseAsset(async_mode=False)
    asset.http_redirects = False
    return apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
