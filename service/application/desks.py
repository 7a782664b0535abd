"""Where a command finds its order and hands in its decision: alone, or together with others."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from service.application.ports import Encoder, Unit, Writes
from service.application.recording import Decided, chained, record
from service.domain.deciding import Dossier
from service.domain.order import Order


class Desk(Protocol):
    """Where a command finds its order, and hands in what was decided about it."""

    @property
    def at(self) -> datetime:
        """The moment of the transaction."""

    def open(self, order_id: str) -> Dossier:
        """Lock the order, and return what is known of it."""

    def write(self, decided: Decided) -> Order:
        """Write a decision down; return the order as its journal numbers it."""


@dataclass(frozen=True, slots=True)
class OwnDesk:
    """A desk in a transaction that one command has for itself."""

    unit: Unit
    encoder: Encoder
    at: datetime

    def open(self, order_id: str) -> Dossier:
        """Lock the order, and return what is known of it."""
        return self.unit.open_dossiers([order_id])[order_id]

    def write(self, decided: Decided) -> Order:
        """Write it down at once."""
        return record(self.unit, [decided], encoder=self.encoder, at=self.at)[0]


@dataclass
class SharedDesk:
    """What a command works on: its own order, opened for it; it writes when all are decided."""

    dossier: Dossier
    encoder: Encoder
    at: datetime
    decided: list[tuple[Decided, Writes]] = field(default_factory=list)

    def open(self, order_id: str) -> Dossier:
        """Return what is known of the order."""
        if order_id != self.dossier.order_id or self.decided:
            message = f"a command on {self.dossier.order_id} opened {order_id}"
            raise ValueError(message)
        return self.dossier

    def write(self, decided: Decided) -> Order:
        """Take a decision; return the order as its journal numbers it."""
        writes = chained(decided, encoder=self.encoder, at=self.at)
        self.decided.append((decided, writes))
        return writes.order
