"""`python -m benchmarks.importing`: a file of orders imported, beside a bare COPY of the same file.

COPY takes the file as it is into one table of texts, without an index, in one statement: it finds
out nothing about it. `concord file import` knows its kind and encoding by itself, brings the two
rows of each order together, which lie as far apart as they can, and has a receipt for each order
stored and published.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg2

from benchmarks.ratios import Ratio, Size, table
from benchmarks.serving import Serving, serving

ROWS: Final = {Size.SMALL: 4_000, Size.FULL: 1_000_000}
ROWS_OF_AN_ORDER: Final = 2
FIRST_ORDER: Final = 6_917_930_000_000_000_001
KIB_IN_MIB: Final = 1024
COLUMNS: Final = (
    *("主订单编号", "子订单编号", "选购商品", "商品规格", "商品数量", "商家编码", "订单应付金额"),
    *("运费", "优惠总金额", "收件人", "收件人手机号", "省", "市", "区", "详细地址", "订单提交时间"),
    *("支付完成时间", "发货时间", "订单完成时间", "订单状态", "售后状态", "买家留言"),
)


@dataclass(frozen=True)
class Imported:
    """What an import took: seconds, processor time and memory of the tool."""

    took_s: float
    cpu_s: float
    memory_mib: int


def measure(size: Size) -> list[Ratio]:
    """Copy a file, and import it."""
    rows = ROWS[size]
    with serving() as world:
        file = world.folder / "2026-09-22.csv"
        _write(file, rows)
        # In turns, the second copy behind the import: the disk is the same for both.
        before_s = _copy(world, file, rows)
        spending = world.spending()
        with spending.counted():
            imported = _import(world, file, rows)
        copied_s = (before_s + _copy(world, file, rows)) / 2
        size_mib = file.stat().st_size / KIB_IN_MIB**2
    note = (
        f"{rows:,} rows, {size_mib:,.0f} MiB, {ROWS_OF_AN_ORDER} an order;"
        f" {imported.memory_mib} MiB held at most; {spending.note(rows)}"
    )
    return [
        Ratio(
            *("rows of a file imported", "COPY of the same file"),
            *(rows / imported.took_s, rows / copied_s),
            ours_cpu_us=imported.cpu_s / rows * 1e6,
            note=note,
        )
    ]


def _write(path: Path, rows: int) -> None:
    orders = range(FIRST_ORDER, FIRST_ORDER + rows // ROWS_OF_AN_ORDER)
    with path.open("w", encoding="utf-8", newline="") as opened:
        opened.write(",".join(COLUMNS) + "\r\n")
        for child in range(ROWS_OF_AN_ORDER):
            opened.writelines(
                f'"\t{order}","\t{order}{child}","\t香辣牛肉酱 210g*2",口味:香辣,1,'
                f"SKU-{order % 500:03},28.90,0.00,3.00,李*明,138****{order % 10_000:04},浙江省,"
                f"杭州市,西湖区,****路{order % 900}号,2026-09-22 00:54:10,2026-09-22 00:54:30,"
                "2026-09-22 12:00:00,-,已发货,-,\r\n"
                for order in orders
            )


def _copy(world: Serving, path: Path, rows: int) -> float:
    """Return the seconds that COPY takes, its commit included."""
    texts = ", ".join(f'"{name}" text' for name in COLUMNS)
    world.rows("DROP TABLE IF EXISTS bare_file")
    world.rows(f"CREATE TABLE bare_file ({texts})")
    with closing(psycopg2.connect(world.admin_url)) as connection, path.open("rb") as opened:
        cursor = connection.cursor()
        began = time.perf_counter()
        cursor.copy_expert("COPY bare_file FROM STDIN WITH (FORMAT csv, HEADER)", opened)
        connection.commit()
        took_s = time.perf_counter() - began
        if cursor.rowcount != rows:
            raise RuntimeError(f"COPY took {cursor.rowcount} of {rows} rows")
    return took_s


def _import(world: Serving, path: Path, rows: int) -> Imported:
    """Import it as a person does, and return what that took; every order must be stored."""
    command = [
        *(sys.executable, "-m", "clients.cli", "file", "import", str(path), "--json"),
        *("--shop", "flagship", "--work", str(world.folder / "work")),
    ]
    environ = os.environ | {"CONCORD_SERVICE_ADDRESS": world.service.address}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    ran = subprocess.run(  # noqa: S603  # Our own program.
        command, env=environ, capture_output=True, text=True, check=False
    )
    took_s = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if ran.returncode:
        raise RuntimeError(f"concord file import: {ran.stderr[-2000:]}")
    stored = int(json.loads(ran.stdout)["counts"]["stored"])
    if stored != rows // ROWS_OF_AN_ORDER:
        raise RuntimeError(f"{stored} of {rows // ROWS_OF_AN_ORDER} orders stored")
    used_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Imported(took_s, used_s, after.ru_maxrss // KIB_IN_MIB)


if __name__ == "__main__":
    sys.stdout.write(table(measure(Size.FULL)) + "\n")
