"""Reads text: order numbers, vouchers, articles, notes. As sent, or not at all; never mended."""

import re
from typing import Final

from streams.logic.normalising.facts import Circumstance
from streams.logic.normalising.json_text import Fraction
from streams.logic.normalising.refusals import UnfitError

# The longest outside number that we know is 64 characters; twice that stops a body that was
# pasted into an id field.
TEXT_MAX: Final = 128

# Sealed buyer ids of the platforms have a hundred characters and grow.
_KEY_MAX: Final = 512

# C0 and C1 controls cannot be stored or printed; lone surrogates cannot be encoded at all.
_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

# What a spreadsheet makes of a long number: 4.70529E+18, of which only six digits are left.
_ROUNDED: Final = re.compile(r"[0-9](?:\.[0-9]+)?E\+[0-9]{2,3}", re.ASCII | re.IGNORECASE)

_WORD: Final = re.compile(r"[A-Za-z0-9_.:/-]{1,64}", re.ASCII)
_NAMESPACE: Final = re.compile(r"[a-z0-9_]{1,32}", re.ASCII)
_ACCOUNT: Final = re.compile(r"[a-z0-9-]{1,40}", re.ASCII)

# 2^31 - 1 is what the contract holds; a million pieces of one article is a typing error.
_QUANTITY_MAX: Final = 1_000_000


def identifier(value: object) -> str:
    """Return an outside number as text, digit for digit.

    A whole JSON number is exact at any length. A number with a point or an exponent went through
    a float on its way: its last digits are lost, and nobody can say which they were.
    """
    if isinstance(value, Fraction):
        raise UnfitError(
            "This number passed through a float and lost digits; have the sender write ids as text."
        )
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 0:
            raise UnfitError("An id is not negative.")
        return _bounded(str(value))
    if isinstance(value, str) and _ROUNDED.fullmatch(value):
        raise UnfitError(
            "A spreadsheet rounded this number, and its last digits are lost: export the file "
            "again, and import it without opening it."
        )
    return text(value)


def key(value: object) -> str:
    """Return what is only hashed: a person's number at a channel, which may be long ciphertext."""
    if isinstance(value, str) and len(value) <= _KEY_MAX and not _UNPRINTABLE.search(value):
        return value
    return identifier(value)


def text(value: object) -> str:
    """Return a short printable text as sent."""
    if not isinstance(value, str):
        raise UnfitError("This must be text.")
    return _bounded(value)


def word(value: object) -> str:
    """Return a machine word: it enters journals, so it must not be able to name a person."""
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise UnfitError("This must be one word: ASCII letters, digits and the signs _.:/- only.")
    return value


def namespace(value: object) -> str:
    """Return whose name an order number is: lower-case letters, digits, `_`."""
    if not isinstance(value, str) or not _NAMESPACE.fullmatch(value):
        raise UnfitError("This must be lower-case ASCII letters, digits and _ (at most 32).")
    return value


def account(value: object) -> str:
    """Return the name of a merchant account, as our settings write it."""
    if not isinstance(value, str) or not _ACCOUNT.fullmatch(value):
        raise UnfitError("This must be lower-case ASCII letters, digits and - (at most 40).")
    return value


def choice(value: object) -> str:
    """Return what a case is chosen by: a state, a tag, a type."""
    if isinstance(value, int) and not isinstance(value, bool):
        return _bounded(str(value))
    return text(value)


def written(value: object) -> str | None:
    """Return a value as a sender writes it, where conditions compare it; None if it is no scalar.

    Senders write one state as a number here and as text there.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Fraction):
        return value.text
    return str(value) if isinstance(value, int) else None


def quantity(value: object) -> int:
    """Return a number of pieces, above zero."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:20])
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnfitError("A quantity is a whole number.")
    if not 0 < value <= _QUANTITY_MAX:
        raise UnfitError(f"A quantity lies between 1 and {_QUANTITY_MAX}.")
    return value


def circumstance(value: object) -> Circumstance:
    """Return how something came about, from its name in either case."""
    if isinstance(value, str) and value.upper() in Circumstance.__members__:
        return Circumstance[value.upper()]
    known = ", ".join(each.lower() for each in Circumstance)
    raise UnfitError(f"Unknown circumstance; known are: {known}.")


def _bounded(value: str) -> str:
    if len(value) > TEXT_MAX:
        raise UnfitError(f"Longer than {TEXT_MAX} characters.")
    if _UNPRINTABLE.search(value) or value != value.strip():
        raise UnfitError("Contains control characters, or blanks at its ends.")
    return value
