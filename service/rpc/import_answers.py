"""Writes files, their rows and what is expected as messages."""

from typing import Final

from concord.imports.v1 import import_service_pb2 as pb
from service.domain.imports.expecting import ExpectedFile
from service.domain.imports.files import Import, Kept, Row
from service.wire import timestamp

COLLECTION: Final = "imports"


def import_message(found: Import, kept: Kept) -> pb.Import:
    """Return an import, and how far it is."""
    file, reached = found.file, found.reached
    message = pb.Import(
        name=f"{COLLECTION}/{found.import_id}",
        channel=file.channel,
        shop=file.shop,
        template=file.template,
        day=file.day,
        state=pb.Import.State.Value(f"STATE_{found.state.value}"),
        file_name=file.file_name,
        digest=file.digest,
        size_bytes=file.size_bytes,
        encoding=found.encoding,
        delimiter=found.delimiter,
        counts=pb.ImportCounts(
            rows=reached.rows,
            orders=reached.orders,
            stored=reached.stored,
            repeated=reached.repeated,
            passed=reached.passed,
            open=kept.open,
            fixed=kept.fixed,
            dropped=kept.dropped,
            noted=kept.noted,
        ),
        notes=found.notes,
        columns=found.columns,
        problem=found.problem,
        actor=found.actor,
        arrivals=found.arrivals,
        begin_time=timestamp(found.begun_at),
    )
    if found.ended_at:
        message.end_time.CopyFrom(timestamp(found.ended_at))
    return message


def row_message(row: Row) -> pb.ImportRow:
    """Return a kept row."""
    message = pb.ImportRow(
        number=row.number,
        reason=pb.ImportRow.Reason.Value(f"REASON_{row.reason.value}"),
        column=row.column,
        order_number=row.order_number,
        text=row.text,
        state=pb.ImportRow.State.Value(f"STATE_{row.state.value}"),
        settler=row.settler,
    )
    if row.settled_at:
        message.settle_time.CopyFrom(timestamp(row.settled_at))
    return message


def expected_message(file: ExpectedFile) -> pb.ExpectedFile:
    """Return an expected file."""
    message = pb.ExpectedFile(
        feed=f"feeds/{file.feed_id}",
        day=file.day.isoformat(),
        channel=file.channel,
        shop=file.shop,
        template=file.template,
        due_time=timestamp(file.due_at),
        state=pb.ExpectedFile.State.Value(f"STATE_{file.state.value}"),
        brought_by=f"{COLLECTION}/{file.import_id}" if file.import_id else "",
    )
    if file.missed_at:
        message.miss_time.CopyFrom(timestamp(file.missed_at))
    return message
