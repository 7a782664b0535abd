"""The contract: style, breaking changes, comments, and that generated code is what it makes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from google.api import field_behavior_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from tests.architecture.contract import PROTOS, ROOT, comments_of, compiled, image, sources

BUF = Path(sys.executable).parent / "buf"
# What the last release published; `make baseline` takes the contract as it is.
BASELINE = PROTOS / "baseline.binpb"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The contract as a descriptor image: buf needs no network for that."""
    path = tmp_path_factory.mktemp("contract") / "image.binpb"
    path.write_bytes(image())
    return path


def buf(*arguments: str) -> str:
    """Run buf; return what it complains of."""
    told = subprocess.run(
        [str(BUF), *arguments, "--config", str(PROTOS / "buf.yaml")],
        cwd=ROOT, check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return told.stdout + (told.stderr if told.returncode else "")


def test_the_contract_keeps_to_bufs_style(built: Path) -> None:
    assert buf("lint", str(built)) == ""


def test_the_contract_breaks_nobody_who_uses_the_last_release(built: Path) -> None:
    assert buf("breaking", str(built), "--against", str(BASELINE)) == ""


def test_a_field_that_is_taken_away_would_be_found(built: Path, tmp_path: Path) -> None:
    less = type(compiled())()
    less.CopyFrom(compiled())
    order = next(
        message
        for file in less.file
        if file.name == "concord/orders/v1/order.proto"
        for message in file.message_type
        if message.name == "Order"
    )
    order.field.remove(next(each for each in order.field if each.name == "discrepancies"))
    broken = tmp_path / "broken.binpb"
    broken.write_bytes(less.SerializeToString())

    assert "discrepancies" in buf("breaking", str(broken), "--against", str(BASELINE))


@pytest.mark.parametrize("source", sources())
def test_everything_in_the_contract_says_what_it_is(source: str) -> None:
    silent = [name for name, comment in comments_of(source).items() if not comment]

    assert not silent


@pytest.mark.parametrize("source", sources())
def test_a_comment_is_a_sentence(source: str) -> None:
    unfinished = {
        name: comment
        for name, comment in comments_of(source).items()
        if comment and not re.search(r"[.:…`]$", comment.rstrip(")"))
    }

    assert not unfinished


def test_every_call_that_changes_an_order_takes_a_request_id() -> None:
    (file,) = (each for each in compiled().file if each.name.endswith("/order_service.proto"))
    messages = {each.name: {field.name for field in each.field} for each in file.message_type}
    (service,) = file.service
    changing = [
        each for each in service.method if not re.match(r"Get|List|Watch|Explain|Verify", each.name)
    ]

    assert len(changing) > 10
    for each in changing:
        assert "request_id" in messages[each.input_type.split(".")[-1]], each.name


@pytest.mark.parametrize("source", sources())
def test_moments_and_money_are_never_plain_numbers(source: str) -> None:
    (file,) = (each for each in compiled().file if each.name == source)
    numbers = {FieldDescriptorProto.TYPE_DOUBLE, FieldDescriptorProto.TYPE_FLOAT}
    odd = [
        f"{message.name}.{field.name}"
        for message in file.message_type
        for field in message.field
        if (
            field.name.endswith("_time")
            and field.type != FieldDescriptorProto.TYPE_BOOL
            and field.type_name != ".google.protobuf.Timestamp"
        )
        or (field.name in {"amount", "total", "paid", "refunded"} and field.type in numbers)
    ]

    assert not odd


@pytest.mark.parametrize("source", sources())
def test_the_first_value_of_every_enum_is_unspecified(source: str) -> None:
    (file,) = (each for each in compiled().file if each.name == source)
    enums = [*file.enum_type, *(enum for each in file.message_type for enum in each.enum_type)]

    assert all(enum.value[0].name.endswith("_UNSPECIFIED") for enum in enums)
    assert all(enum.value[0].number == 0 for enum in enums)


def test_a_resource_says_which_fields_only_the_service_sets() -> None:
    (file,) = (each for each in compiled().file if each.name == "concord/orders/v1/order.proto")
    (order,) = (each for each in file.message_type if each.name == "Order")
    ours = {
        field.name
        for field in order.field
        if field_behavior_pb2.OUTPUT_ONLY
        in field.options.Extensions[field_behavior_pb2.field_behavior]
    }

    assert {"state", "refund_state", "paid", "refunded", "sequence", "holds"} <= ours
