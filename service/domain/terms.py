"""On what terms orders are decided: what an installation sets, and no fact tells."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, unique
from types import MappingProxyType
from typing import Final

from service.domain.desk.catalogue import PLAIN, Catalogue
from service.domain.expectations import STAGE_LIMITS, Limits
from service.domain.schedules import Schedules


@unique
class Remedy(Enum):
    """What is done by itself about money that came and should not have."""

    CASE = "CASE"
    """A person decides; the case is opened whatever the remedy."""
    REFUND = "REFUND"
    """The provider is asked to give it back."""
    REINSTATE = "REINSTATE"
    """The order goes on."""


@dataclass(frozen=True, slots=True)
class Route:
    """Who takes a channel's money, where no source names it: a provider, and our account there."""

    provider: str
    account: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """The settings that decisions take."""

    limits: Limits = field(default_factory=lambda: STAGE_LIMITS)
    paid_after_cancel: Remedy = Remedy.CASE
    duplicate_charge: Remedy = Remedy.CASE
    # How long money may wait for its order before somebody must look for it.
    orphaned_after: timedelta = timedelta(minutes=15)
    routes: Mapping[str, tuple[Route, ...]] = field(default_factory=lambda: MappingProxyType({}))
    schedules: Schedules = field(default_factory=Schedules)
    # What the exception desk knows; cases that open by themselves take role and deadline from it.
    catalogue: Catalogue = PLAIN


USUAL: Final = Terms()
