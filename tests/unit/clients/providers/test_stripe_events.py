"""Events of Stripe: what its own library signs is believed, and what it refuses is refused."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
import stripe

from clients.providers.callbacks import Call, Refusal
from tests.unit.clients.providers.hashing_platforms import (
    WEBHOOK_SECRETS,
    a_stripe_account,
    a_stripe_call,
    a_stripe_event,
)
from tests.unit.clients.providers.key_ring import NOW
from tests.unit.clients.providers.platforms import a_call, opened, refusal

ACCOUNT = a_stripe_account()


def signed_by_the_library(body: bytes, secret: str) -> Call:
    header = stripe.WebhookSignature.generate_signature_header(
        body.decode(), secret, timestamp=int(NOW.timestamp())
    )
    return a_call(body, {"stripe-signature": header})


def is_believed_by_the_library(call: Call) -> bool:
    """Ask the library, which has only the machine's clock, for all but the time."""
    for secret in WEBHOOK_SECRETS:
        try:
            stripe.WebhookSignature.verify_header(
                call.body, call.headers["stripe-signature"], secret
            )
        except stripe.SignatureVerificationError:
            continue
        return True
    return False


@pytest.mark.parametrize(
    "kind",
    [
        "payment_intent.succeeded",
        "payment_intent.processing",
        "payment_intent.requires_action",
        "payment_intent.amount_capturable_updated",
        "payment_intent.payment_failed",
        "charge.refunded",
        "refund.created",
        "refund.updated",
        "refund.failed",
    ],
)
@pytest.mark.parametrize("secret", WEBHOOK_SECRETS)
def test_what_the_library_signs_is_kept_as_it_came(kind: str, secret: str) -> None:
    body = a_stripe_event(kind)

    found = opened(ACCOUNT, signed_by_the_library(body, secret))

    assert found.template == "stripe.event"
    assert (found.message_id, found.order_hint) == ("evt_1", "T-1")
    assert found.body == body


@pytest.mark.parametrize("secrets", [WEBHOOK_SECRETS, WEBHOOK_SECRETS[:1], WEBHOOK_SECRETS[1:]])
def test_one_signature_of_several_is_enough(secrets: tuple[str, ...]) -> None:
    call = a_stripe_call(a_stripe_event(), secrets=(*secrets, "whsec_of_somebody_else"))

    assert opened(ACCOUNT, call)
    assert is_believed_by_the_library(call)


def test_each_change_is_refused_as_by_the_library() -> None:
    call = a_stripe_call(a_stripe_event())
    header = call.headers["stripe-signature"].removesuffix(",v0=00")
    call = replace(call, headers={"stripe-signature": header})
    assert opened(ACCOUNT, call)

    for at in range(len(header)):
        changed = header[:at] + chr(ord(header[at]) ^ 1) + header[at + 1 :]
        other = replace(call, headers={"stripe-signature": changed})
        assert not is_believed_by_the_library(other)
        assert refusal(ACCOUNT, other) in {Refusal.SIGNATURE, Refusal.MALFORMED, Refusal.STALE}
    for at in range(len(call.body)):
        body = call.body[:at] + bytes([call.body[at] ^ 1]) + call.body[at + 1 :]
        other = replace(call, body=body)
        assert not is_believed_by_the_library(other)
        assert refusal(ACCOUNT, other) is Refusal.SIGNATURE


@pytest.mark.parametrize(
    ("seconds", "is_stale"), [(300, False), (301, True), (-300, False), (-301, True)]
)
def test_what_is_more_than_300_seconds_off_is_stale(seconds: int, is_stale: bool) -> None:  # noqa: FBT001  # A table.
    call = a_stripe_call(a_stripe_event())
    at = NOW + timedelta(seconds=seconds)

    if is_stale:
        assert refusal(ACCOUNT, call, at) is Refusal.STALE
    else:
        assert opened(ACCOUNT, call, at)


def test_another_secret_is_refused() -> None:
    call = a_stripe_call(a_stripe_event(), secrets=("whsec_of_somebody_else",))

    assert refusal(ACCOUNT, call) is Refusal.SIGNATURE


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=1",
        "v1=00",
        "t=,v1=00",
        "t=1,t=2,v1=00",
        "t=" + "9" * 5000 + ",v1=00",
        "t=１７９５３２００００,v1=00",
        "v1=00," * 100,
        "t=1795320000,v1=é",
        "t==,v1==",
    ],
)
def test_a_header_of_another_shape_is_refused(header: str) -> None:
    call = a_call(a_stripe_event(), {"stripe-signature": header})

    assert refusal(ACCOUNT, call) in {Refusal.SIGNATURE, Refusal.MALFORMED, Refusal.STALE}


def test_an_event_that_we_do_not_follow_is_kept_as_unknown() -> None:
    body = a_stripe_event("plan.created", data={"object": {"id": "plan_1"}})

    found = opened(ACCOUNT, a_stripe_call(body))

    assert (found.template, found.order_hint) == ("stripe.unknown", "")


@pytest.mark.parametrize("data", [None, [], {"object": None}, {"object": {"metadata": []}}])
def test_an_event_may_name_no_order(data: object) -> None:
    assert opened(ACCOUNT, a_stripe_call(a_stripe_event(data=data))).order_hint == ""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"nonsense",
        b"\xff",
        a_stripe_event(object="list"),
        a_stripe_event(id=""),
        json.dumps({"object": "event", "id": "evt_1", "type": ["a"]}).encode(),
        a_stripe_event()[:-1] + b',"id":"evt_2"}',
        b'{"object":"event","id":"evt_1","type":"a","x":' + b"[" * 100 + b"]" * 100 + b"}",
        b'{"object":"event","id":"evt_1","type":"a","x":NaN}',
        b'{"object":"event","id":"evt_1","type":"a","x":"\\ud800"}',
        b"[" * 100_000,
        b'{"object":"event","id":"evt_1","type":"a","x":' + b"9" * 10_000 + b"}",
    ],
)
def test_a_signed_body_that_is_no_event_is_refused(body: bytes) -> None:
    assert refusal(ACCOUNT, a_stripe_call(body)) is Refusal.MALFORMED
