"""The data folder of a stack: who owns it, what is in it, and who is running on it.

A lock, not a process id, tells whether a stack runs: the kernel lets go of it however the holder
ends, so what a killed stack left behind is never mistaken for a running one.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import secrets
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TextIO

from deploy.local.process import UnusableError

# 192 bits, url-safe: it goes into addresses unescaped.
PASSWORD_BYTES: Final = 24

# Its presence marks a folder as ours, which is what `clean` asks before it deletes anything.
MARKER: Final = "concord.lock"


class DataFolder:
    """Everything a stack keeps between and during runs."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock: TextIO | None = None

    @property
    def logs(self) -> Path:
        """Where the output of the processes goes."""
        return self.path / "logs"

    @property
    def state_file(self) -> Path:
        """What is running, for `status`, `down` and a second `up`."""
        return self.path / "state.json"

    @property
    def environment_file(self) -> Path:
        """The addresses with their passwords, to be read by a shell."""
        return self.path / "environment"

    def open(self) -> None:
        """Make the folder, readable by its owner only.

        Raises:
            UnusableError: it belongs to someone else, or holds something else.
        """
        # 0711 for root: PostgreSQL runs as another account there and must be able to pass.
        mode = 0o711 if os.geteuid() == 0 else 0o700
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._refuse_foreign()
            self.path.chmod(mode)
            self.logs.mkdir(exist_ok=True, mode=0o700)
        except PermissionError as error:
            raise UnusableError(
                f"{self.path} cannot be used by this account{self._owner()}; "
                "set CONCORD_DATA_DIR to a folder of your own"
            ) from error

    def acquire(self) -> bool:
        """Take the stack's lock for as long as this process lives; False if another has it."""
        self._lock = _private(self.path / MARKER)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            self._lock = None
            return False
        return True

    def release(self) -> None:
        """Give the lock back."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def is_in_use(self) -> bool:
        """Whether a stack runs on this folder."""
        marker = self.path / MARKER
        try:
            with marker.open() as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except FileNotFoundError:
            return False
        except PermissionError as error:
            raise UnusableError(
                f"{self.path} cannot be read by this account{self._owner()}; "
                "set CONCORD_DATA_DIR to a folder of your own"
            ) from error
        return False

    def read_state(self) -> dict[str, Any]:
        """Return what the running stack last said of itself; empty if nothing."""
        try:
            state: dict[str, Any] = json.loads(self.state_file.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return state

    def write_state(self, state: Mapping[str, Any]) -> None:
        """Replace the state file as a whole, so that a reader never sees half of one."""
        self._replace(self.state_file, json.dumps(state, indent=2) + "\n")

    def write_environment(self, variables: Mapping[str, str]) -> None:
        """Write the variables so that `. .concord/environment` sets them in a shell."""
        lines = [f"export {name}='{value}'\n" for name, value in sorted(variables.items())]
        self._replace(self.environment_file, "".join(lines))

    def forget_state(self) -> None:
        """Remove what described a running stack."""
        self.state_file.unlink(missing_ok=True)
        self.environment_file.unlink(missing_ok=True)

    def passwords(self, names: Iterable[str]) -> dict[str, str]:
        """Return the servers' passwords, made on first use and kept in a file of mode 0600."""
        path = self.path / "passwords.json"
        kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        missing = [name for name in names if name not in kept]
        if missing:
            kept |= {name: secrets.token_urlsafe(PASSWORD_BYTES) for name in missing}
            self._replace(path, json.dumps(kept, indent=2) + "\n")
        return kept

    def delete(self) -> None:
        """Delete the folder.

        Raises:
            UnusableError: it does not look like one of ours.
        """
        if self.path.exists():
            self._refuse_foreign()
            shutil.rmtree(self.path)

    def _refuse_foreign(self) -> None:
        if any(self.path.iterdir()) and not (self.path / MARKER).exists():
            raise UnusableError(f"{self.path} holds other files; give Concord a folder of its own")

    def _replace(self, path: Path, text: str) -> None:
        draft = path.with_suffix(".draft")
        with _private(draft) as file:
            file.truncate()
            file.write(text)
        draft.replace(path)

    def _owner(self) -> str:
        existing = next(path for path in (self.path, *self.path.parents) if path.exists())
        try:
            return f" (it belongs to {pwd.getpwuid(existing.stat().st_uid).pw_name})"
        except (KeyError, OSError):
            return ""


def _private(path: Path) -> TextIO:
    """Open for writing a file that only its owner may read, from its first moment on."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
