"""Which parts the service has; the clockwork does their works in this order."""

from collections.abc import Callable
from typing import Final

from service.wiring.batches import batches
from service.wiring.cases import cases
from service.wiring.channels import channels
from service.wiring.customers import customers
from service.wiring.ground import Ground, Part
from service.wiring.imports import imports
from service.wiring.insights import insights
from service.wiring.notices import notices
from service.wiring.orders import orders
from service.wiring.overseeing import overseeing
from service.wiring.probes import probes
from service.wiring.queues import queues
from service.wiring.reconciliations import reconciliations
from service.wiring.stock import stock
from service.wiring.workflows import workflows

PARTS: Final[tuple[Callable[[Ground], Part], ...]] = (
    workflows,
    orders,
    stock,
    probes,
    cases,
    notices,
    imports,
    reconciliations,
    channels,
    customers,
    batches,
    queues,
    insights,
    overseeing,
)
