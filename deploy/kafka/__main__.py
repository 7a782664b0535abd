"""`python -m deploy.kafka [--brokers 3]`: Apache Kafka, until Ctrl-C; its topics stay."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path
from typing import Final

from deploy.kafka import jars
from deploy.kafka.broker import Kafka
from deploy.local.process import UnusableError

# Beside those of the embedded stack, so that both may run.
FIRST_PORT: Final = 19192

# One, or as many as survive the loss of one.
SIZES: Final = (1, 3)


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM or Ctrl-C; return the exit code."""
    options = _parse(arguments)
    told_to_stop = threading.Event()
    for end in (signal.SIGTERM, signal.SIGINT):
        signal.signal(end, lambda *_: told_to_stop.set())
    brokers: int = options.brokers
    folder = options.folder or jars.home() / f"data-{brokers}"
    wanted = {
        f"{role}-{number}": FIRST_PORT + offset + number
        for number in range(1, brokers + 1)
        for role, offset in (("broker", -1), ("controller", 9))
    }
    try:
        with Kafka(folder, brokers, wanted=wanted) as kafka:
            print(f"Apache Kafka {jars.version()}, topics in {folder}.")
            print(f"CONCORD_KAFKA_BOOTSTRAP={kafka.bootstrap}", flush=True)
            told_to_stop.wait()
            for number in range(1, brokers + 1):
                kafka.stop(number)
    except (UnusableError, RuntimeError) as error:
        print(f"concord: {error}", file=sys.stderr)
        return 1
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.kafka", description=__doc__)
    parser.add_argument("--brokers", type=int, choices=SIZES, default=1)
    parser.add_argument("--folder", type=Path, help="where topics are kept")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
