"""Brings Kafka's jars onto this machine: resolved by Maven, once, and kept.

`pom.xml` beside this file says which; where from is for Maven's own settings to say. Whoever has
them already, in the `libs` folder of a Kafka that was unpacked somewhere, names that folder in
CONCORD_KAFKA_JARS, and needs no Maven.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from deploy.local.process import UnusableError

POM: Final = Path(__file__).with_name("pom.xml")
VARIABLE: Final = "CONCORD_KAFKA_JARS"

# 70 MB come over the network the first time.
RESOLVED_WITHIN_S: Final = 600.0

JAVA_OLDEST: Final = 17


def version() -> str:
    """Return the version of Kafka that the pom names."""
    found = re.search(r"<kafka\.version>(.+?)</kafka\.version>", POM.read_text())
    if found is None:
        raise UnusableError(f"{POM.name} names no version of Kafka")
    return found[1]


def java() -> str:
    """Return the Java that runs Kafka.

    Raises:
        UnusableError: there is none, or it is too old.
    """
    found = shutil.which("java")
    if found is None or (number := _java_version(found)) is None:
        raise UnusableError(
            f"Kafka needs Java {JAVA_OLDEST} (Debian: openjdk-17-jre-headless), and there is none"
        )
    if number < JAVA_OLDEST:
        raise UnusableError(f"Kafka needs Java {JAVA_OLDEST}, and {found} is Java {number}")
    return found


def folder() -> Path:
    """Return the folder with the jars, resolving them if they are not there yet.

    Raises:
        UnusableError: Maven is missing, or failed.
    """
    given = os.environ.get(VARIABLE)
    if given:
        if not any(Path(given).glob("kafka_2.13-*.jar")):
            raise UnusableError(f"{VARIABLE} names {given}, where no jar of Kafka is")
        return Path(given)
    kept = home() / version()
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with _locked(kept.parent / "lock"):
            # Somebody else may have been faster.
            if not kept.exists():
                _resolve(kept)
    return kept


def home() -> Path:
    """Return a folder beside the sources that git ignores; elsewhere, the account's own cache."""
    root = Path(__file__).resolve().parents[2]
    if (root / "pyproject.toml").exists():
        return root / "build" / "kafka"
    return Path.home() / ".cache" / "concord" / "kafka"


def _resolve(kept: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise UnusableError(
            "Kafka's jars are resolved by Maven (Debian: maven), which is not installed;"
            f" or {VARIABLE} names a folder that has them"
        )
    print(f"Resolving the jars of Kafka {version()}, once.", file=sys.stderr, flush=True)
    # Elsewhere first: what was cut short must not pass for the whole.
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix="draft-") as draft:
        jars = Path(draft) / "jars"
        try:
            done = subprocess.run(
                [
                    *(maven, "-q", "-B", "-f", str(POM), "dependency:copy-dependencies"),
                    *("-DincludeScope=runtime", f"-DoutputDirectory={jars}"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                timeout=RESOLVED_WITHIN_S,
            )
        except subprocess.TimeoutExpired as error:
            raise UnusableError(f"Maven did not end within {RESOLVED_WITHIN_S:.0f} s") from error
        if done.returncode != 0 or not any(jars.glob("kafka_2.13-*.jar")):
            said = "\n".join(done.stdout.splitlines()[-20:])
            raise UnusableError(f"Maven ended with {done.returncode}:\n{said}")
        jars.rename(kept)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@functools.cache
def _java_version(program: str) -> int | None:
    """Return 17 of `openjdk version "17.0.15"`; None where it does not run."""
    try:
        done = subprocess.run([program, "-version"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    found = re.search(r'version "(\d+)', done.stderr + done.stdout)
    return int(found[1]) if found else None
