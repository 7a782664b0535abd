"""By what a person is known: phones, mails, names, addresses, as keyed hashes that can be matched.

Equal values give equal digests, under a key that only the edge has. What a platform hid gives
none: two masks are equal for a thousand people. What cannot be brought into one form is left out;
nothing here ever refuses a record.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import phonenumbers

from streams.logic.normalising.facts import Identity, IdentityKind
from streams.logic.normalising.places import Record
from streams.logic.normalising.sketching import sketch
from streams.logic.normalising.template import IdentityRule, Pick, Pseudonym

# Longer ones are bodies that were pasted into a field.
_VALUE_MAX: Final = 400
_IDENTITIES_MAX: Final = 20
# 138****5678, 张**, j•••@example.com; and what stands for digits: 138xxxx5678.
_MASKED: Final = re.compile(r"[*＊•●]|[xX×]{3}")
# Ciphertext of the platforms: Douyin ##…, $$…; Pinduoduo and Taobao ~…; JD's begins alike.
_SEALED: Final = re.compile(r"(?:##|\$\$|~).+", re.DOTALL)
# A relay number changes with each order: 17012345678转1234, 18412345678-1234, 95013….
_RELAYED: Final = re.compile(r"\d{11}\s*(?:转|,|#|-|ext\.?)\s*\d{2,6}\b|^\+?(?:86)?9501\d", re.I)
_CHINESE_MOBILE: Final = re.compile(r"1[3-9]\d{9}")
_MAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s.]+")
# [1234] behind a name tells parcels apart, not people; nor do titles.
_CODE: Final = re.compile(r"[\[【(（].*?[\])）】]")
_TITLE: Final = re.compile(
    r"(?:先生|女士|小姐|收|mr|mrs|ms|miss)\.?$|^(?:mr|mrs|ms|miss)[. ]", re.I
)
_HAN: Final = re.compile(r"[㐀-鿿]")
_SIGNS: Final = re.compile(r"[\W_]+")
_NAMES_FROM: Final = 2


def identities(
    rules: tuple[IdentityRule, ...], record: Record, namespace: str, pseudonym: Pseudonym
) -> tuple[Identity, ...]:
    """Return by what the record's person is known, each once."""
    found = (each for rule in rules for each in _told(rule, record, namespace, pseudonym))
    return tuple(dict.fromkeys(found))[:_IDENTITIES_MAX]


def _told(
    rule: IdentityRule, record: Record, namespace: str, pseudonym: Pseudonym
) -> Iterator[Identity]:
    scope = next(_values(rule.scope, record), "") if rule.scope is not None else ""
    if len(rule.picks) > 1:
        parts = [next(_values(each, record), "") for each in rule.picks]
        values = iter(["".join(parts)])
    else:
        values = _values(rule.picks[0], record)
    for value in values:
        if is_masked(value) or (rule.kind is IdentityKind.PHONE and _RELAYED.search(value)):
            yield Identity(rule.kind, "", is_masked=True)
        elif digest := _DIGESTS[rule.kind](value, scope or namespace, pseudonym):
            yield Identity(rule.kind, digest)


def _values(pick: Pick, record: Record) -> Iterator[str]:
    """Yield the texts at the first place that has any."""
    for path in pick.paths:
        values = [_text(each) for each in record.all(path)]
        told = [each for each in values if each]
        if told:
            yield from told
            return
    if pick.literal is not None:
        yield pick.literal


def _text(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or len(value) > _VALUE_MAX:
        return ""
    # A lone surrogate cannot be hashed; whoever sends one names nobody.
    plain = value.encode(errors="ignore").decode()
    return unicodedata.normalize("NFKC", plain).strip() if plain == value else ""


def is_masked(value: str) -> bool:
    """Tell whether a platform hid the value, or part of it."""
    return _MASKED.search(value) is not None or _SEALED.fullmatch(value) is not None


def phone(value: str, region: str) -> str:
    """Return a number in E.164; empty where it is none."""
    digits = re.sub(r"[\s().-]", "", value)
    if region == "CN" and _CHINESE_MOBILE.fullmatch(digits):
        return f"+86{digits}"
    try:
        parsed = phonenumbers.parse(digits, region.upper())
    except phonenumbers.NumberParseException:
        return ""
    if parsed.extension or not phonenumbers.is_valid_number(parsed):
        return ""
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def mail(value: str) -> str:
    """Return an address as it is compared: lower case, without a tag behind `+`."""
    told = value.removeprefix("mailto:").lower()
    if not _MAIL.fullmatch(told):
        return ""
    box, _, host = told.rpartition("@")
    return f"{box.partition('+')[0] or box}@{host}"


def name(value: str) -> tuple[str, str]:
    """Return the script (`h` or `l`) and a name as it is compared; empty where it is none."""
    told = _TITLE.sub("", _CODE.sub("", value).strip().lower()).strip()
    if _HAN.search(told):
        plain, script = _SIGNS.sub("", told), "h"
    else:
        # Family names stand first or last.
        words = _SIGNS.split(told.replace("'", ""))
        plain, script = " ".join(sorted(filter(None, words))), "l"
    return (script, plain) if len(plain) >= _NAMES_FROM else ("", "")


def _phone_digest(value: str, region: str, pseudonym: Pseudonym) -> str:
    known = region if len(region) == 2 else "CN"  # noqa: PLR2004  # ISO 3166
    told = phone(value, known)
    return pseudonym("+phone", told) if told else ""


def _mail_digest(value: str, _: str, pseudonym: Pseudonym) -> str:
    told = mail(value)
    return pseudonym("+mail", told) if told else ""


def _name_digest(value: str, _: str, pseudonym: Pseudonym) -> str:
    script, plain = name(value)
    return f"{script}-{pseudonym('+name', plain)}" if plain else ""


def _address_digest(value: str, _: str, pseudonym: Pseudonym) -> str:
    return sketch(_SIGNS.sub("", value).lower(), pseudonym)


_DIGESTS: Final[Mapping[IdentityKind, Callable[[str, str, Pseudonym], str]]] = {
    IdentityKind.PLATFORM: lambda value, namespace, pseudonym: pseudonym(namespace, value),
    IdentityKind.PHONE: _phone_digest,
    IdentityKind.MAIL: _mail_digest,
    IdentityKind.NAME: _name_digest,
    IdentityKind.ADDRESS: _address_digest,
}
