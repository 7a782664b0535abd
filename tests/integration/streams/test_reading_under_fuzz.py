"""A fuzzer that follows the reader's own branches finds no way to break it, or to keep it busy."""

import json
import subprocess
import sys
from pathlib import Path

from tests.unit.streams.normalising import test_any_bytes, test_any_form

ROOT = Path(__file__).parents[3]
# About 25,000 readings a second: a second or two. Longer runs start with other seeds.
RUNS = 40_000


def test_no_bytes_break_the_reader(tmp_path: Path) -> None:
    known = [encode(fields) for _, encode, fields in test_any_form.GOOD]
    known += [json.dumps(message).encode() for _, message in test_any_bytes.GOOD]
    for number, body in enumerate(known):
        (tmp_path / str(number)).write_bytes(body)

    fuzzed = subprocess.run(
        [
            *(sys.executable, "-m", "tests.integration.streams.fuzzing"),
            *(f"-runs={RUNS}", "-seed=1", "-timeout=5", "-rss_limit_mb=1024", "-max_len=2000"),
            f"-artifact_prefix={tmp_path}/found-",
            str(tmp_path),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert fuzzed.returncode == 0, fuzzed.stderr[-2000:]
