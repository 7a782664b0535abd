"""Settings of a worker: the environment, read once, into one frozen object."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from streams.failpoints import NONE_ARMED, Failpoints, armed

# The same as the service's; no more workers than this can share the work.
DEFAULT_PARTITIONS: Final = 12
# As the embedded broker wants it; see deploy/local/environment.py.
DEFAULT_SESSION_TIMEOUT_S: Final = 6
REQUIRED: Final = (
    "CONCORD_KAFKA_BOOTSTRAP",
    "CONCORD_REDIS_URL",
    "CONCORD_SERVICE_ADDRESS",
    "CONCORD_METRICS_ADDRESS",
    "CONCORD_STREAMS_DATA_DIR",
)
# 128 bits; a shorter key is guessed.
_PSEUDONYM_KEY_MIN: Final = 16


class ConfigError(Exception):
    """Settings are missing or malformed; the text names all of them."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a worker is told from outside."""

    kafka_bootstrap: str
    redis_url: str = field(repr=False)
    service_address: str
    metrics_address: str
    data_dir: Path
    partitions: int
    session_timeout_s: int
    otlp_endpoint: str | None
    trace_sample_ratio: float
    log_level: str
    # Key under which customers become opaque; without it, those that a template would have to
    # hash are left out.
    pseudonym_key: bytes | None = field(repr=False)
    # This process, for as long as it lives.
    worker_id: str
    # Where a test makes this worker fail.
    failpoints: Failpoints = field(default_factory=Failpoints)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings, or raise `ConfigError` that names everything wrong with them."""
        env = os.environ if environ is None else environ
        faults = [f"{name} is not set" for name in REQUIRED if not env.get(name)]
        partitions = _number(env, "CONCORD_KAFKA_PARTITIONS", DEFAULT_PARTITIONS, faults)
        timeout = _number(env, "CONCORD_KAFKA_SESSION_TIMEOUT_S", DEFAULT_SESSION_TIMEOUT_S, faults)
        ratio = _share(env, "CONCORD_TRACE_SAMPLE_RATIO", faults)
        key = env.get("CONCORD_PSEUDONYM_KEY", "").encode() or None
        if key is not None and len(key) < _PSEUDONYM_KEY_MIN:
            faults.append(f"CONCORD_PSEUDONYM_KEY has less than {_PSEUDONYM_KEY_MIN} bytes")
        failpoints = _failpoints(env, faults)
        if faults:
            raise ConfigError("\n".join(faults))
        return cls(
            kafka_bootstrap=env["CONCORD_KAFKA_BOOTSTRAP"],
            redis_url=env["CONCORD_REDIS_URL"],
            service_address=env["CONCORD_SERVICE_ADDRESS"],
            metrics_address=env["CONCORD_METRICS_ADDRESS"],
            data_dir=Path(env["CONCORD_STREAMS_DATA_DIR"]),
            partitions=partitions,
            session_timeout_s=timeout,
            otlp_endpoint=env.get("OTEL_EXPORTER_OTLP_ENDPOINT") or None,
            trace_sample_ratio=ratio,
            log_level=env.get("CONCORD_LOG_LEVEL", "info"),
            pseudonym_key=key,
            worker_id=uuid.uuid4().hex[:12],
            failpoints=failpoints,
        )


def _failpoints(env: Mapping[str, str], faults: list[str]) -> Failpoints:
    text = env.get("CONCORD_FAILPOINTS", NONE_ARMED)
    try:
        failpoints = armed(text)
    except ValueError as error:
        faults.append(f"CONCORD_FAILPOINTS: {error}")
        return Failpoints()
    if failpoints.is_armed and env.get("CONCORD_FAILPOINTS_UNSAFE") != "yes":
        faults.append(
            "CONCORD_FAILPOINTS makes a worker fail on purpose: leave it out, or for a test"
            " set CONCORD_FAILPOINTS_UNSAFE=yes"
        )
    return failpoints


def _number(env: Mapping[str, str], name: str, default: int, faults: list[str]) -> int:
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
