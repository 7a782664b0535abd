"""What the shop takes from its surroundings: where to tell, where buyers pay, and a run's name."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from clients.sdk.config import ConfigError, is_address

# As many as a person can follow by eye, and a laptop does not hear.
RATE: Final = 1.0

REQUIRED: Final = ("CONCORD_SERVICE_ADDRESS", "CONCORD_PLATFORMS_ADDRESS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that the shop is told from outside."""

    service_address: str
    platforms_address: str
    rate: float = RATE
    """Orders in a second."""
    run: str
    """No two runs have a number in common."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings.

        Raises:
            ConfigError: naming everything that is missing or malformed.
        """
        env = os.environ if environ is None else environ
        faults = [
            f"{name} must be host:port, and is {env.get(name, '')!r}"
            for name in REQUIRED
            if not is_address(env.get(name, ""))
        ]
        if faults:
            raise ConfigError("; ".join(faults))
        return cls(
            service_address=env["CONCORD_SERVICE_ADDRESS"],
            platforms_address=env["CONCORD_PLATFORMS_ADDRESS"],
            run=f"shop-{secrets.token_hex(8)}",
        )


def now_us() -> int:
    """Return the time, in microseconds since the epoch."""
    return time.time_ns() // 1000
