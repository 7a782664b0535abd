"""Writes what was done about an order as messages."""

from concord.cases.v1.handling_pb2 import HandlingEntry
from service.application.reading import HandlingLine
from service.wire import timestamp


def handling_entry(line: HandlingLine) -> HandlingEntry:
    """Return one line of what was done about an order."""
    return HandlingEntry(
        case=f"cases/{line.case_id}",
        case_type=line.case_type,
        act=line.act,
        step=line.step,
        actor=line.actor,
        role=line.role,
        address=line.address,
        act_time=timestamp(line.at),
        text=line.text,
        document=line.document,
        automatic=line.is_automatic,
    )
