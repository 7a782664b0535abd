"""What the contract says of each refusal is what is sent: the code, and the metadata's keys."""

from __future__ import annotations

import re

import pytest
from google.rpc import code_pb2

from concord.errors.v1 import error_reason_pb2
from service.domain import errors, stock_errors
from service.domain.channels import errors as channel_errors
from service.domain.customers import errors as customer_errors
from service.domain.desk import batch_errors
from service.domain.desk import errors as desk_errors
from service.domain.errors import OrderError, OutageError
from service.domain.imports import errors as import_errors
from service.domain.reconciling import errors as reconciling_errors
from service.rpc.errors import CODES
from tests.architecture.contract import comments_of

PREFIX = "ERROR_REASON_"
SENT = {
    each.reason: each
    for module in (
        batch_errors,
        channel_errors,
        customer_errors,
        desk_errors,
        errors,
        import_errors,
        reconciling_errors,
        stock_errors,
    )
    for each in vars(module).values()
    if isinstance(each, type) and issubclass(each, OrderError | OutageError)
    if each is not OrderError
}
PROMISED = {
    name.removeprefix(PREFIX): " ".join(comment.split())
    for name, comment in comments_of(error_reason_pb2.DESCRIPTOR.name).items()
    if name.startswith(PREFIX)
}


def promised_keys(comment: str) -> set[str]:
    """Read the keys out of what follows `Metadata:`, without remarks in parentheses."""
    found = re.search(r"Metadata: ([^.]*)\.", comment)
    without_remarks = re.sub(r"\([^)]*\)", "", found[1]) if found else ""
    return {each.strip() for each in without_remarks.split(",") if each.strip()}


@pytest.mark.parametrize("reason", SENT)
def test_the_promised_code_is_sent(reason: str) -> None:
    code = code_pb2.Code.Name(CODES[SENT[reason]])

    assert f"{code}." in PROMISED[reason]


@pytest.mark.parametrize("reason", SENT)
def test_the_promised_metadata_is_sent(reason: str) -> None:
    kind = SENT[reason]
    fields = kind.fields if issubclass(kind, OrderError) else ()

    head = [re.sub(r"_(\w)", lambda found: found[1].upper(), each) for each in fields]
    assert set(head) == promised_keys(PROMISED[reason])
    assert ("No metadata" in PROMISED[reason]) == (not fields)


@pytest.mark.parametrize("reason", sorted(set(PROMISED) - {"UNSPECIFIED"}))
def test_every_reason_has_an_example(reason: str) -> None:
    assert "Example: " in PROMISED[reason]
