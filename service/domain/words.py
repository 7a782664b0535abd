"""Words of the domain: enums that are looked up many times in each decision."""

from enum import Enum
from operator import attrgetter
from typing import TYPE_CHECKING


class Word(Enum):
    """An enum whose members hash as the single objects that they are, and give their values away.

    For both, Python's own enums run functions written in Python: a fifth of a decision.
    """

    __hash__ = object.__hash__

    if not TYPE_CHECKING:
        value = property(attrgetter("_value_"))
