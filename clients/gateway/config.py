"""Settings of the gateway: the environment, read once, into one frozen object."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Final

from clients.sdk.config import ConfigError, is_address

Network = IPv4Network | IPv6Network

Clock = Callable[[], datetime]

# Loopback: whoever opens it to the world puts something in front that speaks TLS.
ADDRESS: Final = "127.0.0.1:18080"
# A quarter of a second of 2,000 callbacks a second, which take 50 ms each when all is well. With
# bodies of 256 KiB, which nobody sends, 128 MiB.
CONCURRENCY: Final = 500
REQUIRED: Final = ("CONCORD_ACCOUNTS",)
LEVELS: Final = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that a gateway is told from outside."""

    address: str
    accounts: Path
    service_address: str
    metrics_address: str
    concurrency: int
    """Callbacks in flight; those beyond are told to come again."""
    trusted_proxies: tuple[Network, ...]
    otlp_endpoint: str | None
    trace_sample_ratio: float
    log_level: str
    instance_id: str
    environ: Mapping[str, str] = field(repr=False)
    """Where secrets named `{env: NAME}` are looked up."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings.

        Raises:
            ConfigError: naming everything that is missing or malformed.
        """
        env = dict(os.environ if environ is None else environ)
        faults = [f"{name} is not set" for name in REQUIRED if not env.get(name)]
        level = env.get("CONCORD_LOG_LEVEL", "info")
        if level not in LEVELS:
            faults.append(f"CONCORD_LOG_LEVEL is {level!r}, not one of {', '.join(LEVELS)}")
        settings = cls(
            address=_address(env, "CONCORD_GATEWAY_ADDRESS", faults, ADDRESS),
            accounts=Path(env.get("CONCORD_ACCOUNTS", "")),
            service_address=_address(env, "CONCORD_SERVICE_ADDRESS", faults),
            metrics_address=_address(env, "CONCORD_METRICS_ADDRESS", faults),
            concurrency=_count(env, "CONCORD_GATEWAY_CONCURRENCY", CONCURRENCY, faults),
            trusted_proxies=_networks(env, "CONCORD_TRUSTED_PROXIES", faults),
            otlp_endpoint=env.get("OTEL_EXPORTER_OTLP_ENDPOINT") or None,
            trace_sample_ratio=_share(env, "CONCORD_TRACE_SAMPLE_RATIO", faults),
            log_level=level,
            instance_id=uuid.uuid4().hex[:12],
            environ=env,
        )
        if faults:
            raise ConfigError("\n".join(faults))
        return settings


def now() -> datetime:
    """Return the time: of the machine's clock, which the replay windows are measured by."""
    return datetime.now(tz=UTC)


def monotonic() -> float:
    """Return seconds that only go forward."""
    return time.monotonic()


def _address(env: Mapping[str, str], name: str, faults: list[str], default: str = "") -> str:
    text = env.get(name) or default
    if not is_address(text):
        faults.append(f"{name} must be host:port, and is {text!r}")
    return text


def _count(env: Mapping[str, str], name: str, default: int, faults: list[str]) -> int:
    text = env.get(name) or str(default)
    if text.isdecimal() and int(text) > 0:
        return int(text)
    faults.append(f"{name} is {text!r}, not a whole number above zero")
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


def _networks(env: Mapping[str, str], name: str, faults: list[str]) -> tuple[Network, ...]:
    found: list[Network] = []
    for text in filter(None, (each.strip() for each in env.get(name, "").split(","))):
        try:
            found.append(ip_network(text))
        except ValueError:
            faults.append(f"{name} has {text!r}, which is no address or network (10.0.0.0/8)")
    return tuple(found)
