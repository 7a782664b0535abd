"""Runs a rival: ours to compare with in an environment of its own, made at the first use and kept.

Its packages are pinned in `requirements.txt`; nothing of Concord depends on them. Where they cannot
be installed, the row of the table says so.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import concord

ROOT: Final = Path(__file__).resolve().parents[2]
REQUIREMENTS: Final = Path(__file__).with_name("requirements.txt")
# Beside what else is built; git ignores it.
FOLDER: Final = ROOT / "build" / "rivals"
INSTALLED_WITHIN_S: Final = 300.0
DONE_WITHIN_S: Final = 900.0


class NotToBeHadError(Exception):
    """The rival could not be installed, or did not do its work; the text says why."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a rival says that it did."""

    count: int
    wall_s: float
    cpu_s: float
    windows: int

    @property
    def rate(self) -> float:
        """Records a second."""
        return self.count / self.wall_s

    @property
    def cpu_us(self) -> float:
        """Processor time of a record."""
        return self.cpu_s / self.count * 1e6


def python() -> str:
    """Return the rivals' Python, with everything installed."""
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    stamp, interpreter = FOLDER / "installed", FOLDER / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != wanted:
        uv = str(Path(sys.executable).with_name("uv"))
        _install([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(FOLDER)])
        install = [uv, "pip", "install", "--quiet", "--python", str(interpreter)]
        _install([*install, "--requirement", str(REQUIREMENTS)])
        stamp.write_text(wanted)
    return str(interpreter)


def run(module: str, *arguments: object, interpreter: str | None = None) -> Told:
    """Run a module of this package, and return what it told."""
    return _told(f"benchmarks.rivals.{module}", arguments, interpreter or sys.executable)


def run_ours(module: str, *arguments: object) -> Told:
    """Run a module beside this package, and return what it told."""
    return _told(f"benchmarks.{module}", arguments, sys.executable)


def _told(module: str, arguments: Sequence[object], interpreter: str) -> Told:
    done = subprocess.run(  # noqa: S603  # Our own programs.
        [interpreter, "-m", module, *map(str, arguments)],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(concord.__path__[0]).parent)},
        capture_output=True,
        text=True,
        timeout=DONE_WITHIN_S,
        check=False,
    )
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise NotToBeHadError(f"{module} ended with {done.returncode}: {last}")
    return Told(**json.loads(lines[-1]))


def versions() -> dict[str, str]:
    """Return the pinned versions of the rivals themselves."""
    pins = dict(line.split("==") for line in REQUIREMENTS.read_text().split() if "==" in line)
    return {name: pins[name] for name in ("quixstreams", "bytewax")}


def _install(command: list[str]) -> None:
    done = subprocess.run(  # noqa: S603  # uv.
        command, capture_output=True, text=True, timeout=INSTALLED_WITHIN_S, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        raise NotToBeHadError(f"the rivals cannot be installed: {last}")
