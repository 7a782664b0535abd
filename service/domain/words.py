"""Words of the domain: enums that are looked up many times in each decision."""

from enum import Enum


class Word(Enum):
    """An enum whose members hash as the single objects that they are.

    Python's own enums hash their names, by a function written in Python: a sixth of a decision.
    """

    __hash__ = object.__hash__
