"""Decides what a stack consists of: which servers, which processes, at which addresses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from deploy.local import ports, probes, processes, servers
from deploy.local.environment import Contract, Surroundings
from deploy.local.folder import DataFolder
from deploy.local.ports import Ports
from deploy.local.process import Probe, Spec


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start, and what to tell about it."""

    specs: list[Spec]
    ports: Ports
    """To be released when the stack has ended."""
    contract: Contract
    own: Mapping[str, Probe]
    """Servers of the user's own, which must answer before anything starts."""
    addresses: Mapping[str, str]
    """For people and for the state file: no passwords."""
    notes: list[str]

    def metrics(self) -> str:
        """Where each process can be measured, for people."""
        addresses = self.contract.metrics_addresses
        return ", ".join(f"{name} {address}" for name, address in addresses.items())


def make(surroundings: Surroundings, folder: DataFolder, without: Iterable[str] = ()) -> Plan:
    """Plan a stack in this data folder, leaving out the processes named."""
    has_accounts = bool(surroundings.inherited.get("CONCORD_ACCOUNTS"))
    has_channels = bool(surroundings.inherited.get("CONCORD_NOTICE_CHANNELS"))
    rows = processes.chosen(without, has_accounts=has_accounts, has_channels=has_channels)
    running = {row.name for row in rows}
    embedded = [name for name in servers.NAMES if name not in surroundings.own]
    reserved = Ports([*servers.port_names(embedded, surroundings.broker), *_ports_of(running)])
    chosen = reserved.numbers
    trio = servers.make(folder, chosen, is_durable=True, broker=surroundings.broker)
    urls = {**trio.urls(), **surroundings.own}
    own_probes = {
        "postgres": probes.postgres(urls["postgres"].replace("+psycopg2", "")),
        "valkey": probes.redis(urls["valkey"]),
        "broker": probes.kafka(urls["broker"]),
    }
    contract = Contract(
        database_url=urls["postgres"],
        redis_url=urls["valkey"],
        kafka_bootstrap=urls["broker"],
        service_address=f"{ports.HOST}:{chosen['service']}",
        spans_address=f"{ports.HOST}:{chosen['spans']}" if "spans" in chosen else None,
        gateway_address=f"{ports.HOST}:{chosen['gateway']}" if "gateway" in chosen else None,
        platforms_address=f"{ports.HOST}:{chosen['platforms']}" if "platforms" in chosen else None,
        metrics_addresses={
            name: f"{ports.HOST}:{chosen[f'{name}-metrics']}"
            for name in (row.name for row in rows)
            if f"{name}-metrics" in chosen
        },
        folder=folder.path,
        inherited=surroundings.inherited,
    )
    return Plan(
        specs=[*trio.specs(embedded), *processes.specs(contract, rows, tuple(embedded))],
        ports=reserved,
        contract=contract,
        own={name: own_probes[name] for name in surroundings.own},
        addresses={
            **{name: _public(url) for name, url in urls.items()},
            **{name: f"{ports.HOST}:{chosen[name]}" for name in _ports_of(running)},
        },
        notes=[
            f"port {ports.PREFERRED[name]} is taken, so {name} has {port}"
            for name, port in chosen.items()
            if port != ports.PREFERRED[name]
        ],
    )


def _ports_of(running: Iterable[str]) -> list[str]:
    """Return the names of the ports that these processes need; the service's is always known."""
    serving = [name for name in running if name in ports.PREFERRED]
    metrics = [f"{name}-metrics" for name in running if f"{name}-metrics" in ports.PREFERRED]
    return ["service", *sorted({*serving, *metrics} - {"service"})]


def _public(url: str) -> str:
    """Return where an address leads to, without who goes there."""
    return url.rpartition("@")[2].rpartition("//")[2]
