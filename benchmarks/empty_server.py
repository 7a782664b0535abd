"""The same server as the gateway's, answering every request with an empty 200: what HTTP costs."""

from __future__ import annotations

import asyncio
import os

import uvloop
from prometheus_client import CollectorRegistry
from prometheus_client.process_collector import ProcessCollector

from clients import telemetry
from clients.gateway import requests, serving
from clients.providers.callbacks import Answer

EMPTY = Answer(200)


async def answer(scope: requests.Scope, receive: requests.Receive, send: requests.Send) -> None:
    """Answer, without a look at what was asked."""
    del scope, receive
    await requests.write_answer(send, EMPTY)


def main() -> None:
    """Serve until the process is ended."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    opened = serving.listen(os.environ["CONCORD_GATEWAY_ADDRESS"])
    telemetry.Probes(os.environ["CONCORD_METRICS_ADDRESS"], registry=registry, ready=dict)
    server = serving.server_of(answer, 1_000)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(server.serve(sockets=[opened]))


if __name__ == "__main__":
    main()
