"""A host of a test's own, by Linux namespaces: its network can be cut, its volumes can be full.

No root is needed where the kernel lets anybody make a user namespace: whoever runs the test keeps
the account, which PostgreSQL insists on, and gets every right within. Root needs no user
namespace, and its PostgreSQL runs as `nobody`, as ever. Nothing reaches beyond the namespaces:
rules and volumes are gone with the last process in them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]

# Set for the pytest that runs inside.
INSIDE: Final = "CONCORD_FAULTS_INSIDE"
# What a machine has to be able to do, separated by commas: CI sets it, a workstation may lack it.
REQUIRED: Final = "CONCORD_REQUIRE"
HOSTS: Final = "hosts"

# The packages of Debian and Ubuntu that they come from.
TOOLS: Final = {"unshare": "util-linux", "ip": "iproute2", "nft": "nftables"}

# All that the tests do to a host, each thing once.
_PROBE: Final = "ip link set lo up && nft add table inet probe && mount -t tmpfs none /mnt"
ENDS_WITHIN_S: Final = 280


def is_inside() -> bool:
    """Tell whether this process runs on a host of its own."""
    return INSIDE in os.environ


def is_required() -> bool:
    """Tell whether a machine that cannot make hosts is a broken one."""
    return HOSTS in os.environ.get(REQUIRED, "").split(",")


@cache
def why_not() -> str:
    """Return why this machine cannot make a host; nothing where it can."""
    missing = [f"{tool} (package {name})" for tool, name in TOOLS.items() if not _found(tool)]
    if missing:
        return f"not installed: {', '.join(missing)}"
    tried = subprocess.run(
        [*_entering(), "sh", "-c", _PROBE],
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return f"no namespaces here: {tried.stderr.strip()}" if tried.returncode else ""


def run_inside(test: str) -> None:
    """Run one test, by its id, in a pytest on a host of its own; fail here if it fails there."""
    pytest = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "", "-s", test)
    done = subprocess.run(
        [*_entering(), "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *pytest],
        cwd=ROOT,
        env={**_environment(), INSIDE: "1"},
        capture_output=True,
        text=True,
        timeout=ENDS_WITHIN_S,
        check=False,
    )
    sys.stdout.write(done.stdout)
    assert done.returncode == 0, f"on its host:\n{done.stdout[-12_000:]}\n{done.stderr[-4_000:]}"


def _entering() -> list[str]:
    own = [] if os.geteuid() == 0 else ["-U", "--map-current-user", "--keep-caps"]
    return ["unshare", *own, "-nm", "--"]


def _environment() -> dict[str, str]:
    # Tools of administrators are often not on the way of an ordinary account.
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
    return {**os.environ, "PATH": path}


def _found(tool: str) -> bool:
    return shutil.which(tool, path=_environment()["PATH"]) is not None
