"""What notices need within a transaction, as a Protocol of plain values."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from service.domain.desk.notices import NoticeAsked

__all__ = ["NoticeAsked", "NoticePart"]


class NoticePart(Protocol):
    """The part of a transaction that knows notices. Their locks come after all others."""

    def queue_notices(self, asked: Sequence[NoticeAsked], *, at: datetime) -> None:
        """Let people be told, each key once ever; whoever is asked twice is told once."""
