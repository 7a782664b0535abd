"""Turns a message in XML into the object that the same message is in JSON.

An application chooses in which of the two it gets messages. Templates read one of them.
"""

from __future__ import annotations

from typing import Any, Final
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]  # Has none.
from defusedxml.ElementTree import DefusedXMLParser  # type: ignore[import-untyped]  # Has none.

from clients.providers.parsing import FIELDS_MAX, bounded, malformed

ROOT: Final = "xml"
# Messages are three deep: the message, its object, the object's lists.
DEPTH_MAX: Final = 6


def object_of_xml(content: bytes) -> dict[str, Any]:
    """Return the fields as texts and objects; a name that stands again inside makes a list."""
    tree = _Tree()
    parser = DefusedXMLParser(target=tree, forbid_dtd=True)
    try:
        parser.feed(bounded(content))
        parser.close()
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise malformed("body is no plain XML") from None
    return tree.fields


class _Tree:
    """Takes what the XML parser sees."""

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}
        self._open: list[tuple[str, dict[str, Any], list[str]]] = []
        self._count = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if attributes or self._count > FIELDS_MAX or len(self._open) >= DEPTH_MAX:
            raise malformed("XML is no message of sound size")
        if not self._open and tag != ROOT:
            raise malformed("root element is another")
        self._open.append((tag, {} if self._open else self.fields, []))

    def data(self, text: str) -> None:
        if self._open:
            self._open[-1][2].append(text)

    def end(self, _: str) -> None:
        tag, fields, texts = self._open.pop()
        text = "".join(texts)
        if fields and text.strip():
            raise malformed("XML has text between its fields")
        if not self._open:
            return
        holder = self._open[-1][1]
        value: Any = fields or text
        if tag not in holder:
            holder[tag] = value
        elif len(self._open) == 1:
            raise malformed("a field stands twice")
        elif isinstance(holder[tag], list):
            holder[tag].append(value)
        else:
            holder[tag] = [holder[tag], value]

    def close(self) -> None:
        """End; the fields are the result."""
