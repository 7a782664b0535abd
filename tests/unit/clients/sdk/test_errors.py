"""A refusal comes back as the class of its reason, with everything the wire said."""

from __future__ import annotations

import grpc
import pytest

from clients.sdk import AsyncConcord, Concord, ConcordError, OutageError, errors
from clients.sdk.testing import FakeConcord, Refusal, refusal
from concord.errors.v1.error_reason_pb2 import ErrorReason


def test_every_reason_of_the_contract_has_a_class_of_its_name() -> None:
    reasons = {
        name.removeprefix("ERROR_REASON_")
        for name in ErrorReason.keys()  # noqa: SIM118  # No dict.
    } - {"UNSPECIFIED"}

    assert set(errors.BY_REASON) == reasons
    for reason, kind in errors.BY_REASON.items():
        camel = "".join(part.capitalize() for part in reason.split("_"))
        assert kind.__name__ == camel.removesuffix("Error") + "Error"


def test_every_code_but_ok_has_a_family() -> None:
    assert set(errors.BY_CODE) == set(grpc.StatusCode) - {grpc.StatusCode.OK}


@pytest.mark.parametrize("reason", sorted(errors.BY_REASON))
def test_a_reason_over_the_wire_becomes_its_class(reason: str) -> None:
    with FakeConcord() as fake, Concord(fake.address) as concord:
        # The one method that gRPC never tries again by itself, which would take a second.
        fake.answer("RepublishHistory", refusal(reason, order="orders/o"))

        with pytest.raises(errors.BY_REASON[reason]) as caught:
            concord.outbox.republish_history()

    assert caught.value.reason == reason
    assert caught.value.metadata == {"order": "orders/o"}


def test_an_illegal_transition_says_what_is_allowed() -> None:
    with FakeConcord() as fake, Concord(fake.address) as concord:
        fake.answer(
            "CancelOrder",
            refusal(
                "ILLEGAL_TRANSITION",
                order="orders/o",
                state="SHIPPING",
                action="CANCEL",
                allowedActions="CONFIRM_DELIVERY, COMPLETE",
            ),
        )

        with pytest.raises(errors.IllegalTransitionError) as caught:
            concord.orders.cancel("o")

    assert caught.value.allowed_actions == ("CONFIRM_DELIVERY", "COMPLETE")
    assert (caught.value.state, caught.value.action) == ("SHIPPING", "CANCEL")
    assert caught.value.code is grpc.StatusCode.FAILED_PRECONDITION


def test_all_field_violations_are_told_at_once() -> None:
    bad = Refusal(
        "INVALID_REQUEST",
        metadata={"fields": "amount,voucher"},
        violations={"amount": "must be above zero", "voucher": "must be given"},
    )
    with FakeConcord() as fake, Concord(fake.address) as concord:
        fake.answer("GetOrder", bad)

        with pytest.raises(errors.InvalidRequestError) as caught:
            concord.orders.get("o")

    assert caught.value.violations == (
        errors.Violation("amount", "must be above zero"),
        errors.Violation("voucher", "must be given"),
    )
    assert caught.value.fields == ("amount", "voucher")


def test_the_trace_of_the_server_is_kept() -> None:
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    with FakeConcord() as fake, Concord(fake.address) as concord:
        fake.answer("GetOrder", Refusal("ORDER_NOT_FOUND", trace_id=trace_id))

        with pytest.raises(errors.OrderNotFoundError) as caught:
            concord.orders.get("o")

    assert caught.value.trace_id == trace_id


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.FAILED_PRECONDITION, errors.FailedPreconditionError),
        (grpc.StatusCode.NOT_FOUND, errors.NotFoundError),
        (grpc.StatusCode.ABORTED, errors.AbortedError),
        (grpc.StatusCode.INTERNAL, errors.InternalError),
        (grpc.StatusCode.UNIMPLEMENTED, errors.UnsupportedError),
    ],
)
def test_a_reason_of_a_newer_server_falls_back_by_code(
    code: grpc.StatusCode, kind: type[ConcordError]
) -> None:
    with FakeConcord() as fake, Concord(fake.address) as concord:
        fake.answer("GetOrder", Refusal("MOON_IN_WRONG_PHASE", code=code))

        with pytest.raises(kind) as caught:
            concord.orders.get("o")

    assert caught.value.reason == "MOON_IN_WRONG_PHASE"


def test_nobody_there_is_an_outage() -> None:
    with Concord("127.0.0.1:1") as concord, pytest.raises(OutageError) as caught:
        concord.outbox.republish_history()

    assert type(caught.value) is errors.UnreachableError


async def test_asyncio_calls_fail_with_the_same_classes() -> None:
    with FakeConcord() as fake:
        fake.answer("GetOrder", refusal("ORDER_NOT_FOUND", order="orders/o"))
        async with AsyncConcord(fake.address) as concord:
            with pytest.raises(errors.OrderNotFoundError) as caught:
                await concord.orders.get("o")

    assert caught.value.order == "orders/o"
