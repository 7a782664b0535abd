"""Reads requests about files: every field checked, all violations at once."""

import re
from datetime import date
from typing import Final

from concord.imports.v1 import import_service_pb2 as pb
from service.application.import_ports import ImportQuery, RowQuery
from service.domain.imports.expecting import ExpectedState
from service.domain.imports.files import (
    SENT,
    ImportState,
    NewFile,
    Reached,
    Report,
    Row,
    RowReason,
    RowState,
)
from service.rpc.violations import REASON_MAX, Violations

COLLECTION: Final = "imports"
PAGE_SIZE: Final = 50
PAGE_SIZE_MAX: Final = 500
ROWS: Final = 200
ROWS_MAX: Final = 1_000
KEPT_MAX: Final = 500
SETTLED_MAX: Final = 5_000
# A row of 100 columns with an address and remarks takes some 4 KiB.
TEXT_BYTES_MAX: Final = 64 * 1024
NOTES_MAX: Final = 20
COLUMNS_MAX: Final = 300

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_TEMPLATE: Final = re.compile(r"[a-z0-9_.]{1,60}")
_NOTE: Final = re.compile(r"[A-Z_]{1,40}")


def import_id(name: str) -> str:
    """Read an import's name."""
    read = Violations()
    found = read.resource("name", name, COLLECTION)
    read.refuse()
    return found


def new_file(request: pb.BeginImportRequest) -> NewFile:
    """Read what is said of a file."""
    read = Violations()
    file = request.file
    if not _DIGEST.fullmatch(file.digest):
        read.add("file.digest", "send the SHA-256 of the file, hexadecimal, in lower case")
    if not _TEMPLATE.fullmatch(file.template):
        read.add("file.template", "send the template of its orders, such as douyin.orders.file")
    if file.size_bytes < 0:
        read.add("file.size_bytes", "send 0 or more")
    found = NewFile(
        channel=read.word("file.channel", file.channel),
        shop=read.text("file.shop", file.shop),
        template=file.template,
        day=_day(read, "file.day", file.day),
        file_name=read.text("file.file_name", file.file_name),
        digest=file.digest,
        size_bytes=file.size_bytes,
    )
    read.refuse()
    return found


def report(request: pb.ReportImportRequest) -> tuple[str, Report]:
    """Read how far a file was read."""
    read = Violations()
    name = read.resource("name", request.name, COLLECTION)
    counts = request.counts
    told = {each: getattr(counts, each) for each in Reached.__dataclass_fields__}
    for each, number in told.items():
        if number < 0:
            read.add(f"counts.{each}", "send 0 or more")
    if len(request.notes) > NOTES_MAX or not all(map(_NOTE.fullmatch, request.notes)):
        read.add("notes", f"send at most {NOTES_MAX} codes, such as FILE_CUT")
    if len(request.columns) > COLUMNS_MAX:
        read.add("columns", f"send at most {COLUMNS_MAX}")
    ended = None
    if request.state in (pb.Import.STATE_DONE, pb.Import.STATE_REFUSED):
        ended = ImportState(pb.Import.State.Name(request.state).removeprefix("STATE_"))
    elif request.state:
        read.add("state", "send STATE_DONE or STATE_REFUSED, or nothing")
    found = Report(
        reached=Reached(**told),
        encoding=read.text("encoding", request.encoding),
        # A tab is a delimiter like others.
        delimiter=read.text("delimiter", request.delimiter, longest=4),
        notes=tuple(request.notes),
        columns=tuple(
            read.text(f"columns[{at}]", each)
            for at, each in enumerate(request.columns[:COLUMNS_MAX])
        ),
        ended=ended,
        problem=read.text("problem", request.problem, longest=REASON_MAX),
    )
    read.refuse()
    return name, found


