"""Makes this checkout ready to run: environment, pinned packages, generated code. `make setup`.

Uses nothing but the standard library, so that any Python 3.11 can run it. It is done in a tenth
of a second, and without a network, when nothing has changed since the last time.

1. Make the virtual environment.
2. Get the installer (uv; where that is not to be had, pip does).
3. Install what the lock names, every file checked against its hash.
4. Install this checkout itself, by reference, and generate the contract's code.
5. Note what was done; a run that is cut short notes nothing and is done over.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "deploy" / "requirements.lock"
VENV = Path(os.environ.get("CONCORD_VENV") or ROOT / ".venv").absolute()
PYTHON = str(VENV / "bin" / "python")
NOTES = VENV / ".concord-setup.json"

OLDEST = (3, 11)
# Newest first, among those that every dependency has wheels for.
CANDIDATES = ("python3.13", "python3.12", "python3.11", "python3", "python")

PIP_OPTIONS = ["--quiet", "--disable-pip-version-check", "--no-deps"]


class SetupError(Exception):
    """It cannot be done here; the text says what to do about it."""


def main() -> int:
    """Do what has not been done yet; return the exit code."""
    if sys.version_info < OLDEST:
        return _hand_over()
    try:
        done, wanted = _read_notes(), _fingerprints()
        if done == wanted and (ROOT / "protos" / "gen" / ".stamp").exists():
            _check_usable()
            return 0
        began = time.monotonic()
        _check_writable()
        with _only_one():
            if done.get("packages") != wanted["packages"]:
                _make_environment()
                _install(_installer())
            _run(PYTHON, str(ROOT / "protos" / "build_hook.py"))
            NOTES.write_text(json.dumps(wanted))
        _say(f"done in {time.monotonic() - began:.0f} s")
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"setup: `{error.cmd[0]}` failed, see above", file=sys.stderr)
        return 1
    return 0


def _hand_over() -> int:
    """Run again with a Python that is new enough."""
    for name in CANDIDATES:
        path = shutil.which(name)
        if path and _is_new_enough(path):
            return subprocess.run([path, *sys.argv], check=False).returncode
    print("setup: Python 3.11 or newer is needed, and none is on the PATH", file=sys.stderr)
    return 1


def _is_new_enough(python: str) -> bool:
    """Ask it: a version manager's shim may be there for a version that is not."""
    return _ask(python, "-c", f"import sys; sys.exit(sys.version_info < {OLDEST})") is not None


def _fingerprints() -> dict[str, str]:
    """Return what decides whether there is anything to do."""
    packages = hashlib.sha256()
    for path in (LOCK, ROOT / "pyproject.toml", Path(__file__)):
        packages.update(path.read_bytes())
    packages.update(f"{ROOT} {VENV}".encode())
    protos = hashlib.sha256()
    for path in [ROOT / "protos/build_hook.py", *sorted((ROOT / "protos").rglob("*.proto"))]:
        protos.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return {"packages": packages.hexdigest(), "protos": protos.hexdigest()}


def _read_notes() -> dict[str, str]:
    try:
        notes: dict[str, str] = json.loads(NOTES.read_text())
    except (OSError, ValueError):
        return {}
    return notes


def _check_usable() -> None:
    if not os.access(PYTHON, os.X_OK):
        raise SetupError(
            f"{VENV} was made with a Python that this account may not run; "
            "set CONCORD_VENV to a folder of your own"
        )


def _check_writable() -> None:
    nearest = next(path for path in (VENV, *VENV.parents) if path.exists())
    if not os.access(nearest, os.W_OK):
        raise SetupError(
            f"{VENV} has to be made or brought up to date, and this account may not write there; "
            "set CONCORD_VENV to a folder of your own"
        )
    generated = ROOT / "protos" / "gen"
    if not os.access(generated if generated.exists() else ROOT / "protos", os.W_OK):
        raise SetupError(f"{ROOT} belongs to another account; make a checkout of your own")


