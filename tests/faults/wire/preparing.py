"""Makes what calls are about, many at a time and past the proxy: orders in a state and the rest."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from service import bootstrap
from service.application.allocating import Allocating
from service.application.cases import Desk
from service.application.commands import Ask, Commands
from service.application.flags import act_on_flag
from service.application.intake import Intake, Reading
from service.application.notice_ports import Contact, NoticeAsked, NoticeDesk
from service.application.noticing import Claiming, Noticing
from service.application.ports import NewReceipt, Rejection, StoredFlag, Unit
from service.application.probing import Probing
from service.application.stocking import Stocking
from service.catalogue import message_files
from service.domain.desk.notices import SendReport, SendResult, notice_id_for
from service.domain.facts import Fact, FactKind, OrderLine, OrderRef
from service.domain.lifecycle import State
from service.domain.probing import Report, Result
from service.domain.terms import Terms
from service.kafka.encoding import ProtobufEncoder, ProtobufEnvelopes
from service.postgres.engine import make_engine
from service.postgres.storage import PostgresStorage
from service.schedules import SHIPPED, load
from tests.builders import NOON, WAY_TO, a_fact, an_origin

K = FactKind
TERMS: Final = Terms(schedules=load(SHIPPED))
WAREHOUSE: Final = "bj1"
# So many orders in one transaction: well below what a call may bring.
BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class Target:
    """What one call is about; only the fields that its kind has are filled."""

    tag: str
    order: str = ""
    case: str = ""
    hold: str = ""
    receipt: str = ""
    probe: str = ""
    lease: str = ""
    pick_list: str = ""
    notice: str = ""
    sending: str = ""
    run: str = ""
    incident: str = ""

    @property
    def trade(self) -> OrderRef:
        """The order's name at the merchant's provider."""
        return OrderRef("merchant", f"M{self.tag}")


class Preparing:
    """Use cases over a connection that nothing cuts."""

    def __init__(self, url: str) -> None:
        self._engine = make_engine(url, connections=2)
        self._storage = PostgresStorage(self._engine, ProtobufEnvelopes())
        self._encoder = ProtobufEncoder()
        self._noticing = Noticing(self._storage, bootstrap.now, message_files.load())
        self._intake = Intake(self._storage, self._encoder, bootstrap.now, TERMS)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def names(self, count: int) -> list[Target]:
        """Make up targets of which nobody knows."""
        return [Target(uuid.uuid4().hex[:16]) for _ in range(count)]

    def orders(self, count: int, state: State, *more: FactKind, **given: object) -> list[Target]:
        """Tell of orders up to a state, and then of more."""
        kinds = (*WAY_TO[state], *more)
        made = []
        for begin in range(0, count, BATCH):
            targets = self.names(min(BATCH, count - begin))
            told = [
                tuple(_told(each, kind, at, **given) for at, kind in enumerate(kinds))
                for each in targets
            ]
            made += self._weighed(targets, told)
        return made

    def receipts(self, count: int, *, rejected: bool = False) -> list[Target]:
        """Submit receipts that nobody has read, or that could not be."""
        targets = self.names(count)
        ids = self._submitted(count)
        if rejected:
            why = Rejection("SYNTAX_INVALID", "body", "send JSON")
            self._intake.apply([Reading(each, rejection=why) for each in ids])
        return [replace(each, receipt=name) for each, name in zip(targets, ids, strict=True)]

    def held(self, count: int) -> list[Target]:
        """Make orders with a hold."""
        targets = self.orders(count, State.PAID)

        def work(unit: Unit) -> None:
            commands = Commands(unit, self._encoder, bootstrap.now(), TERMS)
            for each in targets:
                commands.place_hold(_ask(each), "RISK")

        self._storage.transact(work)
        return [replace(each, hold=f"hold-{each.tag}") for each in targets]

    def cases(self, count: int) -> list[Target]:
        """Make orders with an open case."""
        targets = self.orders(count, State.PAID)

        def work(unit: Unit) -> None:
            desk = Desk(unit, self._encoder, an_origin(), bootstrap.now())
            for each in targets:
                desk.open(each.order, "WRONG_ITEM", "", each.tag)

        self._storage.transact(work)
        return [replace(each, case=f"case-{each.tag}") for each in targets]

    def flagged(self, count: int) -> list[Target]:
        """Make orders with a flag that holds them."""
        targets = self.orders(count, State.PAID)

        def work(unit: Unit) -> None:
            at = bootstrap.now()
            for each in targets:
                flag = StoredFlag(each.tag, each.order, "", "rule", 1, "HOLD", (), at)
                act_on_flag(unit, flag, "HOLD", origin=an_origin(), encoder=self._encoder, at=at)

        self._storage.transact(work)
        return targets

    def paying(self, count: int) -> list[Target]:
        """Make orders of which a provider is asked whether the money came."""
        return self.orders(count, State.PAYING, provider="alipay", source="mini", channel="mini")

    def waiting(self, count: int) -> list[Target]:
        """Make orders whose probes are the only ones that are due; twice as many as asked for."""
        probing = Probing(self._storage, self._encoder, bootstrap.now, TERMS)
        while probing.claim("nobody", most=200, lease_for=timedelta(hours=1)):
            pass
        return self.paying(2 * count)[:count]

    def probed(self, count: int) -> list[Target]:
        """Make orders with a probe that was claimed."""
        targets = self.paying(count)
        probing = Probing(self._storage, self._encoder, bootstrap.now, TERMS)
        lease = f"lease-{uuid.uuid4()}"
        claimed: dict[str, str] = {}
        wanted = {each.order for each in targets}
        while wanted - claimed.keys():
            found = probing.claim(lease, most=200, lease_for=timedelta(hours=1))
            assert found, "the probes were not due"
            claimed |= {each.order_id: each.probe_id for each in found}
        return [replace(each, probe=claimed[each.order], lease=lease) for each in targets]

    def asked(self, count: int) -> list[Target]:
        """Make orders with a probe that was answered, and waits for its next time."""
        targets = self.probed(count)
        probing = Probing(self._storage, self._encoder, bootstrap.now, TERMS)
        for each in targets:
            probing.report(each.probe, Report(each.lease, Result.NOT_FOUND), an_origin())
        return targets

    def stocked(self, count: int) -> list[Target]:
        """Begin to keep stock, of an article for each."""
        targets = self.names(count)

        def work(unit: Unit) -> None:
            stocking = Stocking(unit, bootstrap.now())
            for each in targets:
                stocking.count(each.tag, WAREHOUSE, 5)

        self._storage.transact(work)
        return targets

    def unlisted(self, count: int) -> list[Target]:
        """Make paid orders of an article of which there is enough, and that nobody looked at."""
        sku = f"sku-{uuid.uuid4()}"
        keep = 2 * count
        self._storage.transact(
            lambda unit: Stocking(unit, bootstrap.now()).count(sku, WAREHOUSE, keep)
        )
        return self.orders(count, State.PAID, lines=(OrderLine(sku, 2),))

    def listed(self, count: int) -> list[Target]:
        """Make paid orders whose stock is reserved, each with a pick list."""
        targets = self.unlisted(count)
        allocating = Allocating(
            self._storage,
            self._encoder,
            bootstrap.now,
            chance=lambda: 0.5,
            pause=lambda _seconds: None,
            terms=TERMS,
        )
        while allocating.settle_due():
            pass
        rows = self.query("SELECT order_id, pick_list_id FROM pick_lists")
        lists: dict[str, str] = {row.order_id: row.pick_list_id for row in rows}
        return [replace(each, pick_list=lists[each.order]) for each in targets]

    def parked(self, count: int) -> list[Target]:
        """Park streams, each with a message that waits."""
        targets = self.names(count)
        for each in targets:
            self.query(
                "INSERT INTO outbox (shard, topic, key, n, payload, headers, attempts)"
                " VALUES (0, 'some.topic', :key, 1, 'x', '{}', 8)",
                key=each.tag,
            )
            self.query(
                "INSERT INTO parked_streams (topic, key, attempts, last_error)"
                " VALUES ('some.topic', :key, 8, 'TOO_LARGE')",
                key=each.tag,
            )
        return targets

    def transact(self, work: Callable[[Unit], None]) -> None:
        """Do work in a transaction of its own."""
        self._storage.transact(work)

    def query(self, statement: str, **values: object) -> Sequence[sa.Row[Any]]:
        """Run SQL and return its rows, if it has any."""
        with self._engine.begin() as connection:
            result = connection.execute(sa.text(statement), values)
            return result.all() if result.returns_rows else []

    def notices(self, count: int) -> list[Target]:
        """Make notices whose one delivery each is due; twice as many as asked for."""
        targets = [replace(each, notice=notice_id_for(each.tag)) for each in self.names(2 * count)]

        def work(unit: NoticeDesk) -> None:
            for each in targets:
                contact = Contact(f"role:{each.tag}", (("sms", each.tag),))
                unit.set_contact(contact, at=bootstrap.now())
            asked = [
                NoticeAsked(
                    key=each.tag,
                    template="alert",
                    recipient=f"role:{each.tag}",
                    values={"text": "stock is short"},
                )
                for each in targets
            ]
            unit.queue_notices(asked, at=bootstrap.now())

        self._storage.transact(work)
        while self._noticing.compose_due():
            pass
        return targets[:count]

    def sendings(self, count: int) -> list[Target]:
        """Make messages that are leased to somebody."""
        self.notices(count)
        made = []
        for _ in range(count):
            claiming = Claiming(str(uuid.uuid4()), ("sms",), 1, timedelta(minutes=5))
            (sending,) = self._noticing.claim(claiming)
            (delivery,) = sending.deliveries
            made.append(
                Target(
                    delivery.address,
                    lease=sending.lease,
                    notice=delivery.notice_id,
                    sending=sending.sending_id,
                )
            )
        return made

    def reported(self, count: int, result: SendResult) -> list[Target]:
        """Make notices of which a sender has told what came of them."""
        targets = self.sendings(count)
        for each in targets:
            self._noticing.report(each.sending, SendReport(each.lease, result, "X"))
        return targets

    def _weighed(self, targets: Sequence[Target], told: Sequence[tuple[Fact, ...]]) -> list[Target]:
        ids = self._submitted(len(targets))
        applied = self._intake.apply(
            [Reading(receipt, facts) for receipt, facts in zip(ids, told, strict=True)]
        )
        return [
            replace(each, order=done.orders[0], receipt=done.receipt_id)
            for each, done in zip(targets, applied, strict=True)
        ]

    def _submitted(self, count: int) -> list[str]:
        receipts = [
            NewReceipt(
                "douyin", str(uuid.uuid4()), "t", "douyin", b"{}", "", NOON, "", "127.0.0.1", ""
            )
            for _ in range(count)
        ]
        return [each.receipt_id for each in self._intake.submit(receipts)]


def _ask(target: Target) -> Ask:
    return Ask(order_id=target.order, origin=an_origin(), fresh_id=target.tag)


def _told(target: Target, kind: FactKind, minute: int, **given: object) -> Fact:
    values: dict[str, object] = {
        "fact_id": f"{target.tag}-{minute}",
        "ref": OrderRef("douyin", target.tag),
        "more_refs": (target.trade,) if kind is K.ORDER_CREATED else (),
    }
    if kind is K.ORDER_CREATED:
        values |= {"customer": f"c-{target.tag}", "lines": given.get("lines", ())}
    if kind in {K.PAYMENT_STARTED, K.PAYMENT_SUCCEEDED}:
        values["provider"] = given.get("provider", "")
    if kind is K.PAYMENT_SUCCEEDED:
        # The provider's own word, so that it can be asked to give the money back.
        values |= {"source": "alipay", "voucher": f"p-{target.tag}", "ref": target.trade}
    else:
        values |= {name: given[name] for name in ("source", "channel") if name in given}
    return a_fact(kind, minute=minute, **values)
