"""Stripe's fake, asked and read by Stripe's own library."""

from __future__ import annotations

import json
from typing import Any

import pytest
import stripe

from deploy.local.platforms.server import Platforms
from tests.integration.platforms.conftest import Merchant

Accounts = dict[str, dict[str, Any]]


@pytest.fixture
def client(accounts: Accounts) -> stripe.StripeClient:
    account = accounts["stripe-main"]
    return stripe.StripeClient(
        account["api_key"],
        base_addresses={"api": account["api"]},
        max_network_retries=0,
    )


def test_an_intent_is_asked_for_by_its_id(
    platforms: Platforms, client: stripe.StripeClient
) -> None:
    trade = platforms.control.create("stripe", "S1", 1250)
    before = client.v1.payment_intents.retrieve(trade["handle"])
    platforms.control.pay("stripe", "S1")

    told = client.v1.payment_intents.retrieve(trade["handle"])

    assert before.status == "requires_payment_method"
    assert (told.status, told.amount_received, told.currency) == ("succeeded", 1250, "eur")
    assert told.metadata["order"] == "S1"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.retrieve("S1")


def test_a_refund_is_carried_out_once_for_its_key(
    platforms: Platforms, client: stripe.StripeClient
) -> None:
    trade = platforms.control.create("stripe", "S1", 1000, pay_in_s=0)
    asked: Any = {
        "payment_intent": trade["handle"],
        "amount": 300,
        "metadata": {"refund": "R1", "order": "S1"},
    }

    first, again = (client.v1.refunds.create(asked, {"idempotency_key": "R1"}) for _ in range(2))
    second = client.v1.refunds.create({**asked, "amount": 200}, {"idempotency_key": "R2"})
    platforms.control.settle()

    assert first.id == again.id != second.id
    assert first.status == "pending"
    assert client.v1.refunds.retrieve(first.id).status == "succeeded"
    listed = client.v1.refunds.list({"payment_intent": trade["handle"]})
    assert [each.id for each in listed.data] == [second.id, first.id]
    assert listed.data[1].metadata.to_dict() == {"refund": "R1", "order": "S1"}
    with pytest.raises(stripe.IdempotencyError):
        client.v1.refunds.create({**asked, "amount": 1}, {"idempotency_key": "R1"})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({**asked, "amount": 501})


def test_the_library_reads_events_under_either_secret_of_a_roll(
    platforms: Platforms, accounts: Accounts, merchant: Merchant
) -> None:
    old = accounts["stripe-main"]["webhook_secrets"][0]
    platforms.control.roll("stripe-main")
    trade = platforms.control.create("stripe", "S1", 1250, pay_in_s=0)
    platforms.control.refund("stripe", "S1", number="R1", amount_minor=250)
    platforms.control.settle()

    folder = platforms.settings.folder / "merchant" / "stripe-main"
    new = (folder / "webhook_secret_1").read_text()
    kinds = []
    for _, headers, body in merchant.calls:
        for secret in (old, new):
            event = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], secret)
        kinds.append(event.type)
    assert sorted(kinds) == [
        "charge.refunded",
        "charge.succeeded",
        "payment_intent.created",
        "payment_intent.succeeded",
        "refund.created",
        "refund.updated",
    ]
    paid = next(json.loads(body) for *_, body in merchant.calls if b"intent.succeeded" in body)
    assert paid["data"]["object"]["id"] == trade["handle"]


@pytest.mark.parametrize("kind", ["other_key", "changed_body", "stale"])
def test_the_library_does_not_believe_a_forger(
    platforms: Platforms, accounts: Accounts, merchant: Merchant, kind: str
) -> None:
    platforms.control.create("stripe", "S1", 1250)
    platforms.control.settle()
    merchant.calls.clear()
    platforms.control.forge("stripe", "S1", kind)
    platforms.control.settle()

    ((_, headers, body),) = merchant.calls
    secret = accounts["stripe-main"]["webhook_secrets"][0]

    assert json.loads(body)["type"] == "payment_intent.succeeded"
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, headers["Stripe-Signature"], secret)


def test_whoever_asks_too_often_is_told_so(
    platforms: Platforms, client: stripe.StripeClient
) -> None:
    trade = platforms.control.create("stripe", "S1", 1250)
    platforms.control.behave("stripe", query_faults={"too_many": 1})

    with pytest.raises(stripe.RateLimitError):
        client.v1.payment_intents.retrieve(trade["handle"])


def test_a_stranger_is_not_answered(platforms: Platforms, accounts: Accounts) -> None:
    trade = platforms.control.create("stripe", "S1", 1250)
    stranger = stripe.StripeClient(
        "sk_test_guessed", base_addresses={"api": accounts["stripe-main"]["api"]}
    )

    with pytest.raises(stripe.AuthenticationError):
        stranger.v1.payment_intents.retrieve(trade["handle"])
