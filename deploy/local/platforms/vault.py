"""Keeps everything secret of both sides: keys, certificates, and the accounts file.

A folder of keys looks so; all of it is its owner's alone, and stays the same over restarts:

    accounts.yaml       what the merchant's processes read (`CONCORD_ACCOUNTS`)
    merchant/ACCOUNT/   what that file refers to
    platform.json       what the platforms know of each account
    platform/ACCOUNT/   their own keys
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

Known = dict[str, Any]
"""What is kept of one account beside its files: `provider`, numbers, names of keys."""


class Vault:
    """One folder of keys."""

    def __init__(self, folder: Path, *, now: Callable[[], datetime]) -> None:
        self.folder = folder
        self.now = now
        self.known: dict[str, Known] = {}
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self._manifest.exists():
            self.known = json.loads(self._manifest.read_text())

    @property
    def accounts_file(self) -> Path:
        """What the merchant's processes read."""
        return self.folder / "accounts.yaml"

    def save(self) -> None:
        """Keep what is known of the accounts."""
        self._write(self._manifest, json.dumps(self.known, indent=2) + "\n")

    def give(self, name: str, file: str, text: str) -> None:
        """Write a merchant's file."""
        self._write(self.folder / "merchant" / name / file, text)

    def keep(self, name: str, file: str, text: str) -> None:
        """Write a platform's file."""
        self._write(self.folder / "platform" / name / file, text)

    def given(self, name: str, file: str) -> str:
        """Read a merchant's file."""
        return (self.folder / "merchant" / name / file).read_text()

    def kept(self, name: str, file: str) -> str:
        """Read a platform's file."""
        return (self.folder / "platform" / name / file).read_text()

    def write_accounts(self, text: str) -> None:
        """Replace the accounts file."""
        self._write(self.accounts_file, text)

    @property
    def _manifest(self) -> Path:
        return self.folder / "platform.json"

    def _write(self, path: Path, text: str) -> None:
        """Write a file as a whole that only its owner may read."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".{path.name}.draft")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        draft.replace(path)
