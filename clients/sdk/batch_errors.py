"""Why a call about a batch failed; everybody takes these from `clients.sdk.errors`."""

from __future__ import annotations

from clients.sdk.error_kinds import FailedPreconditionError, NotFoundError, PermissionDeniedError


class BatchNotFoundError(NotFoundError):
    """There is no such batch."""

    REASON = "BATCH_NOT_FOUND"


class BatchTemplateNotFoundError(NotFoundError):
    """There is no such template of batches."""

    REASON = "BATCH_TEMPLATE_NOT_FOUND"

    @property
    def known(self) -> tuple[str, ...]:
        return self._list("known")


class BatchNotInStateError(FailedPreconditionError):
    """The batch's state does not allow the act."""

    REASON = "BATCH_NOT_IN_STATE"

    @property
    def allowed_acts(self) -> tuple[str, ...]:
        return self._list("allowedActs")


class BatchEmptyError(FailedPreconditionError):
    """Nothing is left to do it to."""

    REASON = "BATCH_EMPTY"


class BatchNotConfirmedError(FailedPreconditionError):
    """So large a batch is confirmed by typing what it is."""

    REASON = "BATCH_NOT_CONFIRMED"

    @property
    def expected(self) -> str:
        """What is to be typed."""
        return self.metadata.get("expected", "")


class SecondPersonNeededError(FailedPreconditionError):
    """So large a batch is confirmed by another person than made it."""

    REASON = "SECOND_PERSON_NEEDED"


class BatchRoleRefusedError(PermissionDeniedError):
    """The caller's role may not use the template."""

    REASON = "BATCH_ROLE_REFUSED"

    @property
    def roles(self) -> tuple[str, ...]:
        """Which roles may."""
        return self._list("roles")


class OrderMovedOnError(FailedPreconditionError):
    """The order is not where the batch takes orders any more."""

    REASON = "ORDER_MOVED_ON"
