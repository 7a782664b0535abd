"""Signed webhooks: for systems of one's own, and for whoever sends SMS.

    POST …
    concord-signature: t=1763800000,v1=HEX    HMAC-SHA256 of `t.body` with the shared secret
    idempotency-key: ntc-….0                  the same for the same delivery, always

SMS in China is a template and its values, signed by the provider: both are in the body, beside the
text for providers that take one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from clients.notifier.outcome import SENT, UNKNOWN_ADDRESS, Outcome, Outgoing
from clients.notifier.posting import Post


@dataclass(frozen=True, slots=True)
class Hook:
    """One receiver: where it listens, and the secret that it shares with us."""

    url: str
    secret: str = field(repr=False)


class WebhookSender:
    """Posts messages to hooks by name, or all of them to the one hook that there is."""

    def __init__(
        self,
        post: Post,
        hooks: Mapping[str, Hook],
        milliseconds: Callable[[], int],
        only: Hook | None = None,
    ) -> None:
        self._post = post
        self._hooks = hooks
        self._milliseconds = milliseconds
        self._only = only

    async def send(self, message: Outgoing) -> Outcome:
        """Post one message; the receiver took it when it answers 2xx."""
        hook = self._only or self._hooks.get(message.address)
        if hook is None:
            return UNKNOWN_ADDRESS
        body = _body(message)
        stamp = str(self._milliseconds() // 1_000)
        signed = hmac.new(hook.secret.encode(), stamp.encode() + b"." + body, hashlib.sha256)
        headers = {
            "concord-signature": f"t={stamp},v1={signed.hexdigest()}",
            "idempotency-key": message.key,
        }
        reply = await self._post.send(hook.url, body, headers)
        if isinstance(reply, Outcome):
            return reply
        return reply.failure() or SENT


def _body(message: Outgoing) -> bytes:
    part = message.parts[0] if message.parts else None
    return json.dumps(
        {
            "id": message.key,
            "channel": message.channel,
            "to": message.address,
            "title": message.title,
            "text": message.text,
            "template": part.template if part else "",
            "values": dict(part.values) if part else {},
        },
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()
