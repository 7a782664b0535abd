"""The keeper's settings, from the environment, once."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

DAYS: Final = 3
# At about 500 bytes a span, 4 million spans: an hour of 1,000 spans a second, days of a demo.
MAX_BYTES: Final = 2_000_000_000


class SettingsError(Exception):
    """Settings are missing or malformed; the text says which, all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the keeper runs."""

    address: str
    """Where OTLP and questions come in; loopback."""
    metrics_address: str
    folder: Path
    forward_endpoint: str | None
    keep_s: float = DAYS * 86_400.0
    keep_bytes: int = MAX_BYTES


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read all settings, or raise `SettingsError` naming everything that is wrong."""
    problems: list[str] = []
    # Where it is asked is where it listens; spans may be sent to another collector instead.
    address = _address_of(
        environment.get("CONCORD_TRACE_ADDRESS")
        or environment.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    )
    if not _is_loopback(address):
        problems.append(
            "CONCORD_TRACE_ADDRESS, or else OTEL_EXPORTER_OTLP_ENDPOINT, must be 127.0.0.1:<port>"
        )
    metrics_address = environment.get("CONCORD_METRICS_ADDRESS", "")
    if not _is_loopback(metrics_address):
        problems.append("CONCORD_METRICS_ADDRESS must be 127.0.0.1:<port>")
    folder = environment.get("CONCORD_DATA_DIR", "")
    if not folder:
        problems.append("CONCORD_DATA_DIR must name a folder")
    keep_days = environment.get("CONCORD_SPANS_KEEP_DAYS", str(DAYS))
    if not keep_days.replace(".", "", 1).isdigit():
        problems.append("CONCORD_SPANS_KEEP_DAYS must be a number of days")
    keep_bytes = environment.get("CONCORD_SPANS_KEEP_BYTES", str(MAX_BYTES))
    if not keep_bytes.isdigit():
        problems.append("CONCORD_SPANS_KEEP_BYTES must be a number of bytes")
    if problems:
        raise SettingsError("; ".join(problems))
    return Settings(
        address=address,
        metrics_address=metrics_address,
        folder=Path(folder) / "spans",
        forward_endpoint=environment.get("CONCORD_OTLP_FORWARD_ENDPOINT") or None,
        keep_s=float(keep_days) * 86_400,
        keep_bytes=int(keep_bytes),
    )


def _address_of(endpoint: str) -> str:
    return urlsplit(endpoint).netloc if "://" in endpoint else endpoint


def _is_loopback(address: str) -> bool:
    host, _, port = address.rpartition(":")
    if not port.isdigit():
        return False
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
