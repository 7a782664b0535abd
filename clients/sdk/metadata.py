"""What travels beside a request: who asks, and in which trace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

TRACE_CONTEXT: Final = TraceContextTextMapPropagator()

# Printable ASCII, which is all that a gRPC header carries; the rest goes percent-encoded.
PLAIN: Final = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")


@dataclass(frozen=True)
class Identity:
    """Who asks; goes into the journal. Empty parts are not sent."""

    actor: str = ""
    role: str = ""
    source: str = ""


ANYBODY: Final = Identity()


def headers(identity: Identity) -> tuple[tuple[str, str], ...]:
    """Return the caller's headers and the current trace context, exactly once."""
    who = (
        ("concord-actor", identity.actor),
        ("concord-role", identity.role),
        ("concord-source", identity.source),
    )
    carrier: dict[str, str] = {}
    TRACE_CONTEXT.inject(carrier)
    return tuple((key, quote(value, safe=PLAIN)) for key, value in who if value) + tuple(
        carrier.items()
    )
