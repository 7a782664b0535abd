"""`make bugs`: breaks one rule at a time in a copy of the tree, and sees whether its tests notice.

Who trusts tests must have seen them fail. Each bug of `patches/` is applied to a copy of its own,
where the tests that it names must fail, and for its sake; in a copy without any bug all of these
tests must pass. Ends with 1 if a bug is not caught. Numbers or names choose some of them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

from tests.bugs.seeded import Bug, apply, seeded_bugs
from tests.bugs.suites import missed, run
from tests.bugs.trees import copied

# One for each core of the smallest machine that we test on.
AT_A_TIME: Final = 2


def main(arguments: Sequence[str]) -> int:
    """Try the bugs, print a table, and return 1 if one was not caught."""
    parser = argparse.ArgumentParser(prog="make bugs", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("names", nargs="*", help="numbers or names of bugs; all without any")
    names = tuple(parser.parse_args(arguments).names)
    bugs = [each for each in seeded_bugs() if not names or each.name.startswith(names)]
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="concord-bugs-") as folder,
        ThreadPoolExecutor(AT_A_TIME) as threads,
    ):
        without_any = threads.submit(check_without, bugs, Path(folder))
        tried = list(threads.map(partial(check, folder=Path(folder)), bugs))
        fault = without_any.result()
    width = max((len(each.name) for each in bugs), default=0)
    for bug, why in zip(bugs, tried, strict=True):
        write(f"{bug.name.ljust(width)}  {f'NOT CAUGHT: {why}' if why else 'caught'}")
    caught = tried.count("")
    write(f"{caught} of {len(bugs)} caught, in {time.monotonic() - began:.0f} s")
    if fault:
        write(f"Without any bug these do not pass:\n{fault}")
    return int(bool(fault) or caught < len(bugs) or not bugs)


def check(bug: Bug, folder: Path) -> str:
    """Return why the bug counts as not caught; nothing if it was."""
    tree = copied(folder / bug.name)
    tree.refuse_other_code()
    refused = apply(bug, tree.folder)
    return f"does not apply: {refused}" if refused else missed(bug, run(tree, bug.caught_by))


def check_without(bugs: Sequence[Bug], folder: Path) -> str:
    """Return which tests do not pass where no bug is."""
    tree = copied(folder / "clean")
    tree.refuse_other_code()
    tests = sorted({test for bug in bugs for test in bug.caught_by})
    told = run(tree, tests)
    passed = {test for test, each in told.items() if each.ending == "passed"}
    return "\n".join(f"{each}: {told.get(each)}" for each in tests if each not in passed)


def write(line: str) -> None:
    """Write a line of the table."""
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
