"""What commands need that share one transaction, as a Protocol of plain values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from service.domain.deciding import Dossier

if TYPE_CHECKING:
    from service.application.ports import Answer


@dataclass(frozen=True, slots=True)
class Kept:
    """What a request asked for, as a fingerprint, and what it got."""

    request_id: str
    fingerprint: bytes
    answer: "Answer"


class SharedPart(Protocol):
    """The part of a transaction that many commands share."""

    def known_requests(self, request_ids: Sequence[str]) -> frozenset[str]:
        """Return those of the requests that have an answer."""

    def free_dossiers(self, order_ids: Sequence[str]) -> dict[str, Dossier]:
        """Lock those of the orders that nobody else has locked; return all that is known of them.

        Neither an order that is locked nor one that does not exist is in the answer.
        """

    def keep_answers(self, answers: Sequence[Kept]) -> None:
        """Remember what requests got that nobody has claimed.

        Raises:
            ContentionError: somebody has answered one of them meanwhile.
        """
