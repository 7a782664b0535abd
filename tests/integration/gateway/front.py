"""What stands at a callback address: TLS, and behind it the gateway; or somebody else."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import uvicorn
from prometheus_client import CollectorRegistry

from benchmarks.merchant import Certified, private_pem
from benchmarks.processes import free_address, until
from clients.gateway import config, requests, serving
from clients.gateway.app import Gateway
from clients.gateway.batches import Batches
from clients.gateway.metrics import Metrics
from clients.gateway.pulse import Pulse
from clients.gateway.receiving import Receiving
from clients.gateway.seldom import Seldom
from clients.providers.accounts import AccountBook
from clients.providers.callbacks import Answer
from concord.intake.v1.receipt_pb2 import Receipt

WELCOME = Answer(200, b"welcome to our shop")
MOVED = Answer(301, headers={"location": "/elsewhere"})


def a_gateway(accounts: Path) -> serving.Application:
    """Return a gateway without a service: it is asked, and takes nothing."""
    metrics = Metrics(CollectorRegistry())

    async def submit(receipts: Sequence[Receipt], within_s: float) -> object:
        raise NotImplementedError

    variables = {
        "CONCORD_ACCOUNTS": str(accounts),
        "CONCORD_SERVICE_ADDRESS": "127.0.0.1:1",
        "CONCORD_METRICS_ADDRESS": "127.0.0.1:1",
    }
    settings = config.Settings.from_env(variables)
    batches = Batches(submit, metrics, room=10)
    seldom, pulse = Seldom(config.monotonic), Pulse(config.monotonic)
    receiving = Receiving(settings, batches, metrics, config.now, seldom, pulse)
    book = AccountBook(accounts, {}, config.monotonic)
    return Gateway(book, receiving, metrics, config.now)


def somebody_else(answer: Answer) -> serving.Application:
    """Return a server that answers everybody so."""

    async def app(scope: requests.Scope, receive: requests.Receive, send: requests.Send) -> None:
        await requests.write_answer(send, answer)

    return app


@contextlib.contextmanager
def serving_at(
    app: serving.Application, certified: Certified | None, folder: Path
) -> Iterator[int]:
    """Serve, with TLS where there is a certificate; give the port."""
    address = free_address()
    server = serving.server_of(app, 100)
    if certified is not None:
        pem = folder / "front.pem"
        pem.write_bytes(private_pem(certified.key) + certified.pem)
        server.config.ssl_certfile = str(pem)
        server.config.ssl_keyfile = None
    opened = serving.listen(address)
    thread = threading.Thread(target=_run, args=(server, opened), daemon=True)
    thread.start()
    until(lambda: server.started, "the front serves")
    yield int(address.rpartition(":")[2])
    server.should_exit = True
    thread.join(10)


def trusting(*authorities: Certified) -> ssl.SSLContext:
    """Return what believes these authorities, and nobody else."""
    context = ssl.create_default_context()
    context.load_verify_locations(cadata="".join(each.pem.decode() for each in authorities))
    return context


def _run(server: uvicorn.Server, opened: object) -> None:
    asyncio.run(server.serve(sockets=[opened]))  # type: ignore[list-item]
