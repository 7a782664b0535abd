"""A notice is sent until it is answered right, or its schedule has ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from starlette.routing import BaseRoute

from deploy.local.platforms.behaviour import Behaviours
from deploy.local.platforms.clock import Clock, Moment
from deploy.local.platforms.courier import Courier
from deploy.local.platforms.desk import Desk
from deploy.local.platforms.notices import Answer, Call, Content, Notice, Verdict, by_status
from deploy.local.platforms.records import Records
from deploy.local.platforms.timeline import Timeline
from deploy.local.platforms.trades import Book, Event, Refund, RefusedError, Trade, TradeState

START_S = 1_900_000_000.0


@dataclass
class PlainPlatform:
    """Tells of payments and refunds, in no one's format."""

    provider: str = "alipay"
    forgeries: tuple[str, ...] = ("other_key",)
    patience_s: float = 5.0

    def name_trade(self, trade: Trade) -> None:
        trade.id = f"T{trade.number}"

    def name_refund(self, trade: Trade) -> str:
        return f"R{trade.number}"

    def contents(self, event: Event, trade: Trade, refund: Refund | None) -> list[Content]:
        told = event in (Event.PAID, Event.REFUND_SETTLED)
        name = f"{event}-{refund.number if refund else trade.number}"
        return [Content(event.value, name, {})] if told else []

    def call(self, notice: Notice, moment: Moment) -> Call:
        return Call(notice.trade.notify_url, {}, notice.content.id.encode())

    def forged(self, trade: Trade, kind: str, moment: Moment) -> Call:
        return Call(trade.notify_url, {}, b"forged")

    def verdict(self, notice: Notice, answer: Answer) -> Verdict:
        return by_status(answer)

    def routes(self) -> list[BaseRoute]:
        return []


@dataclass
class FakeSender:
    """Answers as it was told to: the last answer again and again."""

    answers: list[Answer | Exception] = field(default_factory=lambda: [Answer(200, b"")])
    sent: list[bytes] = field(default_factory=list)

    async def send(self, call: Call, patience_s: float) -> Answer:
        self.sent.append(call.body)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Street:
    """One platform, one courier, and a clock that is moved by hand."""

    def __init__(self) -> None:
        self.now_s = START_S
        self.clock = Clock(wall=lambda: self.now_s)
        self.timeline = Timeline(self.clock)
        self.happening = Timeline(self.clock)
        self.records = Records()
        self.sender = FakeSender()
        self.behaviours = Behaviours()
        self.courier = Courier(
            self.clock,
            self.timeline,
            {"alipay": PlainPlatform()},
            self.records,
            behaviours=self.behaviours,
            sender=self.sender,
            seed="1",
        )
        self.book = Book()
        self.desk = Desk(self.clock, self.book, self.behaviours, self.happening, self.courier.tell)

    def create(self, number: str) -> Trade:
        trade = Trade(
            provider="alipay",
            account="alipay-main",
            number=number,
            handle="",
            id=f"T{number}",
            amount_minor=1000,
            currency="CNY",
            created=self.clock.moment(),
            notify_url="http://gateway.example",
        )
        self.desk.create(trade)
        return trade

    def pay(self, number: str) -> Trade:
        trade = self.create(number)
        self.desk.move(trade, "pay")
        return trade

    async def pass_s(self, seconds: float) -> None:
        self.now_s += seconds
        self.happening.run_due()
        self.timeline.run_due()
        await self.courier.settle(lambda _: False)

    def verdicts(self) -> list[str]:
        return [call.verdict.value for call in self.records.calls]


@pytest.fixture
async def street() -> AsyncIterator[Street]:
    made = Street()
    yield made
    await made.courier.close()


async def test_the_right_answer_stops_it(street: Street) -> None:
    street.pay("A1")

    await street.pass_s(0)
    await street.pass_s(100_000)

    assert street.verdicts() == ["taken"]
    assert street.courier.outcomes["alipay"] == {"notices": 1, "settled": 1}


async def test_it_comes_again_when_its_schedule_says_so(street: Street) -> None:
    street.sender.answers = [Answer(500, b""), OSError("refused"), TimeoutError(), Answer(200, b"")]
    street.pay("A1")

    await street.pass_s(0)
    await street.pass_s(4 * 60 - 1)
    early = len(street.records.calls)
    await street.pass_s(1)
    await street.pass_s(10 * 60)
    await street.pass_s(10 * 60)

    assert early == 1
    assert street.verdicts() == ["again", "unanswered", "unanswered", "taken"]
    assert [call.attempt for call in street.records.calls] == [1, 2, 3, 4]
    ats = [call.at for call in street.records.calls]
    assert [(at - ats[0]).total_seconds() for at in ats] == [0, 240, 840, 1440]
    assert ats[0] == datetime.fromtimestamp(START_S, UTC)


