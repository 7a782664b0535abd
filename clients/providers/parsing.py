"""Reads what comes from outside, bounded in size and depth; what is odd is refused, not guessed.

A name that stands twice is refused everywhere: two readers of one message might take each its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn
from urllib.parse import unquote_to_bytes
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]  # Has none.
from defusedxml.ElementTree import DefusedXMLParser  # type: ignore[import-untyped]  # Has none.

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
# An escape that may stand for half a character, which no charset can write.
HALF_CHARACTER: Final = re.compile(r"\\u[dD][89a-fA-F]")
# A form as platforms write it: nothing raw but what may stand in an address, escapes in capitals.
# Else two bodies that differ in one byte could say the same, under one signature.
FORM: Final = re.compile(rb"(?:[A-Za-z0-9!$'()*,./:;=?@_~+&-]++|%[0-9A-F]{2})*+")
# What may name a message or an order in a receipt.
NAME: Final = re.compile(r"[ -~]{1,200}")


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


def charset_of(declared: str) -> str:
    """Return a charset that a platform may declare, by one name of it."""
    charset = CHARSETS.get(declared.strip().strip('"').lower())
    if charset is None:
        raise malformed("charset is unknown")
    return charset


def json_object(content: bytes | str) -> dict[str, Any]:
    """Return a JSON object: no name twice, no NaN, not deeper than 32."""
    found = _json(content)
    if not isinstance(found, dict):
        raise malformed("body is no JSON object of sound depth")
    return found


def json_objects(content: bytes) -> list[dict[str, Any]]:
    """Return a list of JSON objects, also where one came without its list."""
    found = _json(content)
    told = found if isinstance(found, list) else [found]
    objects = [each for each in told if isinstance(each, dict)]
    if len(objects) < len(told):
        raise malformed("body is no list of JSON objects")
    return objects


def _json(content: bytes | str) -> object:
    text = content if isinstance(content, str) else text_of(bounded(content))
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise malformed("body is no JSON") from None
    if _is_deep(found):
        raise malformed("body is no JSON object of sound depth")
    if HALF_CHARACTER.search(text) and not _is_text(json.dumps(found, ensure_ascii=False)):
        raise malformed("body has half a character")
    return found


def string(holder: object, key: str) -> str:
    """Return a text of an object that must be there."""
    found = holder.get(key) if isinstance(holder, dict) else None
    if not isinstance(found, str) or not found:
        raise malformed(f"{key} is missing or no text")
    return found


def name(found: object) -> str:
    """Return what names a message or an order; nothing where it could not be stored as a name."""
    is_name = isinstance(found, str) and NAME.fullmatch(found) is not None
    return str(found) if is_name else ""


def fields_of_form(body: bytes) -> dict[str, bytes]:
    """Return the fields of a form, url-decoded, in whatever charset they are."""
    if FORM.fullmatch(bounded(body)) is None:
        raise malformed("body is no form")
    return _fields(
        (unquote_to_bytes(key.replace(b"+", SPACE)), unquote_to_bytes(value.replace(b"+", SPACE)))
        for key, value in _pairs(body)
    )


def fields_of_plain(body: bytes) -> dict[str, bytes]:
    """Return the fields of `k=v&k=v` that is not url-encoded: `+` and line ends stay."""
    return _fields(_pairs(body))


def decoded(fields: Mapping[str, bytes], charset: str) -> dict[str, str]:
    """Return fields as text."""
    return {key: text_of(value, charset) for key, value in fields.items()}


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
        key, equals, value = part.partition(b"=")
        if not equals or not key:
            raise malformed("body has a part that is no field")
        yield key, value


def _fields(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for raw, value in pairs:
        key = text_of(raw, "ascii")
        if key in found:
            raise malformed("a field stands twice")
        found[key] = value
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def _is_text(found: str) -> bool:
    try:
        found.encode()
    except UnicodeEncodeError:
        return False
    return True


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
