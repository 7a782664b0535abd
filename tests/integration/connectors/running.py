"""The connectors as the process that they are, between a real service and the fake platforms."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from benchmarks import processes
from benchmarks.processes import Running, until
from clients.sdk import Concord, money
from concord.intake.v1.receipt_pb2 import Receipt
from concord.orders.v1.order_pb2 import Order, OrderRef
from concord.probes.v1.probe_service_pb2 import Probe
from deploy.local.platforms.server import Platforms
from streams.logic.normalising import read
from streams.readings import reading_message, receipt_of
from streams.template_files import load_templates

T = TypeVar("T")

TOTAL_MINOR = 1000
CURRENCIES = {"stripe": "EUR"}
TEMPLATES = load_templates()
COUNT = itertools.count(1)
WITHIN_S = 30.0


@dataclass
class Sold:
    """An order, and the trade by which it is to be paid."""

    name: str
    provider: str
    account: str
    trade: str
    handle: str


@dataclass
class Stage:
    """Service, platforms and connectors; readings are made by the streams' own reader."""

    folder: Path
    service: Running
    platforms: Platforms
    concord: Concord
    database_url: str
    redis_url: str
    connectors: Running | None = None
    settings: dict[str, str] = field(default_factory=dict)

    def start_connectors(self, **settings: str) -> Running:
        """Return connectors that look often: those that run, where they run with these settings."""
        if self.connectors is not None:
            if self.connectors.process.poll() is None and settings == self.settings:
                return self.connectors
            self.connectors.kill()
        self.settings = settings
        self.connectors = Running(
            self.folder / "connectors.log",
            "clients.connectors",
            address="",
            env={
                "CONCORD_SERVICE_ADDRESS": self.service.address,
                "CONCORD_ACCOUNTS": str(self.platforms.accounts_file),
                "CONCORD_CONNECTORS_POLL_S": "0.1",
                "CONCORD_CONNECTORS_TIMEOUT_S": "2",
                "CONCORD_CONNECTORS_LEASE_S": "10",
                **settings,
            },
        )
        self.connectors.until_ready()
        return self.connectors

    def start_service(self) -> None:
        """Start the service again, where it was."""
        self.service = processes.service(
            self.folder, self.service.address, self.database_url, self.redis_url
        )
        self.service.until_ready()

    def sell(self, provider: str) -> Sold:
        """Make an order, a trade for it, and let the shop tell that the buyer begins to pay."""
        number = f"E{next(COUNT):09}"
        currency = CURRENCIES.get(provider, "CNY")
        order = self.concord.orders.create(
            Order(
                channel="shop",
                refs=[
                    OrderRef(namespace="shop", value=number),
                    OrderRef(namespace="merchant", value=number),
                ],
                total=money("10.00", currency),
            )
        )
        told = self.platforms.control.create(provider, number, TOTAL_MINOR)
        handle = told["handle"] or (told["id"] if provider == "stripe" else "")
        event = {
            "type": "payment.started",
            "order": {"namespace": "shop", "value": number},
            "source": "shop",
            "channel": "shop",
            "occurred_at": told["created_at"],
            "provider": provider,
            "account": told["account"],
            "voucher": handle,
        }
        body = json.dumps(event).encode()
        self.concord.intake.submit(
            [Receipt(source="shop", template="concord.event", channel="shop", body=body)]
        )
        self.read_receipts()
        return Sold(order.name, provider, told["account"], number, handle)

    def pay(self, sold: Sold) -> None:
        """Let the buyer pay; nobody hears the callback."""
        self.platforms.control.pay(sold.provider, sold.trade)

    def read_receipts(self) -> None:
        """Do what the streams do: read every receipt that waits, and have it weighed."""
        for each in list(self.concord.intake.list(waiting=True)):
            receipt = self.concord.intake.get(each.name)
            reading = read(receipt_of(receipt), TEMPLATES)
            self.concord.intake.apply_facts([reading_message(reading, None)])

    def receipts_of(self, sold: Sold) -> list[Receipt]:
        """Return what the provider was heard to say of the trade, the newest first."""
        return [
            found
            for each in self.concord.intake.list(source=sold.provider)
            if sold.trade in (found := self.concord.intake.get(each.name)).order_hint
        ]

    def probes_of(self, sold: Sold) -> list[Probe]:
        return list(self.concord.probes.list(order=sold.name))

    def eventually(self, condition: Callable[[], T], what: str) -> T:
        """Return what the condition gives once that is true, receipts being read meanwhile."""

        def look() -> T:
            self.read_receipts()
            return condition()

        return until(look, what, WITHIN_S)

    def log(self) -> str:
        return (self.folder / "connectors.log").read_text()

    def asked(self, sold: Sold) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.platforms.control.requests(
            provider=sold.provider, number=sold.trade
        )
        return found


def started(folder: Path, database_url: str, redis_url: str) -> Running:
    """Start a service on a migrated database."""
    service = processes.service(folder, processes.free_address(), database_url, redis_url)
    service.until_ready()
    return service
