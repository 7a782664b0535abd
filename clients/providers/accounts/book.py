"""Keeps the accounts as the file and its keys are at the moment: keys roll without a restart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from threading import Lock
from typing import Final

from clients.providers.accounts.loading import Accounts, AccountsError, read

# A second: a look at a dozen files costs less than one signature, and no callback waits for it.
CHECK_EVERY_S: Final = 1.0


class AccountBook:
    """The accounts, read again when a file has changed; threads may share it.

    A change that cannot be used leaves the last good accounts in place and is told in `problems`,
    until the files are right again. What a variable holds is fixed for the life of the process.
    """

    def __init__(
        self, path: Path, environ: Mapping[str, str], monotonic: Callable[[], float]
    ) -> None:
        """Read the accounts.

        Raises:
            AccountsError: they cannot be used, and there is nothing to fall back to.
        """
        self._path = path
        self._environ = dict(environ)
        self._monotonic = monotonic
        self._lock = Lock()
        self._checked_at = monotonic()
        accounts, problems, self._files = read(path, self._environ)
        self._traces = _traces(self._files)
        if accounts is None:
            raise AccountsError(problems)
        self._accounts = accounts
        self._problems: tuple[str, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """Why the files, as they are, are not in use; empty while they are."""
        return self._problems

    def current(self) -> Accounts:
        """Return the accounts; looks at the files once a second at most."""
        now = self._monotonic()
        if now - self._checked_at < CHECK_EVERY_S or not self._lock.acquire(blocking=False):
            return self._accounts
        try:
            self._checked_at = now
            self._read_again()
        finally:
            self._lock.release()
        return self._accounts

    def _read_again(self) -> None:
        before = _traces(self._files)
        if before == self._traces:
            return
        accounts, self._problems, self._files = read(self._path, self._environ)
        # Looked at before the reading: a file that changed during it shows at the next look.
        self._traces = {path: before.get(path) for path in self._files}
        if accounts is not None:
            self._accounts = accounts


Trace = tuple[int, int, int]


def _traces(files: Iterable[Path]) -> dict[Path, Trace | None]:
    """Return what shows that a file has changed; None for one that is not there."""
    return {path: _trace(path) for path in files}


def _trace(path: Path) -> Trace | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
