"""Reads flat XML: one element whose children are fields of text. No DTD, no entities, no nesting.

Indexed fields (`coupon_fee_0`, `coupon_fee_1`) keep their plain names.
"""

import re
from typing import Final
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]  # no stubs
from defusedxml.ElementTree import DefusedXMLParser  # type: ignore[import-untyped]  # no stubs

from streams.logic.normalising import charsets
from streams.logic.normalising.facts import RejectionReason
from streams.logic.normalising.refusals import UnreadableError, field_named

# A notice has two or three thousand characters; one with a hundred coupons about 20,000.
LENGTH_MAX: Final = 256 * 1024
FIELDS_MAX: Final = 500

_DECLARED: Final = re.compile(
    rb"""\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_-]{1,32})["']"""
)


def flat(body: bytes, content_type: str) -> dict[str, object]:
    """Return the fields of a flat XML body."""
    if len(body) > LENGTH_MAX:
        raise _no_xml("body", f"Longer than {LENGTH_MAX} bytes; this is no notice of a platform.")
    declared = _DECLARED.match(body)
    charset = declared[1].decode("ascii") if declared else charsets.of_content_type(content_type)
    text = charsets.decode(body.removeprefix(b"\xef\xbb\xbf"), charset, "body")
    parser = DefusedXMLParser(target=_Fields(), forbid_dtd=True)
    try:
        parser.feed(text.strip())
        found: dict[str, object] = parser.close()
    except DefusedXmlException:
        raise _no_xml("body", "A DTD or an entity has no place in a notice; refuse it.") from None
    except ParseError as error:
        line, column = error.position
        raise _no_xml(
            "body",
            f"No whole XML: it breaks in line {line}, column {column}. Send it again, uncut.",
        ) from None
    return found


class _Fields:
    """Collects the children of the root while the parser reads; refuses anything deeper."""

    def __init__(self) -> None:
        self.found: dict[str, object] = {}
        self.depth = 0
        self.text: list[str] = []

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        """Open the root, or a field in it."""
        self.depth += 1
        self.text = []
        if self.depth > 2:  # noqa: PLR2004  # the root, and a field
            raise _no_xml("body", "Elements inside a field; these notices are flat.")
        if self.depth == 1:
            return
        if name in self.found:
            raise _no_xml(field_named(name), "The field stands twice: nobody can say which counts.")
        if len(self.found) >= FIELDS_MAX:
            raise _no_xml("body", f"More than {FIELDS_MAX} fields.")
        self.found[name] = ""

    def data(self, text: str) -> None:
        """Keep what stands inside a field."""
        self.text.append(text)

    def end(self, name: str) -> None:
        """Close a field, or the root."""
        if self.depth > 1:
            self.found[name] = "".join(self.text)
        self.text = []
        self.depth -= 1

    def close(self) -> dict[str, object]:
        """Return the fields; the parser hands this on."""
        return self.found


def _no_xml(field: str, advice: str) -> UnreadableError:
    return UnreadableError(RejectionReason.SYNTAX_INVALID, field, advice)
