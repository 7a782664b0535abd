"""Copies of the tree: processes that run in one take their code from it, and from nowhere else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
GENERATED: Final = Path("protos", "gen")
# A suite takes seconds; one that hangs for the bug's sake ends with its own timeout before.
ENDS_WITHIN_S: Final = 200

# Every Python process reads this file when it starts. The environment's own way to the code leads
# to the original, where nothing is broken: without it, what the copy lacks is an import error.
_CUT: Final = """\
import os
import sys

sys.path[:] = [each for each in sys.path if os.path.realpath(each) not in {original!r}]
"""
_TELL: Final = """
import clients, deploy, service, streams
from concord.orders.v1 import order_pb2
print(clients.__file__, deploy.__file__, service.__file__, streams.__file__, order_pb2.__file__)
"""
_CHILD: Final = """
import subprocess, sys
subprocess.run([sys.executable, *sys.argv[1:]], check=True)
"""


@dataclass(frozen=True, slots=True)
class Tree:
    """A copy of the code, and of what is made from its contract."""

    folder: Path

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the tree, on the tree's code."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=ENDS_WITHIN_S,
            check=False,
        )

    def refuse_other_code(self) -> None:
        """Raise unless processes here, and those that they start, import from here."""
        for arguments in (["-c", _TELL], ["-c", _CHILD, "-c", _TELL]):
            told = self.python(*arguments)
            found = told.stdout.split()
            if len(found) != 5 or not all(Path(each).is_relative_to(self.folder) for each in found):
                raise RuntimeError(f"the code in use is not the copy's: {told}")

    def environment(self) -> Mapping[str, str]:
        """Return the environment of processes that take their code from here, wherever they run."""
        first = (self._cut, self.folder, self.folder / GENERATED)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        return {**kept, "PYTHONPATH": os.pathsep.join(map(str, first)), "PYTHONSAFEPATH": "1"}

    @property
    def _cut(self) -> Path:
        return self.folder / ".cut"


def copied(folder: Path) -> Tree:
    """Copy the tree to a folder that is not there yet."""
    kinds = ("--cached", "--others", "--exclude-standard")
    told = subprocess.run(
        ["git", "ls-files", "-z", *kinds], cwd=ROOT, check=True, capture_output=True, text=True
    )
    names = [Path(each) for each in told.stdout.split("\0") if each and (ROOT / each).is_file()]
    for within in {each.parent for each in names}:
        (folder / within).mkdir(parents=True, exist_ok=True)
        # Compiled code is used where its source is as old and as long as it was: not a bug's.
        if (compiled := ROOT / within / "__pycache__").is_dir():
            unfinished = shutil.ignore_patterns("*.pyc.*")
            shutil.copytree(compiled, folder / within / "__pycache__", ignore=unfinished)
    for name in names:
        shutil.copy2(ROOT / name, folder / name)
    shutil.copytree(ROOT / GENERATED, folder / GENERATED)
    return _cut_off(folder)


def committed(folder: Path, commit: str) -> Tree:
    """Put the tree of a commit into a folder that is not there yet, with the code that it makes."""
    folder.mkdir()
    packed = folder / "tree.tar"
    archive = ["git", "archive", "--output", str(packed), commit]
    subprocess.run(archive, cwd=ROOT, check=True, capture_output=True)
    with tarfile.open(packed) as tree:
        tree.extractall(folder, filter="data")
    packed.unlink()
    made = _cut_off(folder)
    told = made.python(str(folder / "protos" / "build_hook.py"))
    if told.returncode:
        raise RuntimeError(f"the contract of {commit} makes no code: {told}")
    return made


def _cut_off(folder: Path) -> Tree:
    cut = folder / ".cut" / "sitecustomize.py"
    cut.parent.mkdir()
    original = {os.path.realpath(each) for each in (ROOT, ROOT / GENERATED)}
    cut.write_text(_CUT.format(original=original), encoding="utf-8")
    return Tree(folder)
