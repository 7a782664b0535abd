"""What every call about files is about, for those who cut its connection."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from google.protobuf.message import Message

from concord.imports.v1 import import_service_pb2 as api
from service import bootstrap
from service.application.importing import Importing
from service.application.ports import Unit
from service.domain.imports.files import NewFile, Row, RowReason, RowState
from service.domain.journal import Origin
from tests.faults.wire.preparing import Preparing, Target

SERVICE: Final = "imports.v1.ImportService"
ORIGIN: Final = Origin("preparer", "operations")
TEMPLATE: Final = "douyin.orders.file"


def begun(preparing: Preparing, count: int) -> list[Target]:
    """Begin imports of files of their own."""
    return _made(preparing, count, lambda importing, each: None)


def kept(preparing: Preparing, count: int) -> list[Target]:
    """Begin imports that have a row that waits for somebody."""
    row = Row(
        number=2,
        reason=RowReason.COLUMNS,
        column="",
        order_number="",
        text=b"[]",
        state=RowState.OPEN,
    )
    return _made(
        preparing, count, lambda importing, each: importing.keep(_file(each).import_id, [row])
    )


def name_of(target: Target) -> str:
    """Return the name of a target's import."""
    return f"imports/{_file(target).import_id}"


def beginning(target: Target, rid: str) -> Message:
    """Ask that an import begin."""
    file = _file(target)
    return api.BeginImportRequest(
        file=api.Import(
            channel=file.channel,
            shop=file.shop,
            template=file.template,
            digest=file.digest,
            size_bytes=file.size_bytes,
        ),
        request_id=rid,
    )


def report(target: Target, rid: str) -> Message:
    """Tell how far a file was read."""
    return api.ReportImportRequest(
        name=name_of(target), counts=api.ImportCounts(rows=1), request_id=rid
    )


def keeping(target: Target, rid: str) -> Message:
    """Ask that a row be kept."""
    row = api.ImportRow(number=3, reason=api.ImportRow.REASON_CUT, text=b"[]")
    return api.KeepRowsRequest(name=name_of(target), rows=[row], request_id=rid)


def settling(target: Target, rid: str) -> Message:
    """Say that a row is settled."""
    return api.SettleRowsRequest(
        name=name_of(target), numbers=[2], state=api.ImportRow.STATE_FIXED, request_id=rid
    )


def _made(
    preparing: Preparing, count: int, act: Callable[[Importing, Target], object]
) -> list[Target]:
    targets = preparing.names(count)

    def work(unit: Unit) -> None:
        importing = Importing(unit, ORIGIN, bootstrap.now())
        for each in targets:
            importing.begin(_file(each))
            act(importing, each)

    preparing.transact(work)
    return targets


def _file(target: Target) -> NewFile:
    return NewFile(
        channel="douyin",
        shop=target.tag,
        template=TEMPLATE,
        day="",
        file_name="",
        digest=hashlib.sha256(target.tag.encode()).hexdigest(),
        size_bytes=1,
    )


# What is called, what must be there before, and what is asked.
CALLS: Final = (
    (f"{SERVICE}.BeginImport", Preparing.names, beginning),
    (f"{SERVICE}.ReportImport", begun, report),
    (f"{SERVICE}.KeepRows", begun, keeping),
    (f"{SERVICE}.SettleRows", kept, settling),
)
