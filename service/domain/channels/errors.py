"""Refusals of the channel register."""

from service.domain.errors import OrderError


class FeedNotFoundError(OrderError):
    """There is no such feed."""

    reason = "FEED_NOT_FOUND"
    template = "There is no feed {feed}."
    fields = ("feed",)


class FeedExistsError(OrderError):
    """A feed of this name is registered already."""

    reason = "FEED_EXISTS"
    template = "Feed {feed} is registered already. Change it, or give this one another name."
    fields = ("feed",)


class FeedNotPulledError(OrderError):
    """Nobody asks this feed."""

    reason = "FEED_NOT_PULLED"
    template = "Feed {feed} is {mode}: nobody asks it, so there is nothing to start."
    fields = ("feed", "mode")


class FeedNotInStateError(OrderError):
    """The feed's state does not allow the act."""

    reason = "FEED_NOT_IN_STATE"
    template = "Feed {feed} is {state}: {act} is not allowed."
    fields = ("feed", "state", "act")


class FeedChangedError(OrderError):
    """Somebody else changed the feed first."""

    reason = "FEED_CHANGED"
    template = "Feed {feed} has etag {etag}, not {expected_etag}. Read it again, then decide."
    fields = ("feed", "etag", "expected_etag")


class RunNotFoundError(OrderError):
    """There is no such run."""

    reason = "RUN_NOT_FOUND"
    template = "There is no run {run}."
    fields = ("run",)


class RunLeaseLostError(OrderError):
    """The run is not claimed under this lease any more."""

    reason = "RUN_LEASE_LOST"
    template = "Run {run} is not claimed under this lease any more. Claim runs again."
    fields = ("run",)


class IncidentNotFoundError(OrderError):
    """There is no such incident."""

    reason = "INCIDENT_NOT_FOUND"
    template = "There is no incident {incident}."
    fields = ("incident",)
