"""Starts service and gateway as the processes that they are, and asks them how they are."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar
from urllib.error import URLError
from urllib.request import urlopen

# Five times what it takes where several start on two cores at once.
READY_WITHIN_S: Final = 180.0
ENDED_WITHIN_S: Final = 20.0

T = TypeVar("T")


def until(
    condition: Callable[[], T],
    what: str,
    within_s: float = READY_WITHIN_S,
    look_every_s: float = 0.05,
) -> T:
    """Return what the condition gives once that is true."""
    deadline = time.monotonic() + within_s
    pause = threading.Event()
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within_s:.0f} s: {what}")
        pause.wait(look_every_s)
    return found


def free_address() -> str:
    """Return an address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


class Running:
    """One process with its log, where it serves, and where it tells how it is."""

    def __init__(self, log: Path, *command: str, address: str, env: Mapping[str, str]) -> None:
        self.log = log
        self.address = address
        self.metrics_address = metrics = free_address()
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        with log.open("ab") as output:
            self.process = subprocess.Popen(  # noqa: S603  # Our own programs.
                [sys.executable, "-m", *command],
                env={**kept, "PYTHONUNBUFFERED": "1", "CONCORD_METRICS_ADDRESS": metrics, **env},
                stdout=output,
                stderr=output,
            )

    def until_ready(self) -> None:
        """Return when it says that it can do its work."""
        until(self._is_ready_or_dead, f"{self.log.stem} is ready")
        self.must_live()

    def must_live(self) -> None:
        """Raise if it has ended."""
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.log.stem} ended:\n{self.log.read_text()[-4000:]}")

    def is_ready(self) -> bool:
        """Return whether /readyz says so."""
        try:
            with urlopen(f"http://{self.metrics_address}/readyz", timeout=5) as answer:  # Ours.
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def readiness(self) -> str:
        """Return what /readyz says, ready or not."""
        try:
            with urlopen(f"http://{self.metrics_address}/readyz", timeout=5) as answer:
                return str(answer.read().decode())
        except URLError as error:
            read = getattr(error, "read", None)
            return str(read().decode()) if read else ""

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric over everything that has these labels."""
        with urlopen(f"http://{self.metrics_address}/metrics", timeout=5) as answer:
            page = answer.read().decode()
        found = re.findall(rf"^{name}(?:{{(.*?)}})? (\S+)", page, re.MULTILINE)
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        return sum(float(value) for have, value in found if all(one in have for one in wanted))

    def cpu_s(self) -> float:
        """Return the processor time that it has used."""
        return self.metric("process_cpu_seconds_total")

    def end(self) -> int:
        """Ask it to end, and return its code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(ENDED_WITHIN_S)

    def kill(self) -> None:
        """End it at once."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(ENDED_WITHIN_S)

    def _is_ready_or_dead(self) -> bool:
        return self.process.poll() is not None or self.is_ready()


def migrate(database_url: str) -> None:
    """Bring a database up to date."""
    done = subprocess.run(
        [sys.executable, "-m", "service", "migrate"],
        env={**os.environ, "CONCORD_DATABASE_URL": database_url},
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.decode()[-4000:])


def service(folder: Path, address: str, database_url: str, redis_url: str, **more: str) -> Running:
    """Start a service."""
    return Running(
        folder / "service.log",
        "service",
        "serve",
        address=address,
        env={
            "CONCORD_SERVICE_ADDRESS": address,
            "CONCORD_DATABASE_URL": database_url,
            "CONCORD_REDIS_URL": redis_url,
            "CONCORD_LOG_LEVEL": "warning",
            **more,
        },
    )


def gateway(
    folder: Path, address: str, service_address: str, accounts: Path, **more: str
) -> Running:
    """Start a gateway."""
    return Running(
        folder / "gateway.log",
        "clients.gateway",
        address=address,
        env={
            "CONCORD_GATEWAY_ADDRESS": address,
            "CONCORD_SERVICE_ADDRESS": service_address,
            "CONCORD_ACCOUNTS": str(accounts),
            **more,
        },
    )


def relay(folder: Path, database_url: str, bootstrap: str, partitions: int) -> Running:
    """Start a relay."""
    return Running(
        folder / "relay.log",
        "service",
        "relay",
        address="",
        env={
            "CONCORD_DATABASE_URL": database_url,
            "CONCORD_KAFKA_BOOTSTRAP": bootstrap,
            "CONCORD_KAFKA_PARTITIONS": str(partitions),
            "CONCORD_LOG_LEVEL": "warning",
        },
    )


def worker(
    folder: Path, name: str, bootstrap: str, redis_url: str, partitions: int, **more: str
) -> Running:
    """Start a worker of the streams, with a service out of reach unless one is named."""
    return Running(
        folder / f"{name}.log",
        "streams",
        "worker",
        address="",
        env={
            "CONCORD_KAFKA_BOOTSTRAP": bootstrap,
            "CONCORD_KAFKA_PARTITIONS": str(partitions),
            "CONCORD_REDIS_URL": redis_url,
            "CONCORD_SERVICE_ADDRESS": "127.0.0.1:1",
            "CONCORD_STREAMS_DATA_DIR": str(folder / name),
            "CONCORD_LOG_LEVEL": "warning",
            **more,
        },
    )


def empty_server(folder: Path, address: str) -> Running:
    """Start the server that answers everything with an empty 200."""
    return Running(
        folder / "empty.log",
        "benchmarks.empty_server",
        address=address,
        env={"CONCORD_GATEWAY_ADDRESS": address},
    )
