"""The relay's protocol holds in every interleaving, and each of its rules is needed.

Needs Spin and a C compiler (`apt install spin gcc`); CI has them, a workstation may not.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

MODEL = Path(__file__).with_name("relay.pml")

pytestmark = pytest.mark.skipif(
    not (shutil.which("spin") and shutil.which("gcc")), reason="spin or gcc is not installed"
)


def check(folder: Path, *definitions: str) -> str:
    """Return the checker's report on the model with these rules broken."""
    flags = [f"-D{name}" for name in definitions]
    run(folder, "spin", "-a", *flags, str(MODEL))
    run(folder, "gcc", "-O2", "-DSAFETY", "-DVECTORSZ=2048", "-o", "pan", "pan.c")
    return run(folder, "./pan", "-m500000", "-n")


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def test_every_message_is_applied_once_and_in_order(tmp_path: Path) -> None:
    report = check(tmp_path)

    # 2.7 million states with two faults; three faults are 20 times as many.
    assert "errors: 0" in report
    assert "max search depth too small" not in report


@pytest.mark.parametrize("rule", ["WITHOUT_GUARD", "WITHOUT_PREFIX", "MARK_FIRST"])
def test_without_any_one_rule_the_checker_finds_a_failure(tmp_path: Path, rule: str) -> None:
    assert "errors: 1" in check(tmp_path, rule)
