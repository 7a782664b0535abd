"""`concord file import` killed while it reads and sends, and begun again: each row once."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.integration.service.test_imports import HEADER, line, numbers
from tests.integration.service.world import Service

# What the tool may hold of a million rows; measured: 120 MB.
MEMORY_MAX_KIB = 300 * 1024
LOOK_EVERY_S = 0.05


@pytest.mark.parametrize(
    ("rows", "kill_at"),
    [
        (4_000, (0.25,)),
        pytest.param(
            1_000_000,
            (0.0, 0.001, 0.3, 0.6, 0.95),
            marks=[pytest.mark.long, pytest.mark.timeout(7_200)],
        ),
    ],
)
def test_who_is_killed_again_and_again_loses_and_doubles_no_row(
    service: Service, engine: sa.Engine, tmp_path: Path, rows: int, kill_at: tuple[float, ...]
) -> None:
    (start,) = numbers(1)
    orders = [str(int(start) + at) for at in range(rows // 2)]
    file = tmp_path / "2026-09-22.csv"
    with file.open("w", encoding="gb18030", newline="") as opened:
        opened.write(f"{HEADER}\r\n")
        # The two rows of an order lie as far apart as they can.
        for child in ("1", "2"):
            opened.writelines(f"{line(each, child)}\r\n" for each in orders)
    work = tmp_path / "work"
    command = [
        sys.executable, "-m", "clients.cli", "file", "import", str(file),
        "--shop", start, "--work", str(work), "--json",
    ]  # fmt: skip
    environ = os.environ | {"CONCORD_SERVICE_ADDRESS": service.address}

    base = position(engine)
    for share in kill_at:
        if share:
            kill_when(command, environ, partial(has_come, engine, base + share * len(orders)))
        else:
            kill_when(command, environ, lambda: any(work.glob("*.reading")))
    told, peak_kib = ended(command, environ)

    assert (told["state"], int(told["counts"]["rows"])) == ("STATE_DONE", rows)
    assert int(told["counts"]["orders"]) == rows // 2
    assert stored(engine, orders) == rows // 2
    assert rows_stored(engine, orders) == rows
    assert 0 < peak_kib < MEMORY_MAX_KIB


def kill_when(command: list[str], environ: Mapping[str, str], is_time: Callable[[], bool]) -> None:
    """Start it, and kill it in the middle of what it does."""
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL) as importing:
        while importing.poll() is None and not is_time():
            time.sleep(LOOK_EVERY_S)
        importing.send_signal(signal.SIGKILL)
    assert importing.returncode == -signal.SIGKILL


def ended(command: list[str], environ: Mapping[str, str]) -> tuple[Any, int]:
    """Let it end by itself; return what it says, and what it held in memory at most."""
    with subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as importing:
        peak_kib, said = 0, None
        while said is None:
            try:
                said, _ = importing.communicate(timeout=LOOK_EVERY_S)
            except subprocess.TimeoutExpired:
                peak_kib = max(peak_kib, held_kib(importing.pid))
    assert importing.returncode == 0
    return json.loads(said), peak_kib


def held_kib(pid: int) -> int:
    """Return what a process has held at most, since it is this program.

    What waiting for it would tell begins with what we held when we started it.
    """
    told = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmHWM:\s+(\d+) kB$", told, re.MULTILINE)
    return int(found[1]) if found else 0


def has_come(engine: sa.Engine, wanted: float) -> bool:
    return position(engine) >= wanted


def position(engine: sa.Engine) -> int:
    """Return how many receipts there are, roughly: stored ones are numbered."""
    with engine.connect() as connection:
        wanted = sa.text("SELECT coalesce(max(position), 0) FROM receipts")
        return int(connection.execute(wanted).scalar_one())


def stored(engine: sa.Engine, orders: list[str]) -> int:
    """Return how many receipts there are of these orders."""
    wanted = sa.text(
        "SELECT count(*) FROM receipts WHERE order_hint BETWEEN :first AND :last"
        " AND template = 'douyin.orders.file'"
    )
    with engine.connect() as connection:
        values = {"first": orders[0], "last": orders[-1]}
        return int(connection.execute(wanted, values).scalar_one())


def rows_stored(engine: sa.Engine, orders: list[str]) -> int:
    """Return how many rows of the file these receipts hold."""
    wanted = sa.text(
        "SELECT sum((length(told) - length(replace(told, :column, ''))) / length(:column))"
        " FROM (SELECT encode(event, 'hex') AS told FROM receipts"
        " WHERE order_hint BETWEEN :first AND :last AND template = 'douyin.orders.file') AS events"
    )
    column = '"子订单编号":'.encode().hex()
    with engine.connect() as connection:
        # A gigabyte is looked through once.
        connection.execute(sa.text("SET LOCAL statement_timeout = '10min'"))
        values = {"first": orders[0], "last": orders[-1], "column": column}
        return int(connection.execute(wanted, values).scalar_one())
