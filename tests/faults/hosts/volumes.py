"""Volumes of the test's host that can be full: small, in memory, one for tables and one for WAL."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

MIB: Final = 1 << 20
# A fresh cluster has 40 MiB of tables; WAL comes in files of 16 MiB.
TABLES_MIB: Final = 128
WAL_MIB: Final = 128
# Root hands PostgreSQL to another account, which must be able to pass.
OTHERS_MAY_PASS: Final = 0o711


@contextmanager
def mounted(folder: Path, size_mib: int) -> Iterator[None]:
    """Have an empty volume of this size there, on the test's host alone."""
    folder.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m,mode=711", "none", str(folder)],
        check=True,
        capture_output=True,
    )
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)


def move_wal(cluster: Path, volume: Path) -> None:
    """Move the WAL of a cluster that does not run to a volume of its own."""
    wal = cluster / "pg_wal"
    moved = volume / "pg_wal"
    owner = wal.stat()
    shutil.copytree(wal, moved)
    for each in (moved, *moved.rglob("*")):
        shutil.chown(each, owner.st_uid, owner.st_gid)
    shutil.rmtree(wal)
    wal.symlink_to(moved)


@contextmanager
def filled(volume: Path) -> Iterator[None]:
    """Let nothing be left of a volume for as long as the block lasts."""
    ballast = volume / "ballast"
    with ballast.open("wb") as file, suppress(OSError):
        while True:
            file.write(bytes(MIB))
            file.flush()
    try:
        yield
        assert shutil.disk_usage(volume).free < MIB, "the volume was not full: the fault was none"
    finally:
        ballast.unlink()