def kept_rows(request: pb.KeepRowsRequest) -> tuple[str, list[Row]]:
    """Read rows that need somebody."""
    read = Violations()
    name = read.resource("name", request.name, COLLECTION)
    if not 0 < len(request.rows) <= KEPT_MAX:
        read.add("rows", f"send 1 to {KEPT_MAX}")
    found = [_row(read, f"rows[{at}]", each) for at, each in enumerate(request.rows[:KEPT_MAX])]
    read.refuse()
    return name, list({each.number: each for each in reversed(found)}.values())


def settling(request: pb.SettleRowsRequest) -> tuple[str, list[int], RowState]:
    """Read which rows are settled, and how."""
    read = Violations()
    name = read.resource("name", request.name, COLLECTION)
    if not 0 < len(request.numbers) <= SETTLED_MAX:
        read.add("numbers", f"send 1 to {SETTLED_MAX}")
    state = RowState.FIXED
    if request.state == pb.ImportRow.STATE_DROPPED:
        state = RowState.DROPPED
    elif request.state != pb.ImportRow.STATE_FIXED:
        read.add("state", "send STATE_FIXED or STATE_DROPPED")
    read.refuse()
    return name, sorted(set(request.numbers)), state


def import_query(request: pb.ListImportsRequest) -> ImportQuery:
    """Read which imports to list."""
    read = Violations()
    state = None
    if request.state not in pb.Import.State.values():
        read.add("state", "send a known state")
    elif request.state:
        state = ImportState(pb.Import.State.Name(request.state).removeprefix("STATE_"))
    query = ImportQuery(
        page_size=read.number(
            "page_size", request.page_size, most=PAGE_SIZE_MAX, default=PAGE_SIZE
        ),
        page_token=request.page_token,
        channel=read.word("channel", request.channel, needed=False),
        shop=read.text("shop", request.shop),
        day=_day(read, "day", request.day),
        state=state,
    )
    read.refuse()
    return query


def row_query(request: pb.ListImportRowsRequest) -> RowQuery:
    """Read which rows to list."""
    read = Violations()
    state = None
    if request.state not in pb.ImportRow.State.values():
        read.add("state", "send a known state")
    elif request.state:
        state = RowState(pb.ImportRow.State.Name(request.state).removeprefix("STATE_"))
    query = RowQuery(
        import_id=read.resource("name", request.name, COLLECTION),
        page_size=read.number("page_size", request.page_size, most=ROWS_MAX, default=ROWS),
        page_token=request.page_token,
        state=state,
    )
    read.refuse()
    return query


def expectation(request: pb.ListExpectedFilesRequest) -> tuple[str, ExpectedState | None]:
    """Read which expected files to list."""
    read = Violations()
    state = None
    if request.state not in pb.ExpectedFile.State.values():
        read.add("state", "send a known state")
    elif request.state:
        state = ExpectedState(pb.ExpectedFile.State.Name(request.state).removeprefix("STATE_"))
    feed = read.resource("feed", request.feed, "feeds") if request.feed else ""
    read.refuse()
    return feed, state


def _day(read: Violations, path: str, text: str) -> str:
    if text:
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            read.add(path, "send a day such as 2025-12-28")
    return ""


def _row(read: Violations, path: str, message: pb.ImportRow) -> Row:
    reason = RowReason.FIELD_INVALID
    if not message.reason or message.reason not in pb.ImportRow.Reason.values():
        read.add(f"{path}.reason", "send a known reason")
    else:
        name = pb.ImportRow.Reason.Name(message.reason)
        reason = RowReason(name.removeprefix("REASON_"))
    if message.number < 1:
        read.add(f"{path}.number", "send its number in the file, 1 or more")
    if len(message.text) > TEXT_BYTES_MAX:
        read.add(f"{path}.text", f"send at most {TEXT_BYTES_MAX} bytes")
    return Row(
        number=message.number,
        reason=reason,
        column=read.text(f"{path}.column", message.column),
        order_number=read.text(f"{path}.order_number", message.order_number),
        text=message.text,
        state=RowState.NOTED if reason in SENT else RowState.OPEN,
    )