@contextlib.contextmanager
def _only_one() -> Iterator[None]:
    """Wait for another set-up of the same environment to end."""
    VENV.mkdir(parents=True, exist_ok=True)
    with (VENV / ".concord-setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make_environment() -> None:
    """Make the environment, or make it anew when its Python is gone or too old."""
    if _is_new_enough(PYTHON):
        return
    version = ".".join(map(str, sys.version_info[:3]))
    _say(f"making {_short(VENV)} with Python {version}")
    if _ask(sys.executable, "-m", "venv", "--clear", str(VENV)) is None:
        # Debian's python3 has no ensurepip; pip is not needed if uv can be had in another way.
        _run(sys.executable, "-m", "venv", "--clear", "--without-pip", str(VENV))


def _installer() -> list[str]:
    """Return the command that installs packages into the environment: uv if at all possible."""
    pip = [PYTHON, "-m", "pip"]
    if _ask(*pip, "--version") is None:
        outside = shutil.which("uv")
        if outside is not None:
            return [outside, "pip"]
        pip = [sys.executable, "-m", "pip", "--python", PYTHON]
        if _ask(sys.executable, "-m", "pip", "--version") is None:
            raise SetupError(
                "this Python has neither ensurepip nor pip, and there is no uv on the PATH; "
                "install one of them (Debian, Ubuntu: apt install python3-venv)"
            )
    with tempfile.NamedTemporaryFile("w", suffix=".lock") as part:
        part.write(_locked("uv"))
        part.flush()
        if _ask(*pip, "install", *PIP_OPTIONS, "--require-hashes", "-r", part.name) is not None:
            return [str(VENV / "bin" / "uv"), "pip"]
    return pip


def _locked(name: str) -> str:
    """Return the lock's lines about one package: its version and its hashes."""
    found = re.search(rf"^{name}==.*(?:\n    --hash.*)+", LOCK.read_text(), re.MULTILINE)
    return found.group(0) if found else ""


def _install(installer: list[str]) -> None:
    """Install what the lock names, then this checkout by reference."""
    is_uv = Path(installer[0]).name == "uv"
    count = len(re.findall(r"^\S+==", LOCK.read_text(), re.MULTILINE))
    _say(f"installing {count} packages with {'uv' if is_uv else 'pip'}")
    if is_uv:
        os.environ.update(_as_uv_reads_it(), VIRTUAL_ENV=str(VENV))
        # Compiled now: the first start is as quick as the second, whoever starts it.
        compiled = ["--quiet", "--compile-bytecode", "--require-hashes"]
        _run(*installer, "sync", *compiled, str(LOCK))
    else:
        _run(*installer, "install", *PIP_OPTIONS, "--require-hashes", "-r", str(LOCK))
    options = ["--quiet", "--no-deps"] if is_uv else PIP_OPTIONS
    _run(*installer, "install", *options, "--no-build-isolation", "-e", str(ROOT))


def _as_uv_reads_it() -> dict[str, str]:
    """Translate pip's settings, which are what people have: uv does not read them."""
    translated = {}
    for option, name, theirs in (
        ("index-url", "PIP_INDEX_URL", "UV_DEFAULT_INDEX"),
        ("extra-index-url", "PIP_EXTRA_INDEX_URL", "UV_INDEX"),
        ("cert", "PIP_CERT", "SSL_CERT_FILE"),
    ):
        ask_pip = (PYTHON, "-m", "pip", "config", "get", f"global.{option}")
        value = os.environ.get(name) or _ask(*ask_pip)
        if value and theirs not in os.environ:
            translated[theirs] = value.strip()
    return translated


def _run(*command: str) -> None:
    """Run a command whose failure is ours; what it says goes to the terminal."""
    subprocess.run(command, check=True)


def _ask(*command: str) -> str | None:
    """Return what a command answers, or None if it fails."""
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def _say(text: str) -> None:
    print(f"setup: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
