"""Every refusal has one reason, one code and one place in the contract."""

from __future__ import annotations

import re
from base64 import b64encode

import pytest
from google.protobuf.any_pb2 import Any as AnyProto
from google.rpc import code_pb2, error_details_pb2, status_pb2

from concord.errors.v1 import error_reason_pb2
from service.application.insights import ViewIncompleteError
from service.domain import errors
from service.domain.errors import (
    IllegalTransitionError,
    InvalidRequestError,
    OrderError,
    OrderNotFoundError,
    OutageError,
)
from service.rpc.errors import CODES, DOMAIN, status_of

PREFIX = "ERROR_REASON_"
REFUSALS = sorted(OrderError.__subclasses__(), key=lambda each: each.reason)
OUTAGES = [
    OutageError,
    *(each for each in OutageError.__subclasses__() if each.__module__ == errors.__name__),
]
EXAMPLES: dict[type[OrderError], OrderError] = {
    each: each(**{name: f"the {name}" for name in each.fields})
    for each in REFUSALS
    if each not in {IllegalTransitionError, InvalidRequestError}
} | {
    IllegalTransitionError: IllegalTransitionError(
        order="ord-1", state="PAID", action="SHIP", allowed=("ALLOCATE", "CANCEL")
    ),
    InvalidRequestError: InvalidRequestError((("a", "send a"), ("b", "send b"))),
}


def unpack(packed: AnyProto, kind: type) -> error_details_pb2.ErrorInfo:
    detail = kind()
    assert packed.Unpack(detail)
    return detail


def info_of(status: status_pb2.Status) -> error_details_pb2.ErrorInfo:
    return unpack(status.details[0], error_details_pb2.ErrorInfo)


def test_no_two_refusals_have_one_reason() -> None:
    reasons = [each.reason for each in (*REFUSALS, *OUTAGES)]

    assert len(reasons) == len(set(reasons))


def test_the_contract_lists_exactly_the_reasons_that_are_sent() -> None:
    sent = {each.reason for each in (*REFUSALS, *OUTAGES)} | {"INTERNAL_ERROR"}

    assert {f"{PREFIX}{each}" for each in sent | {"UNSPECIFIED"}} == set(
        error_reason_pb2.ErrorReason.keys()
    )


@pytest.mark.parametrize("kind", [*REFUSALS, *OUTAGES], ids=lambda each: each.reason)
def test_a_refusal_or_outage_has_a_code(kind: type[Exception]) -> None:
    assert CODES[kind] not in {code_pb2.OK, code_pb2.UNKNOWN, code_pb2.INTERNAL}


@pytest.mark.parametrize("kind", REFUSALS, ids=lambda each: each.reason)
def test_a_refusal_becomes_a_status_with_one_error_info(kind: type[OrderError]) -> None:
    error = EXAMPLES[kind]

    status = status_of(error)

    told = info_of(status)
    assert (told.reason, told.domain) == (kind.reason, DOMAIN)
    assert dict(told.metadata) == error.metadata()
    infos = [each for each in status.details if each.Is(error_details_pb2.ErrorInfo.DESCRIPTOR)]
    assert len(infos) == 1
    assert status.message == str(error)


@pytest.mark.parametrize("kind", REFUSALS, ids=lambda each: each.reason)
def test_every_variable_of_the_message_is_in_the_metadata(kind: type[OrderError]) -> None:
    assert set(re.findall(r"{(\w+)}", kind.template)) == set(kind.fields)


def test_a_bad_request_names_every_bad_field() -> None:
    status = status_of(EXAMPLES[InvalidRequestError])

    bad = unpack(status.details[1], error_details_pb2.BadRequest)
    assert [(each.field, each.description) for each in bad.field_violations] == [
        ("a", "send a"),
        ("b", "send b"),
    ]


def test_a_thousand_bad_fields_fit_into_one_answer() -> None:
    path = "readings[999].facts[499].lines[{}].unit_price.currency_code"
    advice = "send whole minor units of CNY: multiples of 10000000"
    many = InvalidRequestError(tuple((path.format(each), advice) for each in range(9_000)))

    status = status_of(many)

    # gRPC carries it in the trailing metadata, base64, and takes 8 KiB of that in all.
    assert len(b64encode(status.SerializeToString())) + len(status.message) < 8 << 10


@pytest.mark.parametrize("kind", OUTAGES, ids=lambda each: each.reason)
def test_an_outage_tells_its_reason_and_nothing_of_the_driver(kind: type[OutageError]) -> None:
    error = kind("password=hunter2 host=db")

    status = status_of(error)

    assert info_of(status).reason == kind.reason
    assert not info_of(status).metadata
    assert "hunter2" not in str(status)


def test_a_view_that_is_rebuilt_is_an_outage_like_any_other() -> None:
    assert status_of(ViewIncompleteError()).code == code_pb2.UNAVAILABLE


def test_a_bug_is_internal_and_says_nothing_of_itself() -> None:
    status = status_of(ValueError("secret value of a customer"))

    assert status.code == code_pb2.INTERNAL
    assert info_of(status).reason == "INTERNAL_ERROR"
    assert "secret" not in str(status)


def test_a_refusal_takes_exactly_the_variables_that_it_documents() -> None:
    with pytest.raises(TypeError):
        OrderNotFoundError()
    with pytest.raises(TypeError):
        OrderNotFoundError(order="ord-1", reason="why")


def test_every_error_of_the_domain_is_a_refusal_or_an_outage() -> None:
    kinds = [each for each in vars(errors).values() if isinstance(each, type)]

    assert all(issubclass(each, OrderError | OutageError) for each in kinds)
    assert all(each.__name__.endswith("Error") for each in kinds)