async def test_a_platform_gives_up_at_the_end_of_its_schedule(street: Street) -> None:
    street.sender.answers = [Answer(503, b"")]
    street.pay("A1")

    await street.courier.settle()

    assert street.verdicts() == ["again"] * 8
    assert street.courier.outcomes["alipay"]["given_up"] == 1
    assert street.courier.pending() == {"scheduled": 0, "lost": 0, "under_way": 0}


async def test_what_is_dropped_never_arrives(street: Street) -> None:
    street.behaviours.change("", "", {"drop_share": 1})
    street.pay("A1")
    waiting = street.courier.pending()

    await street.courier.settle()

    assert waiting == {"scheduled": 0, "lost": 1, "under_way": 0}
    assert street.sender.sent == []
    assert street.verdicts() == ["lost"] * 8


async def test_what_loses_its_first_calls_arrives_later(street: Street) -> None:
    street.behaviours.change("", "", {"drop_share": 1, "drop_attempts": 2})
    street.pay("A1")

    await street.courier.settle()

    assert street.verdicts() == ["lost", "lost", "taken"]


async def test_a_double_is_the_same_notice_and_needs_its_own_answer(street: Street) -> None:
    street.behaviours.change("", "", {"double_share": 1})
    street.pay("A1")

    await street.courier.settle()

    assert street.sender.sent == [b"paid-A1"] * 2
    assert [call.copy for call in street.records.calls] == [1, 2]
    assert street.courier.outcomes["alipay"] == {"notices": 1, "doubled": 1, "settled": 2}


async def test_late_notices_are_overtaken(street: Street) -> None:
    street.behaviours.change("", "A1", {})
    street.behaviours.change("alipay", "A1", {"delay_s": 3600})
    street.pay("A1")
    street.pay("A2")

    await street.pass_s(0)
    await street.pass_s(3600)

    assert street.sender.sent == [b"paid-A2", b"paid-A1"]


async def test_a_forger_strikes_before_the_payment_and_does_not_insist(street: Street) -> None:
    street.behaviours.change("", "", {"forge_share": 1})
    street.sender.answers = [Answer(401, b"")]
    street.create("A1")

    await street.courier.settle()

    assert street.sender.sent == [b"forged"]
    (call,) = street.records.calls
    assert call.is_forged
    assert call.is_right
    assert call.notice == "other_key"


async def test_a_forged_call_that_is_taken_is_wrong(street: Street) -> None:
    street.behaviours.change("", "", {"forge_share": 1})
    street.create("A1")

    await street.courier.settle()

    assert street.records.counts["alipay"]["wrong"] == 1


async def test_an_answer_that_is_neither_is_wrong(street: Street) -> None:
    street.sender.answers = [Answer(302, b""), Answer(200, b"")]
    street.pay("A1")

    await street.courier.settle()

    assert street.verdicts() == ["improper", "taken"]
    assert [call.is_right for call in street.records.calls] == [False, True]


async def test_records_are_found_by_their_fields(street: Street) -> None:
    street.pay("A1")
    street.pay("A2")
    await street.courier.settle()

    found = list(street.records.find_calls(number="A2", is_forged="false", verdict="taken"))

    assert [call.number for call in found] == ["A2"]


async def test_a_refund_ends_after_a_while_and_is_told(street: Street) -> None:
    trade = street.pay("A1")
    await street.courier.settle()
    refund, is_new = street.desk.refund(trade, number="R1", id="re1", amount_minor=400)

    assert is_new
    assert street.desk.refund(trade, number="R1", id="re2", amount_minor=400) == (refund, False)
    await street.pass_s(2)
    assert refund.settled is None
    await street.pass_s(1)
    await street.courier.settle()

    assert street.sender.sent[-1] == b"refund_settled-R1"
    assert trade.refunded_minor == 400


async def test_no_more_is_refunded_than_was_paid(street: Street) -> None:
    unpaid, trade = street.create("A1"), street.pay("A2")
    street.desk.refund(trade, number="R1", id="re1", amount_minor=600)

    for refused, number, amount, reason in (
        (unpaid, "R2", 100, "state"),
        (trade, "R1", 500, "reused"),
        (trade, "R3", 401, "amount"),
        (trade, "R4", 0, "amount"),
    ):
        with pytest.raises(RefusedError) as error:
            street.desk.refund(refused, number=number, id=number, amount_minor=amount)
        assert error.value.reason == reason


async def test_a_closed_trade_is_not_paid(street: Street) -> None:
    trade = street.create("A1")
    street.desk.move(trade, "pay", in_s=60)
    street.desk.move(trade, "close")

    await street.pass_s(60)

    assert trade.state is TradeState.CLOSED
    with pytest.raises(RefusedError):
        street.desk.move(trade, "pay")


async def test_a_number_is_taken_once(street: Street) -> None:
    street.create("A1")

    with pytest.raises(RefusedError) as error:
        street.create("A1")

    assert error.value.reason == "exists"
