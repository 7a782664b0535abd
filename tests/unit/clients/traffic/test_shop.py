"""A shop sells one order after the other, and tells of each until Concord has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest

from clients.sdk import ConfigError
from clients.sdk.error_kinds import Failure
from clients.sdk.errors import OutageError
from clients.traffic.shop.config import Settings
from clients.traffic.shop.selling import PROVIDERS, Shop, an_order, told
from concord.intake.v1 import receipt_pb2
from streams.logic.normalising import FactKind, Reading, Receipt, read
from streams.template_files import load_templates

AT_US = 1_900_000_000_000_000


@dataclass
class FakeTill:
    """Platforms that fail as often as they are told to."""

    failures: int = 0
    trades: list[dict[str, Any]] = field(default_factory=list)
    paid: list[str] = field(default_factory=list)

    def create(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.fail()
        handle = {"unionpay": "20301122120000", "stripe": "pi_3A"}.get(asked["provider"], "")
        self.trades.append({**asked, "account": f"{asked['provider']}-main", "handle": handle})
        return self.trades[-1]

    def pay(self, trade: dict[str, Any], in_s: float) -> None:
        self.fail()
        assert 1 <= in_s <= 5
        self.paid.append(trade["number"])

    def fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("away")


@dataclass
class FakeIntake:
    """Takes receipts, unless it is away."""

    failures: int = 0
    receipts: list[receipt_pb2.Receipt] = field(default_factory=list)

    def submit(self, receipts: Sequence[receipt_pb2.Receipt]) -> None:
        if self.failures:
            self.failures -= 1
            raise OutageError(Failure(grpc.StatusCode.UNAVAILABLE))
        self.receipts += receipts


def a_shop(
    till: FakeTill | None = None, intake: FakeIntake | None = None, *, closes: bool = False
) -> Shop:
    return Shop(
        till or FakeTill(), intake or FakeIntake(), lambda: AT_US, lambda _: closes, "shop-1"
    )


def readings(receipts: Sequence[receipt_pb2.Receipt]) -> list[Reading]:
    templates = load_templates()
    now = datetime(2031, 4, 1, tzinfo=UTC)
    return [
        read(
            Receipt(
                name=f"receipts/{each.message_id}",
                source=each.source,
                template=each.template,
                channel=each.channel,
                body=each.body,
                content_type=each.content_type,
                receive_time=now,
            ),
            templates,
        )
        for each in receipts
    ]


def test_every_provider_has_its_turn() -> None:
    till = FakeTill()
    shop = a_shop(till)

    for _ in range(8):
        assert shop.sell()

    assert Counter(trade["provider"] for trade in till.trades) == dict.fromkeys(PROVIDERS, 2)
    assert till.paid == [trade["number"] for trade in till.trades]
    assert len(set(till.paid)) == shop.sold == 8


def test_numbers_are_such_as_every_provider_takes() -> None:
    numbers = [an_order("shop-1", number).merchant_number for number in range(100)]

    assert all(each.isalnum() and 8 <= len(each) <= 32 for each in numbers)


@pytest.mark.parametrize("number", range(len(PROVIDERS)))
def test_what_is_told_arms_a_question_to_the_provider(number: int) -> None:
    intake, till = FakeIntake(), FakeTill()
    shop = a_shop(till, intake)
    shop.sold = number

    shop.sell()

    created, started = (reading.facts for reading in readings(intake.receipts))
    trade = till.trades[0]
    assert [fact.kind for fact in (*created, *started)] == [
        FactKind.ORDER_CREATED,
        FactKind.PAYMENT_STARTED,
    ]
    assert created[0].channel == "mini"
    assert created[0].amount is not None
    assert created[0].amount.minor == trade["amount_minor"]
    assert created[0].amount.currency == trade["currency"]
    assert ("merchant", trade["number"]) in [
        (ref.namespace, ref.value) for ref in created[0].more_refs
    ]
    assert (started[0].ref.namespace, started[0].ref.value) == ("merchant", trade["number"])
    assert (started[0].provider, started[0].account) == (trade["provider"], trade["account"])
    assert started[0].voucher == trade["handle"]


def test_whoever_is_away_is_asked_again() -> None:
    till, intake = FakeTill(failures=2), FakeIntake(failures=3)
    shop = a_shop(till, intake)

    assert shop.sell()

    assert shop.outages == 5
    assert len(intake.receipts) == 2
    assert till.paid == [till.trades[0]["number"]]


def test_a_shop_that_closes_does_not_wait_for_the_others() -> None:
    shop = a_shop(FakeTill(failures=1), closes=True)

    assert not shop.sell()
    assert shop.sold == 0


def test_telling_twice_says_the_same() -> None:
    order = an_order("shop-1", 0)
    trade = {"account": "wechat-main", "handle": ""}

    assert told(order, trade, AT_US) == told(order, trade, AT_US)


def test_addresses_that_are_missing_are_named_together() -> None:
    with pytest.raises(ConfigError) as error:
        Settings.from_env({})

    assert "CONCORD_SERVICE_ADDRESS" in str(error.value)
    assert "CONCORD_PLATFORMS_ADDRESS" in str(error.value)
