"""The stack for a storm: its database can be taken away, and its probes keep provider time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

from deploy.local.platforms.control_client import Control
from deploy.local.stack import EmbeddedServers
from tests.system.whole_stack import WholeStack, whole_stack

_SPAN: Final = re.compile(r"\b(\d+(?:\.\d+)?)(ms|s|m|h|d)\b(?=[\],}])")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}

# Spans of every message would be most of the work.
WITHOUT: Final = ("--without", "traffic", "--without", "spans")


@dataclass(frozen=True, slots=True)
class Stormy:
    """A running stack whose database is the test's own."""

    stack: WholeStack
    servers: EmbeddedServers
    control: Control


def scaled_schedules(speed: float) -> str:
    """Return the shipped schedules, each span divided by the speed."""
    shipped = resources.files("service").joinpath("schedules", "probes.yaml").read_text("utf-8")

    def shorter(span: re.Match[str]) -> str:
        return f"{float(span[1]) * _SECONDS[span[2]] / speed:.3f}s"

    lines = [line for line in shipped.splitlines() if not line.lstrip().startswith("#")]
    return _SPAN.sub(shorter, "\n".join(lines)) + "\n"


@contextmanager
def stormy_stack(
    folder: Path, *, speed: float, variables: Mapping[str, str] | None = None
) -> Iterator[Stormy]:
    """Run everything, the platforms' clock and the probes at `speed`, until the block ends."""
    schedules = folder / "probes.yaml"
    schedules.write_text(scaled_schedules(speed))
    with EmbeddedServers(names=["postgres"]) as servers:
        given = {
            "CONCORD_DATABASE_URL": servers.database_url,
            "CONCORD_PROBE_SCHEDULES": str(schedules),
            "CONCORD_CONNECTORS_POLL_S": f"{1 / speed:.3f}",
            "CONCORD_CONNECTORS_PAUSE_MAX_S": f"{30 / speed:.3f}",
            # A worker that was killed keeps for so long what it had claimed.
            "CONCORD_CONNECTORS_LEASE_S": "10",
            "CONCORD_TRACE_SAMPLE_RATIO": "0",
            **(variables or {}),
        }
        with whole_stack(folder, *WITHOUT, variables=given) as stack:
            control = Control(f"http://{stack.address('platforms')}")
            try:
                # By itself the stack loses some notices, for people to look at.
                control.behave(reset=True)
                control.clock(speed)
                yield Stormy(stack, servers, control)
            finally:
                control.close()
