"""Reads what comes from outside, bounded in size and depth; what is odd is refused, not guessed.

A name that stands twice is refused everywhere: two readers of one message might take each its own.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import unquote_to_bytes
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from clients.providers.calls import Refusal, RefusedError

# The largest genuine callbacks are some 20 KiB; what is longer costs time and proves nothing.
BODY_BYTES_MAX: Final = 256 * 1024
FIELDS_MAX: Final = 200
DEPTH_MAX: Final = 32
# What a Chinese platform may declare; Python knows a hundred more, some of them no charsets.
CHARSETS: Final = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "gbk": "gbk",
    "gb2312": "gbk",
    "gb18030": "gb18030",
}
SPACE: Final = b" "


def malformed(detail: str) -> RefusedError:
    """Return the refusal of a message that this platform does not send."""
    return RefusedError(Refusal.MALFORMED, detail)


def bounded(body: bytes) -> bytes:
    """Return the body if it is not too long to be genuine."""
    if len(body) > BODY_BYTES_MAX:
        raise malformed("body is too long")
    return body


def text_of(content: bytes, charset: str = "utf-8") -> str:
    """Return the bytes as text."""
    try:
        return content.decode(charset)
    except UnicodeDecodeError:
        raise malformed("text is not in its charset") from None


def charset_of(name: str) -> str:
    """Return Python's name of a charset that a platform may declare."""
    charset = CHARSETS.get(name.strip().strip('"').lower())
    if charset is None:
        raise malformed("charset is unknown")
    return codecs.lookup(charset).name


def json_object(content: bytes | str) -> dict[str, Any]:
    """Return a JSON object: no name twice, no NaN, not deeper than 32."""
    text = content if isinstance(content, str) else text_of(bounded(content))
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise malformed("body is no JSON") from None
    if not isinstance(found, dict) or _is_deep(found):
        raise malformed("body is no JSON object of sound depth")
    return found


def string(holder: object, name: str) -> str:
    """Return a text of an object that must be there."""
    found = holder.get(name) if isinstance(holder, dict) else None
    if not isinstance(found, str) or not found:
        raise malformed(f"{name} is missing or no text")
    return found


def fields_of_form(body: bytes) -> dict[str, bytes]:
    """Return the fields of a form, url-decoded, in whatever charset they are."""
    return _fields(
        (unquote_to_bytes(name.replace(b"+", SPACE)), unquote_to_bytes(value.replace(b"+", SPACE)))
        for name, value in _pairs(body)
    )


def fields_of_plain(body: bytes) -> dict[str, bytes]:
    """Return the fields of `k=v&k=v` that is not url-encoded: `+` and line ends stay as they are."""
    return _fields(_pairs(body))


def decoded(fields: dict[str, bytes], charset: str) -> dict[str, str]:
    """Return fields as text."""
    return {name: text_of(value, charset) for name, value in fields.items()}


def fields_of_xml(content: bytes, root: str) -> dict[str, str]:
    """Return the fields of a flat XML element; no DTD, no entities, nothing nested."""
    flat = _Flat(root)
    parser = DefusedXMLParser(target=flat, forbid_dtd=True)
    try:
        parser.feed(bounded(content))
        parser.close()
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise malformed("body is no plain XML") from None
    return flat.fields


class _Flat:
    """Takes what the XML parser sees, and refuses whatever is not name and text."""

    def __init__(self, root: str) -> None:
        self.fields: dict[str, str] = {}
        self._root = root
        self._depth = 0
        self._name = ""
        self._texts: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == 1:
            if tag != self._root:
                raise malformed("root element is another")
            return
        if self._depth > 2 or attributes or tag in self.fields or len(self.fields) >= FIELDS_MAX:  # noqa: PLR2004  # The root and its fields.
            raise malformed("XML is not a flat list of fields")
        self._name, self._texts = tag, []

    def data(self, text: str) -> None:
        if self._depth > 1:
            self._texts.append(text)
        elif text.strip():
            raise malformed("XML has text between its fields")

    def end(self, tag: str) -> None:
        if self._depth > 1:
            self.fields[tag] = "".join(self._texts)
        self._depth -= 1

    def close(self) -> None:
        """End; the fields are the result."""


def _pairs(body: bytes) -> Iterable[tuple[bytes, bytes]]:
    parts = bounded(body).split(b"&", FIELDS_MAX)
    if len(parts) > FIELDS_MAX:
        raise malformed("body has too many fields")
    for part in parts:
        name, equals, value = part.partition(b"=")
        if not equals or not name:
            raise malformed("body has a part that is no field")
        yield name, value


def _fields(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for raw, value in pairs:
        name = text_of(raw, "ascii")
        if name in found:
            raise malformed("a field stands twice")
        found[name] = value
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _refuse(name: str) -> Any:
    raise ValueError(name)


def _is_deep(found: object) -> bool:
    level = [found]
    for _ in range(DEPTH_MAX):
        level = [
            inner
            for each in level
            for inner in (
                each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
            )
        ]
        if not level:
            return False
    return True
