"""Our own processes as the stack runs them: one row each."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local import probes
from deploy.local.environment import Contract
from deploy.local.process import Probe, Spec

# A simulation that lives so long has parsed its arguments and reached the service.
TRAFFIC_PROVES_ITSELF_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Row:
    """One process: the module it runs with which arguments, and what it waits for."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    is_required: bool = True
    needs: tuple[str, ...] = ()
    """Names of those without which it makes no sense, and is left out."""


# Merchant accounts, which are the user's own, or those at the fake platforms.
ACCOUNTS: Final = "accounts"
# Robots, servers and hooks of the user's own; without any, people are told in inboxes alone.
CHANNELS: Final = "channels"

# In the order of the checklist. The streams do not wait for the service: joining their group
# takes 3 s, in which it becomes ready too.
TABLE: Final = (
    Row("migrate", "service", ("migrate",), after=("postgres",)),
    Row("spans", "deploy.local.spans", after=("migrate",), is_required=False),
    Row("service", "service", ("serve",), after=("migrate", "valkey")),
    Row("relay", "service", ("relay",), after=("migrate", "broker")),
    Row("streams", "streams", ("worker",), after=("migrate", "valkey", "broker")),
    # One in ten notices is lost, so that there is always something to find out by asking.
    Row(
        "platforms",
        "deploy.local.platforms",
        ("--drop-share", "0.1", "--keep-trades", "--shops"),
        is_required=False,
    ),
    Row(
        "gateway",
        "clients.gateway",
        after=("service", "platforms"),
        is_required=False,
        needs=("service", ACCOUNTS),
    ),
    Row(
        "connectors",
        "clients.connectors",
        after=("service", "platforms"),
        is_required=False,
        needs=("service", ACCOUNTS),
    ),
    Row(
        "notifier",
        "clients.notifier",
        after=("service",),
        is_required=False,
        needs=("service", CHANNELS),
    ),
    Row(
        "traffic",
        "clients.cli",
        ("simulate", "--profile", "article", "--live", "--rate", "2", "--backfill", "10m"),
        after=("spans", "service", "relay", "streams"),
        is_required=False,
    ),
    # Sells orders that are paid at the platforms; whoever wants no traffic wants none of these.
    Row(
        "shop",
        "clients.traffic.shop",
        after=("spans", "service", "relay", "streams", "platforms", "gateway", "connectors"),
        is_required=False,
        needs=("platforms", "traffic"),
    ),
)

ONE_SHOTS: Final = ("migrate",)


def installed() -> tuple[Row, ...]:
    """Return the rows whose module is there; a lean installation may lack optional ones."""
    return tuple(row for row in TABLE if row.is_required or _exists(row.module))


def chosen(
    without: Iterable[str], *, has_accounts: bool, has_channels: bool = False
) -> tuple[Row, ...]:
    """Return the installed rows that are not left out, and neither is what they need.

    `has_accounts` says that the user has accounts of his own, at platforms that are no fakes;
    `has_channels` that there is somewhere to send notices to.
    """
    left_out = {*without, *(["platforms"] if has_accounts else [])}
    rows = [row for row in installed() if row.name not in left_out]
    there = {row.name for row in rows}
    if has_accounts or "platforms" in there:
        there.add(ACCOUNTS)
    if has_channels:
        there.add(CHANNELS)
    return tuple(row for row in rows if there.issuperset(row.needs))


def specs(contract: Contract, rows: tuple[Row, ...], servers: tuple[str, ...]) -> list[Spec]:
    """Return how to run the rows, each after what runs of what it waits for."""
    running = (*servers, *(row.name for row in rows))
    return [
        Spec(
            name=row.name,
            argv=(sys.executable, "-m", row.module, *row.arguments),
            env=contract.of(row.name),
            probe=_probe(row.name, contract),
            after=tuple(name for name in row.after if name in running),
            address=_addresses(contract).get(row.name, ""),
            is_required=row.is_required,
            # It drains: relays finish their round, workers leave their group.
            stop_within_s=10.0,
        )
        for row in rows
    ]


def _probe(name: str, contract: Contract) -> Probe | None:
    if name in ONE_SHOTS:
        return None
    if name == "service":
        return probes.grpc_health(contract.service_address)
    if name in ("traffic", "shop"):
        return probes.alive_for(TRAFFIC_PROVES_ITSELF_S)
    if name == "platforms":
        return probes.http(contract.platforms_address or "")
    return probes.http(contract.metrics_addresses[name])


def _addresses(contract: Contract) -> Mapping[str, str]:
    return {
        **{name: f"metrics {address}" for name, address in contract.metrics_addresses.items()},
        "service": contract.service_address,
        "spans": contract.spans_address or "",
        "gateway": contract.gateway_address or "",
        "platforms": contract.platforms_address or "",
    }


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(f"{module}.__main__") is not None
    except ModuleNotFoundError:
        return False


def script(name: str) -> str:
    """Return how to call a console script of this environment from where the user is."""
    path = Path(sys.executable).with_name(name)
    cwd = Path.cwd()
    return str(path.relative_to(cwd)) if path.is_relative_to(cwd) else str(path)
