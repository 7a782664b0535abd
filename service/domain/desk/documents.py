"""Documents: what a step asks for before it goes on."""

import re
from dataclasses import dataclass
from enum import Enum, unique

from service.domain.desk.taxonomy import Words


@unique
class DocumentForm(Enum):
    """What a document is."""

    FILE = "file"
    """A reference to something kept elsewhere, with hash and size."""
    NUMBER = "number"
    """A number that another system gave: of an approval, a refund, a parcel."""
    DAYS = "days"
    """A count of days."""
    TEXT = "text"
    """Words, such as what was agreed."""


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """One kind of document. `pattern` is what a value must look like; empty: any."""

    name: str
    title: Words
    form: DocumentForm
    pattern: str = ""

    def takes(self, value: str) -> bool:
        """Tell whether a value can be one."""
        return bool(value.strip()) and (not self.pattern or bool(re.fullmatch(self.pattern, value)))
