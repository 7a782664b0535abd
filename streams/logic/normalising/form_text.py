"""Reads flat texts of `key=value` pairs: url-encoded forms, and answers that are not encoded.

A form that was cut may look whole: nothing in it says where it ends. That is why the edge checks
the sender's signature over the whole body before it submits a receipt.
"""

from typing import Final
from urllib.parse import unquote_to_bytes

from streams.logic.normalising import charsets
from streams.logic.normalising.facts import RejectionReason
from streams.logic.normalising.refusals import UnreadableError, field_named

# The most talkative notice that we know has about sixty; a body of nothing but `&` has millions.
FIELDS_MAX: Final = 500

# Under which names messages declare their charset: Alipay's, and UnionPay's.
_DECLARING: Final = (b"charset", b"encoding")


def form(body: bytes, content_type: str) -> dict[str, object]:
    """Return the fields of an `application/x-www-form-urlencoded` body."""
    decoded = [
        (_unquoted(key), _unquoted(value)) for key, value in _pairs(body.strip(b"\r\n"), "body")
    ]
    return _fields(decoded, content_type)


def pairs(body: bytes, content_type: str) -> dict[str, object]:
    """Return the fields of a body of `key=value&key=value` that is not url-encoded.

    A value ends at `&` and may hold anything else: `=`, `+`, `%`, line ends of a certificate.
    """
    return _fields(_pairs(body.rstrip(b"\r\n"), "body"), content_type)


def _pairs(body: bytes, field: str) -> list[tuple[bytes, bytes]]:
    written = body.split(b"&", FIELDS_MAX)
    if len(written) > FIELDS_MAX:
        raise _no_form(field, f"More than {FIELDS_MAX} fields; this is no message of a platform.")
    found = []
    for each in written:
        key, equals, value = each.partition(b"=")
        if not equals or not key:
            raise _no_form(field, "No key=value pairs. Send the message again, uncut.")
        found.append((key, value))
    return found


def _unquoted(raw: bytes) -> bytes:
    return unquote_to_bytes(raw.replace(b"+", b" "))


def _fields(raw: list[tuple[bytes, bytes]], content_type: str) -> dict[str, object]:
    charset = _charset(raw, content_type)
    found: dict[str, object] = {}
    for raw_key, raw_value in raw:
        key = charsets.decode(raw_key, charset, "body")
        if key in found:
            raise _no_form(field_named(key), "The key stands twice: nobody can say which counts.")
        found[key] = charsets.decode(raw_value, charset, field_named(key))
    return found


def _charset(raw: list[tuple[bytes, bytes]], content_type: str) -> str:
    """Return what the message itself declares, which its signature covers; else its header."""
    for name in _DECLARING:
        for key, value in raw:
            if key == name and value:
                return value[:32].decode("ascii", "replace")
    return charsets.of_content_type(content_type)


def _no_form(field: str, advice: str) -> UnreadableError:
    return UnreadableError(RejectionReason.SYNTAX_INVALID, field, advice)
