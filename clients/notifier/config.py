"""Settings of the notifier: the environment, read once, into one frozen object."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from clients.sdk.config import ConfigError, is_address

REQUIRED: Final = (
    "CONCORD_NOTICE_CHANNELS",
    "CONCORD_SERVICE_ADDRESS",
    "CONCORD_METRICS_ADDRESS",
)
# A thousand SMS, of which each takes a tenth of a second, in a quarter of a minute.
CONCURRENCY: Final = 8
# A look-up and a message of 10 s each, twice as much of waiting for its turn, and a report.
LEASE_S: Final = 60
POLL_S: Final = 1.0
TIMEOUT_S: Final = 10.0
LEASE_MIN_S: Final = 5
LEASE_MAX_S: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that the notifier is told from outside."""

    channels: Path
    service_address: str
    metrics_address: str
    concurrency: int = CONCURRENCY
    lease_s: int = LEASE_S
    poll_s: float = POLL_S
    timeout_s: float = TIMEOUT_S
    otlp_endpoint: str | None = None
    trace_sample_ratio: float = 0.1
    log_level: str = "info"
    instance_id: str = "notifier"
    # Secrets may be in variables that the file names.
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings.

        Raises:
            ConfigError: naming everything that is missing or malformed.
        """
        env = os.environ if environ is None else environ
        faults = [f"{name} is not set" for name in REQUIRED if not env.get(name)]
        for name in REQUIRED[1:]:
            if env.get(name) and not is_address(env[name]):
                faults.append(f"{name} is {env[name]!r}, not host:port")
        lease_s = int(_number(env, "CONCORD_NOTIFIER_LEASE_S", LEASE_S, faults))
        timeout_s = _number(env, "CONCORD_NOTIFIER_TIMEOUT_S", TIMEOUT_S, faults)
        if not LEASE_MIN_S <= lease_s <= LEASE_MAX_S:
            faults.append(
                f"CONCORD_NOTIFIER_LEASE_S is {lease_s}, not from {LEASE_MIN_S} to {LEASE_MAX_S}"
            )
        elif lease_s < 3 * timeout_s:
            faults.append("CONCORD_NOTIFIER_LEASE_S must be three times the time-out, or more")
        settings = cls(
            channels=Path(env.get("CONCORD_NOTICE_CHANNELS", "")),
            service_address=env.get("CONCORD_SERVICE_ADDRESS", ""),
            metrics_address=env.get("CONCORD_METRICS_ADDRESS", ""),
            concurrency=int(_number(env, "CONCORD_NOTIFIER_CONCURRENCY", CONCURRENCY, faults)),
            lease_s=lease_s,
            poll_s=_number(env, "CONCORD_NOTIFIER_POLL_S", POLL_S, faults),
            timeout_s=timeout_s,
            otlp_endpoint=env.get("OTEL_EXPORTER_OTLP_ENDPOINT") or None,
            trace_sample_ratio=_share(env, "CONCORD_TRACE_SAMPLE_RATIO", faults),
            log_level=env.get("CONCORD_LOG_LEVEL", "info"),
            instance_id=f"notifier-{uuid.uuid4().hex[:12]}",
            environ=dict(env),
        )
        if faults:
            raise ConfigError("\n".join(faults))
        return settings


def now() -> datetime:
    """Return the time."""
    return datetime.now(tz=UTC)


def milliseconds() -> int:
    """Return the time as robots want it signed."""
    return time.time_ns() // 1_000_000


def monotonic() -> float:
    """Return seconds that only grow."""
    return time.monotonic()


def fresh_id() -> str:
    """Return an id that nobody else has."""
    return str(uuid.uuid4())


def _number(env: Mapping[str, str], name: str, default: float, faults: list[str]) -> float:
    text = env.get(name) or str(default)
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if number > 0:
        return number
    faults.append(f"{name} is {text!r}, not a number above zero")
    return default


def _share(env: Mapping[str, str], name: str, faults: list[str]) -> float:
    text = env.get(name) or "0.1"
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0.0 <= share <= 1.0:
        faults.append(f"{name} is {text!r}, not a number between 0 and 1")
    return share
