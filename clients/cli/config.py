"""What the command line takes from its surroundings: variables, the running stack, the time."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from clients.sdk.config import ConfigError, Settings, is_address
from deploy.local import environment
from deploy.local.folder import DataFolder

# What a person at a terminal is, unless the variables say otherwise.
ROLE: Final = "operator"
SOURCE: Final = "operator"

SECRET: Final = ("PASSWORD", "SECRET", "TOKEN", "KEY")


@dataclass(frozen=True)
class Setting:
    """One effective setting and where it comes from."""

    name: str
    value: str
    origin: str


@dataclass(frozen=True)
class Surroundings:
    """Variables, and what the embedded stack said of itself."""

    variables: Mapping[str, str]
    folder: Path
    stack: Mapping[str, Any]

    @property
    def stack_addresses(self) -> Mapping[str, str]:
        """Addresses of the running stack by name; none where no stack runs."""
        addresses: Mapping[str, str] = self.stack.get("addresses", {})
        return addresses

    @property
    def accounts_file(self) -> Path | None:
        """The merchant accounts: those of the settings, or the fake ones of the running stack."""
        given = self.variables.get("CONCORD_ACCOUNTS")
        if given:
            return Path(given)
        fakes = self.folder / "platforms" / "accounts.yaml"
        return fakes if self.stack and fakes.is_file() else None

    def settings(self, timeout_s: float | None = None) -> Settings:
        """Return how to reach the service.

        Raises:
            ConfigError: naming everything that is missing or malformed.
        """
        variables = {
            "CONCORD_ACTOR": login_name(),
            "CONCORD_ROLE": ROLE,
            "CONCORD_SOURCE": SOURCE,
            **self.variables,
        }
        if not variables.get("CONCORD_SERVICE_ADDRESS"):
            if "service" not in self.stack_addresses:
                raise ConfigError(
                    "CONCORD_SERVICE_ADDRESS is not set, and no stack runs in "
                    f"{self.folder}; start one with `concord up`"
                )
            variables["CONCORD_SERVICE_ADDRESS"] = self.stack_addresses["service"]
        settings = Settings.from_env(variables)
        if timeout_s is None:
            return settings
        return Settings(settings.address, settings.identity, timeout_s)

    def trace_address(self) -> str:
        """Return where kept spans are asked for.

        Raises:
            ConfigError: nobody keeps spans, or the address is malformed.
        """
        address = self.variables.get("CONCORD_TRACE_ADDRESS") or self.stack_addresses.get(
            "spans", ""
        )
        if not is_address(address):
            raise ConfigError(
                "CONCORD_TRACE_ADDRESS is not set to host:port, and no running stack keeps spans"
            )
        return address

    def effective(self) -> list[Setting]:
        """Return every setting with its origin, secrets masked."""
        given = {
            name: Setting(name, masked(name, value), "environment")
            for name, value in self.variables.items()
            if name.startswith(("CONCORD_", "OTEL_")) or name in {"NO_COLOR"}
        }
        identity = {
            name: Setting(name, value, "default")
            for name, value in (
                ("CONCORD_ACTOR", login_name()),
                ("CONCORD_ROLE", ROLE),
                ("CONCORD_SOURCE", SOURCE),
            )
        }
        stack = {
            name: Setting(name, self.stack_addresses[key], f"stack in {self.folder}")
            for name, key in (
                ("CONCORD_SERVICE_ADDRESS", "service"),
                ("CONCORD_TRACE_ADDRESS", "spans"),
            )
            if key in self.stack_addresses
        }
        folder = {"CONCORD_DATA_DIR": Setting("CONCORD_DATA_DIR", str(self.folder), "default")}
        merged = {**identity, **folder, **stack, **given}
        return [merged[name] for name in sorted(merged)]


def surroundings() -> Surroundings:
    """Read the environment, and the state of the stack in its data folder."""
    folder = environment.read(os.environ).folder
    stack = DataFolder(folder)
    try:
        state = stack.read_state() if stack.is_in_use() else {}
    except (OSError, RuntimeError) as error:
        raise ConfigError(f"{folder} cannot be read: {error}") from error
    return Surroundings(dict(os.environ), folder, state)


def masked(name: str, value: str) -> str:
    """Return the value without what is secret: passwords in addresses, tokens."""
    if any(word in name for word in SECRET):
        return "***"
    scheme, mark, rest = value.partition("://")
    user, at, host = rest.rpartition("@")
    if mark and at:
        return f"{scheme}://{user.partition(':')[0]}:***@{host}"
    return value


def login_name() -> str:
    """Return who is at the terminal; the number where it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def now() -> datetime:
    """Return the time."""
    return datetime.now(tz=UTC)
