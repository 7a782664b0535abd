"""Finds the charset of a body, and decodes by it. Nothing is guessed from the bytes themselves."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from streams.logic.normalising.facts import RejectionReason
from streams.logic.normalising.refusals import UnreadableError

# What the platforms offer. UTF-16 or a charset that spells ASCII in other bytes is none of them,
# so names and signs of a form can be found before its charset is known.
_CODECS: Final[Mapping[str, str]] = MappingProxyType(
    {"utf-8": "utf-8", "utf8": "utf-8", "gbk": "gbk", "gb2312": "gbk", "gb18030": "gb18030"}
)
_IN_CONTENT_TYPE: Final = re.compile(r'charset\s*=\s*"?([A-Za-z0-9_-]{1,32})', re.ASCII)


def of_content_type(content_type: str) -> str:
    """Return the charset that a content type names; empty where it names none."""
    found = _IN_CONTENT_TYPE.search(content_type[:1024])
    return found[1] if found else ""


def decode(raw: bytes, charset: str, field: str) -> str:
    """Return the text of bytes in a charset by name; no name means UTF-8.

    Raises:
        UnreadableError: it is none of the charsets that we know, or the bytes are in another.
    """
    codec = _CODECS.get(charset.lower() or "utf-8")
    if codec is None:
        raise UnreadableError(
            RejectionReason.ENCODING_INVALID, "charset", "Send UTF-8, GBK or GB18030, and say so."
        )
    try:
        return raw.decode(codec)
    except UnicodeDecodeError:
        raise UnreadableError(
            RejectionReason.ENCODING_INVALID,
            field,
            "The bytes are not in the charset that the message declares; have the sender correct "
            "one of them.",
        ) from None
