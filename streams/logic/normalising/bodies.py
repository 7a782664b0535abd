"""Opens a body in the format that its template declares. Bytes in, plain data out."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from streams.logic.normalising.facts import RejectionReason
from streams.logic.normalising.form_text import form, pairs
from streams.logic.normalising.json_text import decode, parse
from streams.logic.normalising.refusals import UnreadableError
from streams.logic.normalising.xml_text import flat

# Bytes and content type in; out comes an object or a list of them.
Opening = Callable[[bytes, str], object]


def _json(body: bytes, _content_type: str) -> object:
    value = parse(decode(body))
    if not isinstance(value, dict | list):
        raise UnreadableError(
            RejectionReason.SYNTAX_INVALID, "body", "A JSON object or a list of them belongs here."
        )
    return value


def _closed(_body: bytes, _content_type: str) -> object:
    """Return no records: a message that we do not follow is kept as it is."""
    return []


FORMATS: Final[Mapping[str, Opening]] = MappingProxyType(
    {"json": _json, "form": form, "pairs": pairs, "xml": flat, "opaque": _closed}
)
