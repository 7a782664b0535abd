"""Structured logs: one JSON object a line, readable on a terminal, with trace ids, listed fields.

A field that `docs/telemetry.md` does not list is dropped, and its name (never its value) is shown
under `dropped`. Error texts hold values of customers, so an error is logged by type and place.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Sequence
from typing import Final

import structlog
from opentelemetry import trace
from structlog.typing import EventDict, Processor, WrappedLogger

FIELDS: Final = frozenset(
    {
        "account", "address", "agent", "attempt", "batch", "case", "channel", "code", "count",
        "dropped", "duration_s", "epoch", "error", "error_at", "event", "event_id", "feed", "from",
        "invariant", "kind", "lag", "level", "limit", "logger", "method", "migration", "n",
        "offset", "order", "outcome", "partition", "partitions", "problem", "problems",
        "provider", "reason", "receipt", "refusal", "refusals", "repeats", "rows", "service",
        "serving", "shard", "signal", "source", "span_id", "state", "subject", "template",
        "timestamp", "to", "topic", "trace_id", "type", "version", "wait_s",
    }
)  # fmt: skip
# These speak of every failed export, and repeat it: a collector that is down is not our news.
SILENT: Final = ("opentelemetry", "grpc._channel")
INNERMOST_FRAMES: Final = 12


def configure_logs(level: str) -> None:
    """Send our events, and warnings of libraries, to stderr in one shape."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_trace,
        shorten_error,
        allow_listed,
    ]
    renderer: Processor = structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    if sys.stderr.isatty():
        renderer = structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[name_library_event, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    for name in SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def add_trace(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Add the ids of the trace in which the line was written."""
    at = trace.get_current_span().get_span_context()
    if at.is_valid:
        event["trace_id"], event["span_id"] = f"{at.trace_id:032x}", f"{at.span_id:016x}"
    return event


def name_library_event(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Name a library's line by where it was written: its text may hold anything."""
    record: logging.LogRecord = event["_record"]
    event["event"] = "library_message"
    event["logger"] = f"{record.name}:{record.funcName}:{record.lineno}"
    if record.exc_info:
        event["exc_info"] = record.exc_info
    return event


def shorten_error(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Turn an exception into its types, outermost first, and the places it came through."""
    given = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()[1]
    elif isinstance(given, tuple):
        given = given[1]
    if isinstance(given, BaseException):
        event["error"] = " from ".join(_types(given))
        event["error_at"] = places(traceback.extract_tb(given.__traceback__))
    elif isinstance(event.get("error"), BaseException):
        event["error"] = " from ".join(_types(event["error"]))
    return event


def _types(error: BaseException) -> list[str]:
    chain: list[str] = []
    at: BaseException | None = error
    while at is not None and len(chain) < INNERMOST_FRAMES:
        chain.append(type(at).__qualname__)
        at = at.__cause__ or at.__context__
    return chain


def places(frames: Sequence[traceback.FrameSummary]) -> list[str]:
    """Return the places of the innermost frames, the outermost of them first."""
    innermost = frames[-INNERMOST_FRAMES:]
    return [
        f"{'/'.join(one.filename.split('/')[-3:])}:{one.lineno} {one.name}" for one in innermost
    ]


def allow_listed(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Drop fields that are not listed, and say which."""
    dropped = sorted(key for key in event if key not in FIELDS and not key.startswith("_"))
    for key in dropped:
        del event[key]
    if dropped:
        event["dropped"] = dropped
    return event
