"""Same request, same answer: a request id is claimed, worked on and answered in one transaction.

A refusal is an answer, too, and is kept. A failure of ours is not: the transaction rolls back
and the claim with it, so that the retry does the work.
"""

from collections.abc import Callable

from service.application.ports import Answer, Refusal, Unit
from service.domain import errors, stock_errors
from service.domain.channels import errors as channel_errors
from service.domain.customers import errors as customer_errors
from service.domain.desk import batch_errors
from service.domain.desk import errors as desk_errors
from service.domain.errors import InvalidRequestError, OrderError
from service.domain.imports import errors as import_errors
from service.domain.reconciling import errors as reconciling_errors


def once(unit: Unit, request_id: str, fingerprint: bytes, work: Callable[[], bytes]) -> Answer:
    """Do the work unless this request was answered before; return the answer either way."""
    kept = unit.claim_request(request_id, fingerprint)
    if kept is not None:
        return kept
    answer = _attempt(work)
    unit.keep_answer(request_id, answer)
    return answer


def open_answer(answer: Answer) -> bytes:
    """Return the answer's bytes, or raise the refusal as it was first raised."""
    if answer.body is not None:
        return answer.body
    refusal = answer.refusal
    assert refusal is not None, "an answer is a body or a refusal"  # noqa: S101
    raise restore(refusal)


def restore(refusal: Refusal) -> OrderError:
    """Return the error that a kept refusal stands for."""
    kind = REFUSALS[refusal.reason]
    if kind is InvalidRequestError:
        return InvalidRequestError(refusal.violations)
    error = kind.__new__(kind)
    OrderError.__init__(error, **refusal.values)
    return error


def _attempt(work: Callable[[], bytes]) -> Answer:
    # Guards refuse before anything is written, so what the transaction holds is the refusal.
    try:
        return Answer(work())
    except OrderError as error:
        return Answer(None, refused(error))


def refused(error: OrderError) -> Refusal:
    """Return a refusal as it is kept."""
    violations = error.violations if isinstance(error, InvalidRequestError) else ()
    return Refusal(error.reason, dict(error.values), violations)


REFUSALS = {
    each.reason: each
    for module in (
        batch_errors,
        channel_errors,
        customer_errors,
        desk_errors,
        errors,
        import_errors,
        reconciling_errors,
        stock_errors,
    )
    for each in vars(module).values()
    if isinstance(each, type) and issubclass(each, OrderError) and each is not OrderError
}
