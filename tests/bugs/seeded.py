"""The seeded bugs: each a patch that breaks one rule, and the tests of the project that notice.

A patch begins with what it is about, and `git apply` passes that by:

    Bug: what goes wrong; further lines are indented.
    Caught by: a test by its id; a line for each test, and every one of them must fail.
    Says: what the failures' text contains, so that nothing else passes for the bug; one of
    several, where there are several lines.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PATCHES: Final = Path(__file__).with_name("patches")
_HEAD: Final = re.compile(r"^(Bug|Caught by|Says): (.+(?:\n  .+)*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Bug:
    """One seeded bug."""

    name: str
    patch: Path
    what: str
    caught_by: tuple[str, ...]
    says: tuple[str, ...]


def seeded_bugs() -> list[Bug]:
    """Return them all, by number."""
    return [_read(path) for path in sorted(PATCHES.glob("*.patch"))]


def apply(bug: Bug, tree: Path, *, only_check: bool = False) -> str:
    """Apply the patch to the tree, all of it or nothing; return why it did not apply."""
    # `git apply` takes no context that differs; lines that have moved it does find.
    options = ["--check"] if only_check else []
    done = subprocess.run(
        ["git", "apply", *options, str(bug.patch)],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr if done.returncode else ""


def _read(path: Path) -> Bug:
    head, _, _ = path.read_text(encoding="utf-8").partition("\n--- ")
    told: Mapping[str, list[str]] = {"Bug": [], "Caught by": [], "Says": []}
    for name, text in _HEAD.findall(head):
        told[name].append(" ".join(text.split()) if name == "Bug" else text)
    (what,) = told["Bug"]
    return Bug(path.stem, path, what, tuple(told["Caught by"]), tuple(told["Says"]))
