"""Settings of the connectors: the environment, read once, into one frozen object."""

from __future__ import annotations

import os
import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from clients.connectors.pacing import LONGEST_PAUSE_S, RATES, Rate
from clients.sdk.config import is_address

PROVIDERS: Final = tuple(RATES)
REQUIRED: Final = ("CONCORD_ACCOUNTS", "CONCORD_SERVICE_ADDRESS", "CONCORD_METRICS_ADDRESS")

# 16 questions of 300 ms are 50 a second, more than any account is asked.
CONCURRENCY: Final = 16
# Both addresses of a provider timed out (20 s), a service that restarts (15 s), and as much again.
LEASE_S: Final = 60
# What the service grants.
LEASE_MIN_S: Final = 5
LEASE_MAX_S: Final = 300
# A probe is first due after tens of seconds; a second more is not felt.
POLL_S: Final = 1.0
TIMEOUT_S: Final = 10.0
# Files come once a day, and are copied within seconds; one is taken at the second look.
FILES_EVERY_S: Final = 10.0


class ConfigError(Exception):
    """Settings are missing or malformed; the text names all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that the connectors are told from outside."""

    accounts: Path
    service_address: str
    metrics_address: str
    providers: tuple[str, ...] = PROVIDERS
    rates: Mapping[str, Rate] = field(default_factory=lambda: dict(RATES))
    concurrency: int = CONCURRENCY
    lease_s: int = LEASE_S
    poll_s: float = POLL_S
    timeout_s: float = TIMEOUT_S
    longest_pause_s: float = LONGEST_PAUSE_S
    # With a folder for each feed of mode FILE; what is put there is imported.
    files: Path | None = None
    files_every_s: float = FILES_EVERY_S
    proxy: str | None = field(default=None, repr=False)
    otlp_endpoint: str | None = None
    trace_sample_ratio: float = 0.1
    log_level: str = "info"
    # This process, for as long as it lives.
    worker_id: str = "connectors"
    # Secrets of accounts may be in variables that the accounts file names.
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings.

        Raises:
            ConfigError: naming everything that is wrong with them.
        """
        env = os.environ if environ is None else environ
        faults = [f"{name} is not set" for name in REQUIRED if not env.get(name)]
        for name in REQUIRED[1:]:
            if env.get(name) and not is_address(env[name]):
                faults.append(f"{name} is {env[name]!r}, not host:port")
        lease_s = _whole(env, "CONCORD_CONNECTORS_LEASE_S", LEASE_S, faults)
        if not LEASE_MIN_S <= lease_s <= LEASE_MAX_S:
            faults.append(
                f"CONCORD_CONNECTORS_LEASE_S is {lease_s}, not from {LEASE_MIN_S} to {LEASE_MAX_S}"
            )
        settings = cls(
            accounts=Path(env.get("CONCORD_ACCOUNTS", "")),
            service_address=env.get("CONCORD_SERVICE_ADDRESS", ""),
            metrics_address=env.get("CONCORD_METRICS_ADDRESS", ""),
            providers=_providers(env, faults),
            rates=_rates(env, faults),
            concurrency=_whole(env, "CONCORD_CONNECTORS_CONCURRENCY", CONCURRENCY, faults),
            lease_s=lease_s,
            poll_s=_seconds(env, "CONCORD_CONNECTORS_POLL_S", POLL_S, faults),
            timeout_s=_seconds(env, "CONCORD_CONNECTORS_TIMEOUT_S", TIMEOUT_S, faults),
            longest_pause_s=_seconds(
                env, "CONCORD_CONNECTORS_PAUSE_MAX_S", LONGEST_PAUSE_S, faults
            ),
            files=_folder(env, "CONCORD_CONNECTORS_FILES", faults),
            files_every_s=_seconds(env, "CONCORD_CONNECTORS_FILES_EVERY_S", FILES_EVERY_S, faults),
            proxy=env.get("CONCORD_CONNECTORS_PROXY") or None,
            otlp_endpoint=env.get("OTEL_EXPORTER_OTLP_ENDPOINT") or None,
            trace_sample_ratio=_share(env, "CONCORD_TRACE_SAMPLE_RATIO", faults),
            log_level=env.get("CONCORD_LOG_LEVEL", "info"),
            worker_id=f"connectors-{uuid.uuid4().hex[:12]}",
            environ=dict(env),
        )
        if faults:
            raise ConfigError("\n".join(faults))
        return settings


def now() -> datetime:
    """Return the time."""
    return datetime.now(tz=UTC)


def monotonic() -> float:
    """Return seconds that only grow."""
    return time.monotonic()


def nonce() -> str:
    """Return 32 characters that nobody can guess."""
    return secrets.token_hex(16)


def _folder(env: Mapping[str, str], name: str, faults: list[str]) -> Path | None:
    text = env.get(name, "")
    if text and not Path(text).is_dir():
        faults.append(f"{name} is {text!r}, not a folder")
    return Path(text) if text else None


def _providers(env: Mapping[str, str], faults: list[str]) -> tuple[str, ...]:
    text = env.get("CONCORD_CONNECTORS_PROVIDERS", "")
    named = tuple(part.strip() for part in text.split(",") if part.strip())
    unknown = sorted(set(named) - set(PROVIDERS))
    if unknown:
        faults.append(
            f"CONCORD_CONNECTORS_PROVIDERS names {', '.join(unknown)}; "
            f"there are {', '.join(PROVIDERS)}"
        )
    return named or PROVIDERS


def _rates(env: Mapping[str, str], faults: list[str]) -> Mapping[str, Rate]:
    """Return the rates, some of them replaced: `wechatpay=50,unionpay=2.5`."""
    rates = dict(RATES)
    text = env.get("CONCORD_CONNECTORS_RATES", "")
    for part in filter(None, (each.strip() for each in text.split(","))):
        provider, _, number = part.partition("=")
        per_s = _number(number)
        if provider not in rates or per_s <= 0:
            faults.append(f"CONCORD_CONNECTORS_RATES has {part!r}, not such as wechatpay=50")
            continue
        # As many at once as two seconds bring, as in the rates that they replace.
        rates[provider] = Rate(per_s, max(1, int(2 * per_s)))
    return rates


def _whole(env: Mapping[str, str], name: str, default: int, faults: list[str]) -> int:
    text = env.get(name) or str(default)
    if text.isascii() and text.isdecimal() and int(text) > 0:
        return int(text)
    faults.append(f"{name} is {text!r}, not a whole number above zero")
    return default


def _seconds(env: Mapping[str, str], name: str, default: float, faults: list[str]) -> float:
    text = env.get(name) or str(default)
    if (seconds := _number(text)) > 0:
        return seconds
    faults.append(f"{name} is {text!r}, not seconds above zero")
    return default


def _share(env: Mapping[str, str], name: str, faults: list[str]) -> float:
    text = env.get(name) or "0.1"
    share = _number(text)
    if not 0.0 <= share <= 1.0:
        faults.append(f"{name} is {text!r}, not a number between 0 and 1")
    return share


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return -1.0
