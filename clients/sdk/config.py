"""What a client takes from its surroundings: environment variables, and random request ids."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from clients.sdk.metadata import ANYBODY, Identity
from clients.sdk.policy import DEADLINE_S


class ConfigError(Exception):
    """Settings are missing or malformed; the text names all of them."""


@dataclass(frozen=True)
class Settings:
    """Where the service is, who asks, and how long an answer may take."""

    address: str
    identity: Identity = ANYBODY
    timeout_s: float = DEADLINE_S

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read `CONCORD_SERVICE_ADDRESS`, `CONCORD_ACTOR`, `…_ROLE`, `…_SOURCE`, `…_DEADLINE_S`.

        Raises:
            ConfigError: naming everything that is missing or malformed.
        """
        env = os.environ if environ is None else environ
        problems = []
        address = env.get("CONCORD_SERVICE_ADDRESS", "")
        if not is_address(address):
            problems.append(f"CONCORD_SERVICE_ADDRESS must be host:port, and is {address!r}")
        deadline = env.get("CONCORD_DEADLINE_S", str(DEADLINE_S))
        timeout_s = _seconds(deadline)
        if timeout_s <= 0:
            problems.append(f"CONCORD_DEADLINE_S must be seconds above 0, and is {deadline!r}")
        if problems:
            raise ConfigError("; ".join(problems))
        identity = Identity(
            env.get("CONCORD_ACTOR", ""), env.get("CONCORD_ROLE", ""), env.get("CONCORD_SOURCE", "")
        )
        return cls(address, identity, timeout_s)


def is_address(text: str) -> bool:
    """Return whether the text is host:port."""
    host, _, port = text.rpartition(":")
    return bool(host) and port.isascii() and port.isdigit() and 0 < int(port) < 65536  # noqa: PLR2004  # Ports are 16 bit.


def random_request_id() -> str:
    """Return a request id that nobody used before."""
    return str(uuid.uuid4())


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
