"""Runs the model checker. Needs Spin and a C compiler (`apt install spin gcc`)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

# CI has both; a workstation may not.
needs_spin = pytest.mark.skipif(
    not (shutil.which("spin") and shutil.which("gcc")), reason="spin or gcc is not installed"
)


def check(folder: Path, model: Path, *definitions: str) -> str:
    """Return the checker's report on a model with these rules broken; it works in the folder."""
    flags = [f"-D{name}" for name in definitions]
    shutil.copy(model, folder)
    run(folder, "spin", "-a", *flags, model.name)
    # A broken rule shows after few states: there, compiling takes longer than checking.
    level = "-O0" if definitions else "-O1"
    run(folder, "gcc", level, "-DSAFETY", "-DVECTORSZ=2048", "-o", "pan", "pan.c")
    return run(folder, "./pan", "-m500000", "-n")


def run(folder: Path, *command: str) -> str:
    """Return what a command prints, or fail with it."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"
    return done.stdout
