"""Refusals of those who plan stock: mappings that nobody told of, plans that are over."""

from service.domain.errors import OrderError


class SkuMappingNotFoundError(OrderError):
    """No mapping says of which articles the channel's item consists."""

    reason = "SKU_MAPPING_NOT_FOUND"
    template = "Nobody said what {channel_sku} of {channel} consists of."
    fields = ("channel", "channel_sku")


class PurchasePlanNotFoundError(OrderError):
    """There is no such purchase plan."""

    reason = "PURCHASE_PLAN_NOT_FOUND"
    template = "There is no purchase plan {purchase_plan}."
    fields = ("purchase_plan",)


class PurchasePlanClosedError(OrderError):
    """The plan's pieces came, or will not come."""

    reason = "PURCHASE_PLAN_CLOSED"
    template = "Purchase plan {purchase_plan} is {state}. Make another one."
    fields = ("purchase_plan", "state")
