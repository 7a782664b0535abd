"""Writes the pages that are made from code and contract: `make docs`; `--check` only compares.

They are `lifecycle.md`, `invariants.md`, `reference.md`, `workflows.md` and `asyncapi.yaml`. None
of them is edited by hand.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from generating import asyncapi, invariants, lifecycle, reference, workflows

DOCS: Final = Path(__file__).resolve().parent

PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "lifecycle.md": lifecycle.page,
    "invariants.md": invariants.page,
    "reference.md": reference.page,
    "workflows.md": workflows.page,
    "asyncapi.yaml": asyncapi.page,
}


def main(arguments: list[str]) -> int:
    """Write the pages; with `--check` write nothing, and return 1 when one is stale."""
    parser = argparse.ArgumentParser(description="Write the generated pages.")
    parser.add_argument("--check", action="store_true", help="only tell which pages are stale")
    options = parser.parse_args(arguments)
    stale = []
    for name, make in PAGES.items():
        path, text = DOCS / name, make()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not options.check:
            path.write_text(text, encoding="utf-8")
    for name in stale:
        told = "is stale; run `make docs`" if options.check else "written"
        sys.stdout.write(f"docs/{name} {told}\n")
    return 1 if stale and options.check else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
