"""Orders of a file as receipts, in batches that one call may have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from json.encoder import encode_basestring
from typing import Final

from clients.files.packing import naming
from clients.files.spool import Order
from concord.intake.v1.receipt_pb2 import Receipt

# 500 orders of about 2 KiB are 1 MiB; a call may have 1000 and 4 MiB.
BATCH: Final = 500
BATCH_BYTES: Final = 2 * 1024 * 1024
# Kinds of files that a provider makes: what they tell of was sold somewhere else.
BILL: Final = ".bill.file"
CONTENT_TYPE: Final = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Batch:
    """Receipts that go together, and the last order in them."""

    receipts: list[Receipt]
    last: str


@dataclass(frozen=True, slots=True)
class Telling:
    """How the orders of one file become receipts."""

    channel: str
    # Whose file it is: its rows are compared with what we know of this shop.
    shop: str
    template: str
    day: str
    columns: Sequence[str]
    # By which clock they came.
    at: datetime
    _named: Callable[[str], str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_named", naming(self.columns))

    def receipt(self, order: Order) -> Receipt:
        """Return an order's rows as they came: the same rows are the same receipt."""
        rows = ",".join(map(self._named, order.packed))
        body = f'{{"day":{encode_basestring(self.day)},"rows":[{rows}]}}'
        receipt = Receipt(
            source=self.channel,
            template=self.template,
            channel="" if self.template.endswith(BILL) else self.channel,
            body=body.encode(),
            content_type=CONTENT_TYPE,
            order_hint=order.number,
            account=self.shop,
        )
        receipt.receive_time.FromDatetime(self.at)
        return receipt

    def batches(self, orders: Iterable[Order]) -> Iterator[Batch]:
        """Return orders as batches of receipts, in their order."""
        found: list[Receipt] = []
        size, last = 0, ""
        for order in orders:
            receipt = self.receipt(order)
            if found and (len(found) == BATCH or size + len(receipt.body) > BATCH_BYTES):
                yield Batch(found, last)
                found, size = [], 0
            found.append(receipt)
            size += len(receipt.body)
            last = order.number
        if found:
            yield Batch(found, last)
