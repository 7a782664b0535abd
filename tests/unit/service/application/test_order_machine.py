"""Random commands and facts on one order: version, sequence and history always agree."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from service.application.commands import Ask, Commands, CreateOrder, Details
from service.application.intake import Intake, Reading
from service.application.outbox import Stream
from service.application.ports import NewReceipt
from service.domain.changes import Moved
from service.domain.errors import IllegalTransitionError, OrderError, VersionConflictError
from service.domain.facts import FactKind
from service.domain.journal import GENESIS
from service.domain.lifecycle import FINAL, LIFECYCLE, Action
from service.domain.money import Money
from service.domain.order import Order
from service.domain.truth import derive
from service.kafka.encoding import ProtobufEncoder
from tests.builders import NOON, REF, TOTAL, a_fact, an_origin
from tests.fake_reader import FakeReader
from tests.fakes import FakeClock, FakeIds, FakeStorage
from tests.unit.service.domain.arrivals import assert_walks_the_table, summed

VOUCHERS = st.sampled_from(["v-1", "v-2"])
AMOUNTS = st.sampled_from([TOTAL, Money(1, "CNY")])


class OrderMachine(RuleBasedStateMachine):
    """One order, in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.storage, self.clock, self.ids = FakeStorage(), FakeClock(), FakeIds()
        self.reader = FakeReader(self.storage)

    @initialize()
    def create(self) -> None:
        command = CreateOrder(an_origin(), self.ids(), (REF,), "douyin", TOTAL, NOON)
        self.order_id = self.run(lambda commands: commands.create(command)).order_id

    @property
    def order(self) -> Order:
        return self.reader.order(self.order_id)

    def run(self, act: object) -> Order:
        return self.storage.transact(
            lambda unit: act(Commands(unit, ProtobufEncoder(), self.clock()))  # type: ignore[operator]
        )

    def ask(self, etag: str = "") -> Ask:
        return Ask(self.order_id, an_origin(), self.ids(), etag)

    @rule(action=st.sampled_from(Action), voucher=VOUCHERS, amount=AMOUNTS)
    def advance(self, action: Action, voucher: str, amount: Money) -> None:
        before = self.order
        try:
            after = self.run(
                lambda commands: commands.advance(self.ask(), action, Details(voucher, amount))
            )
        except IllegalTransitionError:
            is_repeat = action is Action.APPROVE_OUTBOUND and before.outbound_approved
            assert is_repeat or action not in LIFECYCLE[before.state]
        except OrderError:
            assert action in LIFECYCLE[before.state]
        else:
            assert after.sequence > before.sequence
            # It may go further at once: stock that is reserved already waits only for the money.
            first = self.moves_after(before.sequence)[0]
            target = LIFECYCLE[before.state][action]
            assert (first.begin, first.action, first.end) == (before.state, action, target)
            return
        assert self.order == before

    def moves_after(self, sequence: int) -> list[Moved]:
        """Return the moves that the journal has after a row."""
        rows = [each for each in self.storage.tables.journal if each.sequence > sequence]
        return [each.change.detail for each in rows if isinstance(each.change.detail, Moved)]

    @rule(voucher=VOUCHERS, amount=AMOUNTS, is_confirmed=st.booleans())
    def refund(self, voucher: str, amount: Money, is_confirmed: bool) -> None:  # noqa: FBT001
        before = self.order
        try:
            self.run(
                lambda commands: (
                    commands.confirm_refund(self.ask(), Details(voucher, amount))
                    if is_confirmed
                    else commands.request_refund(self.ask(), Details(voucher, amount))
                )
            )
        except OrderError:
            assert self.order == before

    @rule(reason=st.sampled_from(["RISK", "ADDRESS"]))
    def hold(self, reason: str) -> None:
        self.run(lambda commands: commands.place_hold(self.ask(), reason))

    @rule()
    def release(self) -> None:
        if self.order.holds:
            hold_id = self.order.holds[0].hold_id
            self.run(lambda commands: commands.release_hold(self.ask(), hold_id))

    @rule()
    def use_an_old_etag(self) -> None:
        before = self.order
        with pytest.raises(VersionConflictError) as refused:
            self.run(
                lambda commands: commands.set_milestone(self.ask(f"{before.sequence - 1}"), "m")
            )
        assert refused.value.metadata()["etag"] == before.etag
        assert self.order == before

    @rule(
        kind=st.sampled_from(FactKind),
        minute=st.integers(0, 9),
        voucher=VOUCHERS,
        amount=AMOUNTS | st.none(),
        is_told_twice=st.booleans(),
    )
    def tell(
        self,
        kind: FactKind,
        minute: int,
        voucher: str,
        amount: Money | None,
        is_told_twice: bool,  # noqa: FBT001  # drawn by name
    ) -> None:
        fact = a_fact(kind, minute=minute, voucher=voucher, amount=amount, fact_id=self.ids())
        intake = Intake(self.storage, ProtobufEncoder(), self.clock)
        for _ in range(1 + is_told_twice):
            receipt = NewReceipt(
                "douyin", self.ids(), "t", "douyin", b"{}", "", NOON, "", "127.0.0.1", ""
            )
            (submitted,) = intake.submit([receipt])
            (applied,) = intake.apply([Reading(submitted.receipt_id, (fact,))])
            assert applied.outcome is not None

    @invariant()
    def history_agrees(self) -> None:
        order, tables = self.order, self.storage.tables
        rows = [each for each in tables.journal if each.order_id == self.order_id]
        assert [each.sequence for each in rows] == list(range(1, order.sequence + 1))
        assert order.etag == str(len(rows))
        assert assert_walks_the_table([each.change for each in rows]) is order.state
        links = [(each.previous, each.hash) for each in rows]
        assert [each for each, _ in links] == [GENESIS, *(each for _, each in links[:-1])]
        assert order.chain_head == links[-1][1]

    @invariant()
    def what_is_published_is_the_journal(self) -> None:
        told = [each for each in self.storage.tables.outbox if each.stream is Stream.ORDERS]
        assert [each.n for each in told] == list(range(1, self.order.sequence + 1))
        assert [each.payload for each in told] == [
            each.event for each in self.storage.tables.journal
        ]

    @invariant()
    def the_order_is_what_its_facts_prove(self) -> None:
        order, dossier = self.order, self.reader.dossier(self.order_id)
        truth = derive(dossier.facts)
        assert truth is not None
        assert (order.state, order.paid, order.refunded, order.refund_state) == (
            truth.state, truth.paid, truth.refunded, truth.refund_state,
        )  # fmt: skip
        standing = summed(each.change for each in self.storage.tables.journal)
        assert all(each.duration.total_seconds() >= 0 for each in standing.values())

    @invariant()
    def nothing_waits_in_silence(self) -> None:
        order = self.order
        assert order.state in FINAL or self.reader.awaited(self.order_id)
        cases = {each.type for each in self.storage.tables.cases.values()}
        assert {each.value for each in order.discrepancies} <= cases


TestOrderMachine = OrderMachine.TestCase
TestOrderMachine.settings = settings(max_examples=40, stateful_step_count=25)
