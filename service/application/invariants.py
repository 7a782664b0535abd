"""Looks at the invariants that the database tells, a page at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from service.domain.invariants import Finding


@dataclass(frozen=True, slots=True)
class AuditPage:
    """What one look found, and where the next one goes on; empty after the last."""

    findings: tuple[Finding, ...]
    next_token: str = ""


class Audit(Protocol):
    """Reads what is stored, and holds it against itself; never writes."""

    def page(self, token: str = "", *, size: int = 0) -> AuditPage:
        """Look at the next rows, all of one moment; 0 is the usual number of them.

        Raises:
            CursorInvalidError: the token is not one of ours.
        """

    def order(self, order_id: str) -> AuditPage:
        """Look at one order, or raise `OrderNotFoundError`."""


def pages(audit: Audit) -> Iterator[AuditPage]:
    """Look at everything once."""
    token = ""
    while True:
        page = audit.page(token)
        yield page
        if not page.next_token:
            return
        token = page.next_token
