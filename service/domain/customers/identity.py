"""By what a person is known: keyed hashes, made where messages are read."""

from enum import unique
from typing import Final, NamedTuple

from service.domain.words import Word


@unique
class IdentityKind(Word):
    """What was hashed; the names are those of `concord.intake.v1.Identity.Kind`."""

    PLATFORM = "PLATFORM"
    PHONE = "PHONE"
    MAIL = "MAIL"
    NAME = "NAME"
    ADDRESS = "ADDRESS"


# Kinds of which one value belongs to one person, if nobody shares it. The others only support or
# contradict.
PROVING: Final = frozenset({IdentityKind.PLATFORM, IdentityKind.PHONE, IdentityKind.MAIL})


class Identity(NamedTuple):
    """One thing by which a person is known; the platform masked it where there is no digest."""

    kind: IdentityKind
    digest: str

    @property
    def is_masked(self) -> bool:
        """A mask is equal for many people; it matches nothing."""
        return not self.digest
