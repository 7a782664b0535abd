"""What the process takes from its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class SettingsError(Exception):
    """Settings are missing or malformed; the text names all of them."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where to serve, and where the merchant finds his accounts."""

    host: str
    port: int
    folder: Path

    @property
    def api(self) -> str:
        """Where merchants ask."""
        return f"http://{self.host}:{self.port}"


def read(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Raises:
        SettingsError: naming everything that is missing or malformed.
    """
    env = os.environ if environ is None else environ
    address, data = env.get("CONCORD_CHANNELS_ADDRESS", ""), env.get("CONCORD_DATA_DIR", "")
    host, _, port = address.rpartition(":")
    problems = []
    if host not in LOOPBACK or not port.isdigit():
        problems.append(f"CONCORD_CHANNELS_ADDRESS must be on loopback, and is {address!r}")
    if not data:
        problems.append("CONCORD_DATA_DIR is not set")
    if problems:
        raise SettingsError("; ".join(problems))
    return Settings(host, int(port), Path(data) / "channels")


def now() -> datetime:
    """Return the time."""
    return datetime.now(tz=UTC)
