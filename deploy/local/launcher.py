"""Becomes the program it is given, tied to its parent's life: if the supervisor dies, so does it.

1. Show folders at other paths, to this process and its children only, if asked to (`placement`).
2. Drop to the given user; changing the user would clear what step 3 asks for.
3. Ask the kernel for a signal at the parent's death (Linux only).
4. Leave if the parent died before step 3.
5. Exec.

Run by path, not as a module; `process.tied` makes its command line.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
CLONE_NEWNS = 0x20000
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_BIND = 0x1000
MS_REC_PRIVATE = 0x4000 | 0x40000

EXIT_PARENT_GONE = 125


def main(arguments: list[str]) -> None:
    """Run `SETTINGS PROGRAM [ARGUMENT …]`, the settings being JSON."""
    settings = json.loads(arguments[0])
    program = arguments[1:]
    libc = ctypes.CDLL(None, use_errno=True)

    os.umask(0o077)
    if settings["view"]:
        show(libc, Path(settings["view_at"]), settings["view"])
    if settings["user"]:
        os.setgroups([])
        os.setgid(settings["user"][1])
        os.setuid(settings["user"][0])

    if sys.platform == "linux":
        libc.prctl(PR_SET_PDEATHSIG, settings["death_signal"])
    if os.getppid() != settings["parent"]:
        sys.exit(EXIT_PARENT_GONE)

    try:
        os.execvp(program[0], program)  # noqa: S606  # Becoming the program is the purpose.
    except OSError as error:
        sys.exit(f"cannot run {program[0]}: {error.strerror}")


def show(libc: ctypes.CDLL, at: Path, view: dict[str, str]) -> None:
    """Mount each folder under its name below `at`, in a mount namespace of this process's own."""
    check(libc.unshare(CLONE_NEWNS), "unshare")
    check(libc.mount(b"none", b"/", None, MS_REC_PRIVATE, None), "mount /")
    options = b"mode=755,size=64k"
    where = os.fsencode(at)
    check(libc.mount(b"tmpfs", where, b"tmpfs", MS_NOSUID | MS_NODEV, options), f"mount {at}")
    for name, folder in view.items():
        (at / name).mkdir()
        source, target = os.fsencode(folder), os.fsencode(at / name)
        check(libc.mount(source, target, None, MS_BIND, None), f"mount {folder}")


def check(result: int, what: str) -> None:
    """Exit when a call of the C library failed."""
    if result != 0:
        sys.exit(f"{what}: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    main(sys.argv[1:])
