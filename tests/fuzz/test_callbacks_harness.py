"""A bounded run of the coverage-guided fuzzer over every verifier and parser of callbacks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.clients.providers.test_fuzz_callbacks import GENUINE

ROOT = Path(__file__).parents[2]
# Some ten seconds on the smallest machine; a longer search is the same command with more runs.
RUNS = 30_000
# A process that we begin ourselves has held as much memory as we do, which the fuzzer would count:
# the child of a small one has not.
AFRESH = ("/bin/sh", "-c", '"$@"; exit $?', "sh")


def fuzz(folder: Path, *options: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the harness, from the bodies of genuine calls on."""
    seeds = folder / "seeds"
    seeds.mkdir()
    for number, (_, call) in enumerate(GENUINE):
        for target in range(16):
            headers = "\n".join(call.headers.values()).encode()
            seed = bytes([target]) + (headers + b"\n\n" if target < 6 else b"") + call.body
            (seeds / f"{number}-{target}").write_bytes(seed)
    return subprocess.run(
        [
            *AFRESH, sys.executable, "-m", "tests.fuzz.callbacks_harness", str(seeds), "-seed=1",
            "-max_total_time=60", f"-artifact_prefix={folder}/", "-print_final_stats=1", *options,
        ],
        cwd=ROOT, env={**os.environ, **environ},
        capture_output=True, text=True, check=False, timeout=110,
    )  # fmt: skip


@pytest.mark.slow
def test_no_input_breaks_a_verifier_or_is_believed(tmp_path: Path) -> None:
    told = fuzz(tmp_path, f"-runs={RUNS}", "-max_len=4096")

    assert told.returncode == 0, told.stdout[-4000:] + told.stderr[-4000:]
    assert f"stat::number_of_executed_units: {RUNS}" in told.stderr


def test_the_harness_ends_at_a_defect(tmp_path: Path) -> None:
    told = fuzz(tmp_path, "-runs=8000", PLANTED_DEFECT="\x01")

    assert told.returncode != 0
    assert "AcceptedError: planted" in told.stdout + told.stderr
