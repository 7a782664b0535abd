"""The Python SDK: typed calls to Concord, blocking or asyncio.

    from clients.sdk import Concord

    with Concord.from_env() as concord:
        order = concord.orders.get("ord-…")

Docs: docs/sdk.md. For tests of your own: `clients.sdk.testing`.
"""

from clients.sdk.client import AsyncConcord, Concord
from clients.sdk.config import ConfigError
from clients.sdk.errors import ConcordError, OutageError, RefusalError
from clients.sdk.metadata import Identity
from clients.sdk.money import amount, money

__all__ = [
    "AsyncConcord",
    "Concord",
    "ConcordError",
    "ConfigError",
    "Identity",
    "OutageError",
    "RefusalError",
    "amount",
    "money",
]
