"""Storage in memory and in PostgreSQL, for suites that both must pass."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa

from service.application.commands import Ask, Commands, CreateOrder
from service.application.intake import Applied, Intake, Reading
from service.application.ports import NewReceipt, Storage
from service.application.reading import Reader
from service.domain.facts import Fact, OrderRef
from service.domain.order import Order
from service.kafka.encoding import ProtobufEncoder, ProtobufEnvelopes
from service.postgres.engine import make_engine
from service.postgres.reader import PostgresReader
from service.postgres.storage import PostgresStorage
from tests.builders import NOON, TOTAL, an_origin
from tests.fake_reader import FakeReader
from tests.fakes import FakeClock, FakeIds, FakeStorage


@dataclass
class Store:
    """An implementation of the ports, and names that no other test uses."""

    storage: Storage
    reader: Reader
    name: str
    clock: FakeClock = field(default_factory=FakeClock)
    ids: FakeIds = field(default_factory=FakeIds)

    @property
    def channel(self) -> str:
        """A channel of this test's own."""
        return f"ch_{self.name}"

    def ref(self, number: int = 1) -> OrderRef:
        """A name of an order of this test's own."""
        return OrderRef(self.channel, f"{self.name}-{number}")

    def fresh(self) -> str:
        """An id of this test's own."""
        return f"{self.name}-{self.ids()}"

    def create(self, number: int = 1, **given: object) -> Order:
        """Create an order by command."""
        values: dict[str, object] = {
            "origin": an_origin(),
            "fresh_id": self.fresh(),
            "refs": (self.ref(number),),
            "channel": self.channel,
            "total": TOTAL,
            "placed_at": NOON,
        }
        command = CreateOrder(**{**values, **given})  # type: ignore[arg-type]
        return self.command(lambda commands: commands.create(command))

    def command(self, run: Callable[[Commands], Order]) -> Order:
        """Run a command in a transaction of its own."""
        return self.storage.transact(
            lambda unit: run(Commands(unit, ProtobufEncoder(), self.clock()))
        )

    def ask(self, order: Order, **given: object) -> Ask:
        """Ask something of an order."""
        return Ask(order.order_id, an_origin(), self.fresh(), **given)  # type: ignore[arg-type]

    @property
    def intake(self) -> Intake:
        """The use cases of intake."""
        return Intake(self.storage, ProtobufEncoder(), self.clock)

    def a_receipt(self, body: bytes = b"{}", **given: object) -> NewReceipt:
        """A receipt of this test's own source."""
        values: dict[str, object] = {
            "source": f"src_{self.name}",
            "message_id": "",
            "template": "concord.event",
            "channel": self.channel,
            "body": body,
            "content_type": "application/json",
            "received_at": NOON,
            "order_hint": "",
            "address": "127.0.0.1",
            "traceparent": "",
        }
        return NewReceipt(**{**values, **given})  # type: ignore[arg-type]

    def submit(self, body: bytes = b"{}") -> str:
        """Submit one receipt and return its id."""
        return self.intake.submit([self.a_receipt(body)])[0].receipt_id

    def tell(self, *facts: Fact) -> Applied:
        """Apply facts as the meaning of a fresh receipt."""
        receipt = self.submit(self.fresh().encode())
        return self.intake.apply([Reading(receipt, facts)])[0]


@pytest.fixture(scope="module")
def engine(module_database_url: str) -> Iterator[sa.Engine]:
    """Connections to a migrated database."""
    made = make_engine(module_database_url, connections=5)
    yield made
    made.dispose()


@pytest.fixture(params=["memory", "postgres"])
def store(request: pytest.FixtureRequest) -> Store:
    """Both implementations, one after the other."""
    name = hashlib.sha256(request.node.name.encode()).hexdigest()[:12]
    if request.param == "memory":
        storage = FakeStorage()
        return Store(storage, FakeReader(storage), name)
    engine = request.getfixturevalue("engine")
    return Store(PostgresStorage(engine, ProtobufEnvelopes()), PostgresReader(engine), name)
