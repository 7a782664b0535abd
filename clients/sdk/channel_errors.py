"""Why a call about a feed or a run failed; everybody takes these from `clients.sdk.errors`."""

from __future__ import annotations

from clients.sdk.error_kinds import (
    AbortedError,
    AlreadyExistsError,
    FailedPreconditionError,
    NotFoundError,
)


class FeedNotFoundError(NotFoundError):
    """There is no such feed."""

    REASON = "FEED_NOT_FOUND"


class FeedExistsError(AlreadyExistsError):
    """A feed of this name is registered already."""

    REASON = "FEED_EXISTS"


class FeedNotPulledError(FailedPreconditionError):
    """Nobody asks this feed: it is not pulled."""

    REASON = "FEED_NOT_PULLED"


class FeedNotInStateError(FailedPreconditionError):
    """The feed's state does not allow the act."""

    REASON = "FEED_NOT_IN_STATE"


class FeedChangedError(AbortedError):
    """Somebody else changed the feed first: read it again, then decide."""

    REASON = "FEED_CHANGED"


class RunNotFoundError(NotFoundError):
    """There is no such run."""

    REASON = "RUN_NOT_FOUND"


class RunLeaseLostError(FailedPreconditionError):
    """The run is not claimed under this lease any more: claim runs again."""

    REASON = "RUN_LEASE_LOST"


class IncidentNotFoundError(NotFoundError):
    """There is no such incident."""

    REASON = "INCIDENT_NOT_FOUND"
