"""Becomes the program it is given, tied to its parent's life: if the supervisor dies, so does it.

1. Drop to the given user; changing the user would clear what step 2 asks for.
2. Ask the kernel for a signal at the parent's death (Linux only; elsewhere an orphan is found and
   ended by the next `up`, `down` or `clean`).
3. Leave if the parent died before step 2.
4. Exec.

Run by path with `python -I -S`, so that it costs 15 ms and imports nothing of ours.
"""

from __future__ import annotations

import contextlib
import os
import sys

PR_SET_PDEATHSIG = 1
EXIT_PARENT_GONE = 125
EXIT_NOT_EXECUTABLE = 127


def main(arguments: list[str]) -> None:
    """Run `PARENT_PID DEATH_SIGNAL UID GID PROGRAM [ARGUMENT …]`; a uid of -1 changes no user."""
    parent, death_signal, uid, gid = (int(argument) for argument in arguments[:4])
    program = arguments[4:]

    os.umask(0o077)
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)

    # Imported late and allowed to fail: a system without prctl still runs the stack.
    with contextlib.suppress(ImportError, OSError, AttributeError):
        import ctypes  # noqa: PLC0415  # The reason is the line above.

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)

    if os.getppid() != parent:
        sys.exit(EXIT_PARENT_GONE)

    try:
        os.execvp(program[0], program)  # noqa: S606  # Becoming the program is the purpose.
    except OSError as error:
        sys.exit(f"cannot run {program[0]}: {error.strerror} ({EXIT_NOT_EXECUTABLE})")


if __name__ == "__main__":
    main(sys.argv[1:])
