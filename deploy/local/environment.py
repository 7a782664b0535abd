"""What the stack takes from its environment, and what every process of it is given in its own.

The only place of the stack that reads variables, and the only one that names those of others.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.process import UnusableError

# An own server takes the place of an embedded one, which is then not started.
OWN_SERVERS: Final[Mapping[str, str]] = {
    "postgres": "CONCORD_DATABASE_URL",
    "valkey": "CONCORD_REDIS_URL",
    "broker": "CONCORD_KAFKA_BOOTSTRAP",
}

# Which broker the stack starts where there is none of the user's own.
EMBEDDED_BROKER: Final = "CONCORD_EMBEDDED_BROKER"
TANSU: Final = "tansu"
APACHE: Final = "apache"

# Tansu lets the first member of a group in after half of this, and a dead one out after all of
# it: 3 s and 6 s. Clients' own defaults (45 s, 60 s) would look like a stack that hangs.
SESSION_TIMEOUT_S: Final = 6

# As many as the streams' worker can take at once on two cores, and enough to show it.
PARTITIONS: Final = 4


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the caller's environment says about the stack."""

    folder: Path
    own: Mapping[str, str]
    """Addresses of own servers, by the name of the embedded one."""
    inherited: Mapping[str, str]
    has_colour: bool
    broker: str = TANSU
    """Which one to start where there is no own: Tansu, or Apache Kafka."""


def read(variables: Mapping[str, str] | None = None) -> Surroundings:
    """Read the environment of this process, or the variables given."""
    given = os.environ if variables is None else variables
    folder = given.get("CONCORD_DATA_DIR")
    own = {name: given[key] for name, key in OWN_SERVERS.items() if given.get(key)}
    return Surroundings(
        folder=Path(folder) if folder else default_folder(),
        own=own,
        inherited=dict(given),
        has_colour="NO_COLOR" not in given and given.get("TERM") != "dumb",
        broker=embedded_broker(given),
    )


def embedded_broker(variables: Mapping[str, str] | None = None) -> str:
    """Return which broker to start: `tansu` or `apache`.

    Raises:
        UnusableError: the variable says something else.
    """
    given = os.environ if variables is None else variables
    said = given.get(EMBEDDED_BROKER) or TANSU
    if said not in (TANSU, APACHE):
        raise UnusableError(f"{EMBEDDED_BROKER} is {said!r}, neither {TANSU} nor {APACHE}")
    return said


def default_folder() -> Path:
    """Return `.concord` beside the sources, or where we are when Concord came as a wheel."""
    root = Path(__file__).resolve().parents[2]
    return (root if (root / "pyproject.toml").exists() else Path.cwd()) / ".concord"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """The variables that bind the processes of one stack together."""

    database_url: str
    redis_url: str
    kafka_bootstrap: str
    service_address: str
    spans_address: str | None
    """Where spans are sent to and asked for; None if nobody keeps them."""
    gateway_address: str | None
    """Where platforms call; None if nobody takes callbacks."""
    platforms_address: str | None
    """Where the fake platforms answer; None if there are none."""
    metrics_addresses: Mapping[str, str]
    folder: Path
    inherited: Mapping[str, str]

    @property
    def accounts_file(self) -> Path:
        """Where the fake platforms write which accounts a merchant has at them."""
        return self.folder / "platforms" / "accounts.yaml"

    def shared(self) -> dict[str, str]:
        """The variables that are the same for every process, and for a shell beside them."""
        variables = {
            "CONCORD_DATA_DIR": str(self.folder),
            "CONCORD_DATABASE_URL": self.database_url,
            "CONCORD_REDIS_URL": self.redis_url,
            "CONCORD_KAFKA_BOOTSTRAP": self.kafka_bootstrap,
            "CONCORD_KAFKA_PARTITIONS": str(PARTITIONS),
            "CONCORD_KAFKA_SESSION_TIMEOUT_S": str(SESSION_TIMEOUT_S),
            "CONCORD_SERVICE_ADDRESS": self.service_address,
        }
        if self.platforms_address is not None:
            variables["CONCORD_PLATFORMS_ADDRESS"] = self.platforms_address
            variables["CONCORD_ACCOUNTS"] = str(self.accounts_file)
        if self.gateway_address is not None:
            variables["CONCORD_GATEWAY_ADDRESS"] = self.gateway_address
        if self.spans_address is not None:
            variables["CONCORD_TRACE_ADDRESS"] = self.spans_address
            variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://{self.spans_address}"
        return variables

    def of(self, name: str) -> dict[str, str]:
        """The whole environment of a process of ours."""
        variables = {
            # Everything is kept here, where the orders are few; a real installation samples.
            "CONCORD_TRACE_SAMPLE_RATIO": "1.0",
            # The instrumentation's older names for databases are deprecated.
            "OTEL_SEMCONV_STABILITY_OPT_IN": "http,database",
            "PYTHONUNBUFFERED": "1",
            "CONCORD_DOCUMENTS_URL": (self.folder / "documents").resolve().as_uri(),
            **self.shared(),
            # A collector of the caller's own comes first, as do tuning variables.
            **self.inherited,
            "OTEL_SERVICE_NAME": f"concord-{name}",
            "CONCORD_DATA_DIR": str(self.folder),
            "CONCORD_STREAMS_DATA_DIR": str(self.folder / "streams"),
        }
        if self.gateway_address is not None:
            variables["CONCORD_GATEWAY_ADDRESS"] = self.gateway_address
        if name in self.metrics_addresses:
            variables["CONCORD_METRICS_ADDRESS"] = self.metrics_addresses[name]
        return variables
