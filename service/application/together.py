"""Commands that come at the same time share a transaction; each has an outcome of its own.

What a transaction costs is then shared, too: round trips, locks, the wait for the disk.

1. Leave out who was answered before, and who asks about an order that somebody has locked:
   nobody here waits for another's order.
2. Decide each command by itself. A refusal writes nothing and is an answer.
3. Write all decisions down, and what each request got.

Who is left out is done alone, in a transaction of its own, as if there were no others; and so are
all, should the transaction that they share fail.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from service.application.desks import Desk, SharedDesk
from service.application.idempotency import refused
from service.application.ports import Answer, Encoder, Unit, Writes
from service.application.recording import Decided, store
from service.application.shared_ports import Kept
from service.domain.errors import OrderError


@dataclass(frozen=True, slots=True)
class Asked:
    """A command on one order, as somebody asks for it."""

    request_id: str
    fingerprint: bytes
    order_id: str
    work: Callable[[Unit, Desk], bytes]
    still_wanted: Callable[[], bool]


def together(
    unit: Unit, asked: Sequence[Asked], *, encoder: Encoder, at: datetime
) -> list[Answer | None]:
    """Do what can be done together; return each command's answer, None for who is left out."""
    known = unit.known_requests([each.request_id for each in asked])
    fresh = [each for each in asked if each.request_id not in known and each.still_wanted()]
    dossiers = unit.free_dossiers([each.order_id for each in fresh])
    decided: list[tuple[Decided, Writes]] = []
    answers: dict[str, Kept] = {}
    for each in fresh:
        dossier = dossiers.pop(each.order_id, None)
        if dossier is None or each.request_id in answers:
            continue
        desk = SharedDesk(dossier, encoder, at)
        answer = _attempt(each, unit, desk)
        if each.still_wanted():
            decided += desk.decided
            answers[each.request_id] = Kept(each.request_id, each.fingerprint, answer)
    store(unit, decided, encoder=encoder, at=at)
    unit.keep_answers(list(answers.values()))
    return [_own(each, answers.get(each.request_id)) for each in asked]


def _own(asked: Asked, kept: Kept | None) -> Answer | None:
    """Return what was answered to this command, and not to another under the same request id."""
    return kept.answer if kept and kept.fingerprint == asked.fingerprint else None


def _attempt(asked: Asked, unit: Unit, desk: SharedDesk) -> Answer:
    try:
        return Answer(asked.work(unit, desk))
    except OrderError as error:
        desk.decided.clear()
        return Answer(None, refused(error))
