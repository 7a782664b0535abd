"""Why a call about planned stock failed; everybody takes these from `clients.sdk.errors`."""

from __future__ import annotations

from clients.sdk.error_kinds import FailedPreconditionError, NotFoundError


class SkuMappingNotFoundError(NotFoundError):
    """No mapping says of which articles the channel's item consists."""

    REASON = "SKU_MAPPING_NOT_FOUND"


class PurchasePlanNotFoundError(NotFoundError):
    """There is no such purchase plan."""

    REASON = "PURCHASE_PLAN_NOT_FOUND"


class PurchasePlanClosedError(FailedPreconditionError):
    """The plan's pieces came, or will not come."""

    REASON = "PURCHASE_PLAN_CLOSED"

    @property
    def state(self) -> str:
        """How it ended: `RECEIVED` or `DROPPED`."""
        return self.metadata.get("state", "")
