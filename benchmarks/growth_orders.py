"""The orders that `growth` multiplies: one of each sort, made through the API, and their shares."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa
from google.protobuf.timestamp_pb2 import Timestamp

from benchmarks import growing, told
from benchmarks.growing import LONG_AGO_S, Copies
from benchmarks.serving import Serving
from clients.sdk import Concord, Identity
from concord.insights.v1 import flag_pb2
from concord.intake.v1 import fact_pb2
from service.domain.inquiries import Inquiry, InquiryKind
from service.domain.money import Money
from service.domain.probing import Probe, ProbeState, probe_id_for
from service.kafka.encoding import ProtobufEnvelopes
from service.postgres.storage import PostgresStorage

# Of a hundred orders: most are over, some are to be sent, some wait for their money.
GROWING: Final = {"closed": range(85), "paid": range(85, 95), "waiting": range(95, 100)}
# What people work through: as many as they leave lying, however many orders there are.
FEW: Final = 50
LYING: Final = ("held", "open", "review")
# And what they are done with, which grows: one order in a hundred had a case.
SETTLED: Final = {"settled": range(1), "dismissed": range(1)}
SORTS: Final = (*GROWING, *LYING, *SETTLED)
PAID: Final = tuple(each for each in SORTS if each not in {"closed", "waiting"})
WHO: Final = Identity("benchmark", "customer_service", "bench")
PICKED: Final = """
INSERT INTO pick_lists (pick_list_id, order_id, reservation_id, warehouse, order_number, channel,
                        lines, state, picker, created_at, started_at, ended_at, void_reason)
SELECT 'pick-' || substr(order_id, 5), order_id, '', 'main', 'a number', channel, '[]',
       CASE WHEN %(over)s THEN 'DONE' ELSE 'OPEN' END, '', updated_at, NULL,
       CASE WHEN %(over)s THEN updated_at END, ''
FROM orders WHERE order_id = %(order)s
"""


class Orders:
    """The templates, and how many orders are stored."""

    def __init__(self, world: Serving, engine: sa.Engine) -> None:
        self._world = world
        world.rows(growing.VARINT)
        self._ids = _templates(world)
        for sort, is_over in (("paid", True), ("held", False)):
            world.rows(PICKED, {"order": self._ids[sort], "over": is_over})
        probes = [
            _probe(self._ids["waiting"], ProbeState.ARMED),
            _probe(self._ids["paid"], ProbeState.DISARMED),
        ]
        storage = PostgresStorage(engine, ProtobufEnvelopes())
        storage.transact(lambda unit: unit.keep_probes(probes))
        # What was published stays for an hour; no relay runs here.
        world.rows("UPDATE outbox SET published_at = clock_timestamp()")
        ((request,),) = world.rows("SELECT request_id FROM requests LIMIT 1")
        self._request = str(request)
        self.count = 0
        with growing.in_haste(world, is_large=False):
            for sort in LYING:
                self._write(sort, 1, FEW, since_s=LONG_AGO_S)

    def grow(self, count: int) -> None:
        """Write orders until there are so many."""
        first, self.count = self.count + 1, count
        with growing.in_haste(self._world, is_large=first * 2 < count):
            for sort, shares in (GROWING | SETTLED).items():
                self._write(sort, first, count, shares)

    def _write(
        self,
        sort: str,
        first: int,
        last: int,
        shares: range = range(100),
        since_s: int = growing.SINCE_S,
    ) -> None:
        copies = Copies(self._ids[sort], self._request, first, last, shares, since_s)
        growing.write(self._world, copies)

    @property
    def waiting(self) -> int:
        """How many of them wait for their money."""
        return self.count * len(GROWING["waiting"]) // 100

    def some(self, count: int) -> list[str]:
        """Return ids of orders from all over."""
        found = self._world.rows(
            "SELECT (SELECT order_id FROM orders"
            " WHERE order_id > 'ord-' || left(md5(number::text), 8) ORDER BY order_id LIMIT 1)"
            " FROM generate_series(1, %s) AS number",
            (count,),
        )
        return [str(each) for (each,) in found if each]


def _templates(world: Serving) -> dict[str, str]:
    """Make an order of each sort, and return their ids."""
    cancelled = fact_pb2.Fact.KIND_ORDER_CANCELLED
    for kind, names in (
        (told.KINDS[0], SORTS),
        (told.KINDS[1], [each for each in SORTS if each != "closed"]),
        (told.KINDS[2], PAID),
        (cancelled, ["closed"]),
    ):
        _tell(world, names, kind)
    ids = {
        str(value): str(order)
        for value, order in world.rows("SELECT value, order_id FROM order_refs")
    }
    with Concord(world.service.address, identity=WHO) as concord:
        concord.orders.place_hold(ids["held"], hold_reason="RISK")
        concord.cases.open(ids["open"], "WRONG_ITEM")
        case = concord.cases.open(ids["settled"], "WRONG_ITEM")
        concord.cases.act(case.name, "reject", documents={"photo": "1.jpg", "cause": "none"})
        for sort in ("review", "dismissed"):
            flag = flag_pb2.Flag(
                name=f"flags/{sort}",
                order=f"orders/{ids[sort]}",
                customer="somebody",
                rule="velocity",
                rule_version=1,
                event_time=Timestamp(seconds=told.BEGAN_S),
            )
            concord.insights.act_on_flag(flag, flag_pb2.Flag.ACTION_REVIEW)
        concord.insights.act_on_flag(flag, flag_pb2.Flag.ACTION_DISMISS)
    return ids


def _tell(world: Serving, names: Sequence[str], kind: fact_pb2.Fact.Kind.ValueType) -> None:
    receipts = told.receipts(names, kind)
    world.call(told.SUBMIT, told.submissions([receipts]), at_once=1)
    found = world.rows(
        "SELECT order_hint, receipt_id FROM receipts"
        " WHERE outcome IS NULL AND order_hint = ANY(%s)",
        (list(names),),
    )
    readings = [told.reading(f"receipts/{receipt}", name, kind) for name, receipt in found]
    world.call(told.APPLY, told.applications([readings]), at_once=1)


def _probe(order_id: str, state: ProbeState) -> Probe:
    now = datetime.now(UTC)
    inquiry = Inquiry(
        key="payment",
        kind=InquiryKind.PAYMENT,
        provider="wechat",
        account="shop",
        trade="a number",
        since=now,
        amount=Money(told.TOTAL_UNITS * 100, "CNY"),
        total=Money(told.TOTAL_UNITS * 100, "CNY"),
    )
    later = now + timedelta(days=1)
    probe_id = probe_id_for(order_id, inquiry.key)
    return Probe(probe_id, order_id, inquiry, state, now, later, later)
