"""Who may import whom, as import-linter's contracts in pyproject.toml have it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINT_IMPORTS = Path(sys.executable).parent / "lint-imports"


def test_every_contract_of_imports_is_kept() -> None:
    told = subprocess.run(
        [str(LINT_IMPORTS), "--no-cache"],
        cwd=ROOT, check=False, capture_output=True, text=True, timeout=110,
    )  # fmt: skip

    assert told.returncode == 0, told.stdout
    assert " 0 broken" in told.stdout
