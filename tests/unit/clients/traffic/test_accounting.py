"""Nothing is missing in the account, or the account says what is."""

from __future__ import annotations

from collections.abc import AsyncIterator

from grpc import StatusCode

from clients.sdk.errors import Failure, UnreachableError
from clients.traffic.accounting import Account, Question
from concord.intake.v1 import fact_pb2, receipt_pb2

APPLIED, EARLY = fact_pb2.OUTCOME_APPLIED, fact_pb2.OUTCOME_EARLY
NAMES = frozenset({"receipts/1", "receipts/2", "receipts/3"})


class FakeReceipts:
    """Lists receipts whose outcomes come look by look, the last look for ever."""

    def __init__(self, *looks: dict[str, fact_pb2.Outcome.ValueType] | None) -> None:
        self.looks = list(looks)
        self.asked = 0

    async def list(
        self, *, source: str, page_size: int, waiting: bool
    ) -> AsyncIterator[receipt_pb2.Receipt]:
        assert source == "order_management"
        assert 0 < page_size <= 500
        self.asked += waiting
        look = self.looks[min(self.asked, len(self.looks)) - 1]
        if look is None:
            raise UnreachableError(Failure(StatusCode.UNAVAILABLE))
        for name in sorted({*NAMES, "receipts/somebody-elses"}):
            outcome = look.get(name, fact_pb2.OUTCOME_UNSPECIFIED)
            if waiting and outcome:
                continue
            receipt = receipt_pb2.Receipt(name=name, outcome=outcome)
            if outcome:
                receipt.facts.add(fact_id="f", outcome=outcome)
            yield receipt


class FakeTime:
    def __init__(self) -> None:
        self.now_s = 0.0

    def clock(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds


async def settled(receipts: FakeReceipts) -> Account:
    time = FakeTime()
    question = Question(receipts, NAMES, "order_management")
    return await question.settled(timeout_s=60, clock=time.clock, sleep=time.sleep)


async def test_the_account_waits_until_every_receipt_has_its_outcome() -> None:
    receipts = FakeReceipts({"receipts/1": APPLIED}, dict.fromkeys(NAMES, APPLIED))

    account = await settled(receipts)

    assert receipts.asked == 2
    assert account.unaccounted == 0
    assert account.as_json()["receipts"]["applied"] == 3
    assert account.facts["applied"] == 3


async def test_a_receipt_that_stays_without_outcome_is_unaccounted_when_time_is_up() -> None:
    account = await settled(FakeReceipts({"receipts/1": APPLIED, "receipts/3": APPLIED}))

    assert account.unaccounted == 1


async def test_early_receipts_get_time_to_be_weighed_again() -> None:
    first = dict.fromkeys(NAMES, APPLIED) | {"receipts/2": EARLY}

    account = await settled(FakeReceipts(first, dict.fromkeys(NAMES, APPLIED)))

    assert account.receipts["early"] == 0


async def test_receipts_that_stay_early_are_accounted_for_with_the_reason() -> None:
    account = await settled(FakeReceipts(dict.fromkeys(NAMES, APPLIED) | {"receipts/2": EARLY}))

    assert account.unaccounted == 0
    assert account.receipts["early"] == 1
    assert account.reasons == {"early: waits for its order to be created": 1}


async def test_an_outage_while_waiting_is_waited_out() -> None:
    account = await settled(FakeReceipts(None, None, dict.fromkeys(NAMES, APPLIED)))

    assert account.unaccounted == 0


async def test_a_rejected_receipt_says_why() -> None:
    class Rejecting(FakeReceipts):
        async def list(
            self, *, source: str, page_size: int, waiting: bool
        ) -> AsyncIterator[receipt_pb2.Receipt]:
            for name in () if waiting else NAMES:
                yield receipt_pb2.Receipt(
                    name=name,
                    outcome=fact_pb2.OUTCOME_REJECTED,
                    rejection=receipt_pb2.Rejection(
                        reason=receipt_pb2.Rejection.REASON_FIELD_INVALID,
                        field="events[0].occurred_at",
                    ),
                )

    account = await settled(Rejecting())

    assert account.reasons == {"rejected: field_invalid events[0].occurred_at": 3}
