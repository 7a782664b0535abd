"""The clients: `Concord` for blocking callers, `AsyncConcord` for asyncio.

Both have the same sub-clients with the same methods; see `clients.sdk.calls` for how.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import grpc
import grpc.aio

from clients.sdk.audit import Audit
from clients.sdk.batches import Batches
from clients.sdk.calls import Awaiting, Blocking, Ids, M, SubClient, Transport
from clients.sdk.cases import Cases
from clients.sdk.channels import Channels
from clients.sdk.config import Settings, random_request_id
from clients.sdk.customers import Customers
from clients.sdk.fulfilment import Fulfilment
from clients.sdk.health import Health
from clients.sdk.imports import Imports
from clients.sdk.insights import Insights
from clients.sdk.intake import Intake
from clients.sdk.inventory import Inventory
from clients.sdk.line import Line, this_loop, this_process
from clients.sdk.metadata import ANYBODY, Identity
from clients.sdk.notices import Notices
from clients.sdk.orders import Orders
from clients.sdk.outbox import Outbox
from clients.sdk.policy import DEADLINE_S, channel_options
from clients.sdk.probes import Probes
from clients.sdk.purchases import Purchases
from clients.sdk.queues import Queues
from clients.sdk.reconciliations import Reconciliations
from clients.sdk.traces import Traces
from clients.sdk.transport import AsyncTransport, BlockingTransport, Options
from clients.sdk.workflows import Workflows


class _Nouns(SubClient[M]):
    """The sub-clients."""

    def __init__(self, transport: Transport, ids: Ids) -> None:
        super().__init__(transport, ids)
        self.orders = Orders[M](transport, ids)
        self.intake = Intake[M](transport, ids)
        self.imports = Imports[M](transport, ids)
        self.cases = Cases[M](transport, ids)
        self.channels = Channels[M](transport, ids)
        self.customers = Customers[M](transport, ids)
        self.reconciliations = Reconciliations[M](transport, ids)
        self.purchases = Purchases[M](transport, ids)
        self.queues = Queues[M](transport, ids)
        self.batches = Batches[M](transport, ids)
        self.workflows = Workflows[M](transport, ids)
        self.inventory = Inventory[M](transport, ids)
        self.fulfilment = Fulfilment[M](transport, ids)
        self.insights = Insights[M](transport, ids)
        self.notices = Notices[M](transport, ids)
        self.probes = Probes[M](transport, ids)
        self.outbox = Outbox[M](transport, ids)
        self.audit = Audit[M](transport, ids)
        self.traces = Traces[M](transport, ids)
        self.health = Health[M](transport, ids)


class Concord(_Nouns[Blocking]):
    """A client for blocking callers; safe to share between threads, and usable after a fork.

    The channel opens with the first call. `close()`, or the end of a `with` block, closes it; a
    later call opens it again.
    """

    def __init__(
        self,
        address: str,
        *,
        identity: Identity = ANYBODY,
        timeout_s: float = DEADLINE_S,
        ids: Ids = random_request_id,
        line: Line[grpc.Channel] | None = None,
    ) -> None:
        def connect() -> grpc.Channel:
            return grpc.insecure_channel(address, options=channel_options())

        self.address = address
        self._line = line or Line(connect, this_process)
        self._options = Options(identity, timeout_s)
        super().__init__(BlockingTransport(self._line, self._options), ids)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Make a client from `CONCORD_SERVICE_ADDRESS`, `CONCORD_ACTOR` and so on.

        Raises:
            ConfigError: naming everything that is missing or malformed.
        """
        settings = Settings.from_env(environ)
        return cls(settings.address, identity=settings.identity, timeout_s=settings.timeout_s)

    def with_options(
        self, *, timeout_s: float | None = None, identity: Identity | None = None
    ) -> Concord:
        """Return a client with another deadline or caller on the same channel."""
        return Concord(
            self.address,
            line=self._line,
            ids=self.ids,
            **_changed(self._options, timeout_s, identity),
        )

    def close(self) -> None:
        channel = self._line.hang_up()
        if channel is not None:
            channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class AsyncConcord(_Nouns[Awaiting]):
    """A client for asyncio; each event loop and each forked child gets a channel of its own."""

    def __init__(
        self,
        address: str,
        *,
        identity: Identity = ANYBODY,
        timeout_s: float = DEADLINE_S,
        ids: Ids = random_request_id,
        line: Line[grpc.aio.Channel] | None = None,
    ) -> None:
        def connect() -> grpc.aio.Channel:
            return grpc.aio.insecure_channel(address, options=channel_options())

        self.address = address
        self._line = line or Line(connect, this_loop)
        self._options = Options(identity, timeout_s)
        super().__init__(AsyncTransport(self._line, self._options), ids)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Make a client from `CONCORD_SERVICE_ADDRESS`, `CONCORD_ACTOR` and so on.

        Raises:
            ConfigError: naming everything that is missing or malformed.
        """
        settings = Settings.from_env(environ)
        return cls(settings.address, identity=settings.identity, timeout_s=settings.timeout_s)

    def with_options(
        self, *, timeout_s: float | None = None, identity: Identity | None = None
    ) -> AsyncConcord:
        """Return a client with another deadline or caller on the same channel."""
        return AsyncConcord(
            self.address,
            line=self._line,
            ids=self.ids,
            **_changed(self._options, timeout_s, identity),
        )

    async def close(self) -> None:
        channel = self._line.hang_up()
        if channel is not None:
            await channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


def _changed(
    options: Options, timeout_s: float | None, identity: Identity | None
) -> dict[str, Any]:
    return {
        "timeout_s": timeout_s or options.timeout_s,
        "identity": identity or options.identity,
    }
