"""`concord file import` killed while it sends, and begun again: every row once, in bounds."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.integration.service.test_imports import HEADER, line, numbers
from tests.integration.service.world import Service

# What the tool may hold of a million rows; measured: 90 MB.
MEMORY_MAX_KIB = 300 * 1024


@pytest.mark.parametrize(
    "rows", [4_000, pytest.param(1_000_000, marks=[pytest.mark.long, pytest.mark.timeout(3_000)])]
)
def test_who_is_killed_while_sending_goes_on_and_loses_no_row(
    service: Service, engine: sa.Engine, tmp_path: Path, rows: int
) -> None:
    (start,) = numbers(1)
    orders = [str(int(start) + at) for at in range(rows // 2)]
    file = tmp_path / "2026-09-22.csv"
    with file.open("w", encoding="gb18030", newline="") as opened:
        opened.write(f"{HEADER}\r\n")
        # The two rows of an order lie as far apart as they can.
        for child in ("1", "2"):
            opened.writelines(f"{line(each, child)}\r\n" for each in orders)
    command = [
        sys.executable, "-m", "clients.cli", "file", "import", str(file),
        "--shop", start, "--work", str(tmp_path / "work"), "--json",
    ]  # fmt: skip
    environ = os.environ | {"CONCORD_SERVICE_ADDRESS": service.address}

    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE) as first:
        while first.poll() is None and not stored(engine, orders[:1_000]):
            time.sleep(0.01)
        first.send_signal(signal.SIGKILL)
    done = subprocess.run(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    )

    told = json.loads(done.stdout)
    assert (told["state"], int(told["counts"]["rows"])) == ("STATE_DONE", rows)
    assert stored(engine, orders) == rows // 2
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < MEMORY_MAX_KIB


def stored(engine: sa.Engine, orders: list[str]) -> int:
    """Return how many receipts there are of these orders."""
    wanted = sa.text(
        "SELECT count(*) FROM receipts WHERE order_hint BETWEEN :first AND :last"
        " AND template = 'douyin.orders.file'"
    )
    with engine.connect() as connection:
        values = {"first": orders[0], "last": orders[-1]}
        return int(connection.execute(wanted, values).scalar_one())
