"""The checks of `concord doctor`, each with what to do where it fails."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import sys
import urllib.request
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.error import HTTPError, URLError

from clients.cli import callback_checks, config, formats
from clients.cli.callback_checks_web import Web
from clients.cli.config import Surroundings
from clients.cli.findings import Finding
from clients.sdk import Concord, ConcordError, ConfigError
from clients.sdk.errors import NotFoundError, OutageError
from concord.insights.v1.insight_service_pb2 import StageBoard
from concord.orders.v1.order_pb2 import Order

PYTHON: Final = (3, 11)
# Of one train: grpcio older than the code made from the protos refuses to import.
PACKAGES: Final = ("concord", "grpcio", "protobuf")
SERVICES: Final = (
    "concord.orders.v1.OrderService",
    "concord.intake.v1.IntakeService",
    "concord.cases.v1.CaseService",
    "concord.insights.v1.InsightService",
    "concord.outbox.v1.OutboxService",
)
MINUTE: Final = timedelta(minutes=1)
# The call itself may cross a minute.
CLOCK_OFFSET_MAX: Final = timedelta(seconds=5)
# The relay publishes within milliseconds; a minute means that it does not run.
OUTBOX_AGE_MAX: Final = timedelta(seconds=60)
# Heartbeats come once a second; the watermark trails by the grace of a window.
STREAM_LAG_MAX: Final = timedelta(minutes=2)
# These serve /readyz.
PROBED: Final = frozenset({"service", "relay", "streams", "spans", "gateway", "connectors"})
DISK_FREE_MIN: Final = 1 << 30
# A check must not take longer than a person waits.
CALL_S: Final = 5.0


def examine() -> Iterator[Finding]:
    """Run every check; what cannot be checked without the service is left out."""
    yield python()
    yield versions()
    try:
        around = config.surroundings()
        settings = around.settings(CALL_S)
    except ConfigError as error:
        yield Finding("configuration", False, str(error), "`concord config` shows what is set.")  # noqa: FBT003
        return
    yield Finding("configuration", True, f"service at {settings.address}")  # noqa: FBT003
    yield disk(around.folder)
    if (accounts := around.accounts_file) is not None:
        yield from callback_checks.examine(accounts, around.variables, web=Web(), clock=config.now)
    with Concord(settings.address, timeout_s=CALL_S) as concord:
        found = service(concord)
        yield found
        if not found.passed:
            return
        for check in (services, schema, clock, outbox, view):
            yield _guarded(check, concord)
    yield from processes(around)


def _guarded(check: Callable[[Concord], Finding], concord: Concord) -> Finding:
    """Run a check; a call that fails is its finding."""
    try:
        return check(concord)
    except ConcordError as error:
        return Finding(check.__name__, False, str(error), "See the service's log; try again.")  # noqa: FBT003


def python() -> Finding:
    """Is Python new enough?"""
    return Finding(
        "python",
        sys.version_info >= PYTHON,
        platform.python_version(),
        "Concord needs Python 3.11 or newer: `make setup` with it.",
    )


def versions() -> Finding:
    """Is everything installed, and of one train?"""
    try:
        found = {name: importlib.metadata.version(name) for name in PACKAGES}
    except importlib.metadata.PackageNotFoundError as error:
        return Finding("versions", False, f"{error.name} is not installed", "`make setup`")  # noqa: FBT003
    return Finding("versions", True, ", ".join(f"{k} {v}" for k, v in found.items()))  # noqa: FBT003


def disk(folder: Path) -> Finding:
    """Is there room for the data folder?"""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    return Finding(
        "disk",
        free >= DISK_FREE_MIN,
        f"{free / (1 << 30):.1f} GiB free at {existing}",
        "Make room, or set CONCORD_DATA_DIR to another disk.",
    )


def service(concord: Concord) -> Finding:
    """Does the service answer?"""
    fix = "Is it running? `concord status`; start it with `concord up`."
    try:
        state = concord.health.check().status
    except OutageError as error:
        return Finding("service", False, f"no answer at {concord.address}: {error}", fix)  # noqa: FBT003
    except ConcordError as error:
        return Finding("service", False, str(error), "Is something else at this address?")  # noqa: FBT003
    return Finding("service", state == 1, "serving" if state == 1 else "not serving", fix)


def services(concord: Concord) -> Finding:
    """Is every service of the contract served?"""
    missing = []
    for name in SERVICES:
        try:
            if concord.health.check(name).status != 1:
                missing.append(name)
        except NotFoundError:
            missing.append(name)
    return Finding(
        "services",
        not missing,
        f"not serving: {', '.join(missing)}" if missing else f"{len(SERVICES)} serving",
        "The service may be draining or its database away; see its log.",
    )


def schema(concord: Concord) -> Finding:
    """Does the database answer, and does the server know the same states as this client?"""
    moves = concord.orders.list_transitions().transitions
    known = set(Order.State.values())
    unknown = {n for move in moves for n in (move.from_state, move.to_state) if n not in known}
    next(iter(concord.orders.list(page_size=1)), None)
    return Finding(
        "schema",
        not unknown,
        f"{len(moves)} transitions, orders can be read"
        if not unknown
        else f"the server has states that this client does not know: {sorted(unknown)}",
        "Install the server's version here: `make setup`.",
    )


def clock(concord: Concord) -> Finding:
    """Does this machine's clock agree with the server's?

    The server's time is known to the minute: a board without an end ends with the minute that runs.
    That is fine enough for what goes wrong, a zone taken for another or a clock that nobody sets.
    """
    now = config.now()
    end = formats.moment(concord.insights.get_stage_board().end_time)
    offset = max(timedelta(), now - end, end - now - MINUTE)
    return Finding(
        "clock",
        offset <= CLOCK_OFFSET_MAX,
        f"{f'{formats.rough(offset)} off' if offset else 'agrees with'} the server, "
        f"time zone {now.astimezone():%Z (UTC%z)}",
        "Set the clock by NTP on both machines; naive local times are never accepted.",
    )


def outbox(concord: Concord) -> Finding:
    """Is what was decided published?"""
    found = concord.outbox.get()
    age = found.age.ToTimedelta()
    if found.parked:
        return Finding(
            "outbox",
            False,  # noqa: FBT003
            f"{found.parked} keys are parked",
            "`concord outbox parked`, then `concord outbox resend TOPIC KEY`.",
        )
    return Finding(
        "outbox",
        age <= OUTBOX_AGE_MAX,
        f"{found.backlog:,} wait, the oldest for {formats.rough(age)}",
        "Does the relay run, and the broker? `concord status`.",
    )


def view(concord: Concord) -> Finding:
    """Is the view whole, and does event time move?"""
    fix = "Do the streams run? `concord status`; a restart rebuilds their windows."
    board = concord.insights.get_stage_board()
    if board.source != StageBoard.SOURCE_VIEW:
        return Finding("view", False, "the view is being rebuilt; boards are computed", fix)  # noqa: FBT003
    if not board.watermark.seconds:
        return Finding("view", False, "no event was counted yet", fix)  # noqa: FBT003
    lag = max(timedelta(), config.now() - formats.moment(board.watermark))
    return Finding("view", lag <= STREAM_LAG_MAX, f"complete up to {formats.rough(lag)} ago", fix)


def processes(around: Surroundings) -> Iterator[Finding]:
    """Are the processes of the running stack up, and do they say that they can do their work?"""
    for name, process in around.stack.get("processes", {}).items():
        state = process.get("state", "unknown")
        restarts = f", restarted {process['restarts']} times" if process.get("restarts") else ""
        fix = f"See its log: {process.get('log', around.folder / 'logs')}"
        missing = ""
        if state == "ready" and name in PROBED:
            missing = _missing(around.stack_addresses.get(f"{name}-metrics", ""))
        passed = state in {"ready", "done"} and not missing
        yield Finding(f"process {name}", passed, missing or f"{state}{restarts}", fix)


def _missing(address: str) -> str:
    """Return what a process says it lacks; empty where it can do its work."""
    if not address:
        return ""
    try:
        # The address is our own: the supervisor wrote it.
        with urllib.request.urlopen(f"http://{address}/readyz", timeout=CALL_S):
            return ""
    except HTTPError as error:
        return error.read().decode(errors="replace").strip() or "not ready"
    except (URLError, OSError) as error:
        return f"no answer at {address}: {error}"
