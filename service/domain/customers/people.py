"""Buyers, customers and merges, as values.

A buyer is one account at one channel, or one order without an account. Each buyer brings a
customer of its own, its *origin*. Merges are the edges of a forest over buyers: whoever hangs
together is one customer, and has the id of the origin that was seen first. So who a customer is
follows from the standing merges alone, and taking one back restores exactly what was.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import unique
from typing import Final

from service.domain.customers.identity import Identity, IdentityKind
from service.domain.naming import named
from service.domain.words import Word

PEOPLE_NAMESPACE: Final = uuid.UUID("5b0a3c6e-7d0e-5a55-9f3a-2f5a0f6d1c03")
DIGEST_TOLD: Final = 12


@unique
class MergeState(Word):
    """Where a merge is; the names are those of `concord.customers.v1.Merge.State`."""

    SUGGESTED = "SUGGESTED"
    MERGED = "MERGED"
    DISMISSED = "DISMISSED"
    UNDONE = "UNDONE"
    WITHDRAWN = "WITHDRAWN"
    OBSOLETE = "OBSOLETE"


# A person said that these are two; the service neither joins nor suggests them again.
PARTED: Final = frozenset({MergeState.DISMISSED, MergeState.UNDONE})
SYSTEM: Final = "system"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for or against that two are one; `weight` is of 1000."""

    kind: str
    weight: int
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Buyer:
    """One account at one channel, or one order without account.

    `marks` says how many of its orders told each identity; one without a digest says that the
    platform masked it.
    """

    buyer_id: str
    customer_id: str
    channel: str
    first_seen_at: datetime
    key: str = ""
    shop: str = ""
    marks: Mapping[Identity, int] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        """The customer that this buyer brought, and is where no merge stands."""
        return origin_of(self.buyer_id)

    @property
    def seniority(self) -> tuple[datetime, str]:
        """Who was seen first gives a customer its name."""
        return self.first_seen_at, self.origin

    def main(self, kind: IdentityKind, script: str = "") -> str:
        """Return what most of its orders tell of a kind; empty where nothing does.

        Gifts go to others' phones and names.
        """
        told = {
            each.digest: count
            for each, count in self.marks.items()
            if each.kind is kind and each.digest.startswith(script) and each.digest
        }
        return next((digest for digest, n in told.items() if 2 * n > sum(told.values())), "")


@dataclass(frozen=True, slots=True)
class Merge:
    """That two customers are, or may be, one person. Its buyers are one of each side.

    `survivor` and `absorbed` are who they were when it was made.
    """

    merge_id: str
    state: MergeState
    buyers: tuple[str, str]
    survivor: str
    absorbed: str
    score: int
    evidence: tuple[Evidence, ...]
    actor: str
    created_at: datetime
    state_at: datetime
    reason: str = ""

    @property
    def stands(self) -> bool:
        """It holds its two sides together."""
        return self.state is MergeState.MERGED

    @property
    def is_automatic(self) -> bool:
        """Nobody but the service decided it; so evidence may take it back."""
        return self.actor == SYSTEM


def buyer_id_of(key: str, order_id: str) -> str:
    """Return the buyer of an order: its account's, or its own where it has none."""
    told = f"account|{key}" if key else f"order|{order_id}"
    return f"byr-{named(PEOPLE_NAMESPACE, told)}"


def origin_of(buyer_id: str) -> str:
    """Return the customer that a buyer brought."""
    return f"cus-{named(PEOPLE_NAMESPACE, f'origin|{buyer_id}')}"


def merge_id_of(buyers: tuple[str, str], number: int) -> str:
    """Return the id of the so-manyeth merge of two buyers."""
    first, second = sorted(buyers)
    return f"mrg-{named(PEOPLE_NAMESPACE, f'merge|{first}|{second}|{number}')}"
