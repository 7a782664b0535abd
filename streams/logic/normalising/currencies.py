"""Currencies: how many digits their minor units have, and how senders write their codes."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from streams.logic.normalising.refusals import UnfitError

# ISO 4217: the currencies that have no minor unit, and those whose minor unit is a thousandth.
_WHOLE: Final = (
    *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW"),
    *("PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"),
)
_THOUSANDTHS: Final = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
EXPONENTS: Final[Mapping[str, int]] = MappingProxyType(
    dict.fromkeys(_WHOLE, 0) | dict.fromkeys(_THOUSANDTHS, 3)
)

# ISO 4217: the currencies with cents, and those that went out of use since 2010 and stand in old
# orders. Of any other code nobody here knows how many digits it has; it would be a guess.
_HUNDREDTHS: Final = frozenset(
    code
    for row in (
        "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD",
        "BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD",
        "EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR",
        "IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP",
        "MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN",
        "QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB",
        "TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG",
        "EEK HRK LTL LVL MRO SLL STD VEF ZWL",
    )
    for code in row.split()
)

# ISO 4217 numbers of the currencies that UnionPay's merchants price in.
_NUMBERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        pair[:3]: pair[4:]
        for row in (
            "036=AUD 048=BHD 050=BDT 104=MMK 116=KHR 124=CAD 144=LKR 156=CNY 203=CZK",
            "208=DKK 344=HKD 348=HUF 356=INR 360=IDR 376=ILS 392=JPY 398=KZT 400=JOD",
            "404=KES 410=KRW 414=KWD 418=LAK 446=MOP 458=MYR 484=MXN 496=MNT 512=OMR",
            "554=NZD 578=NOK 586=PKR 608=PHP 643=RUB 682=SAR 702=SGD 704=VND 710=ZAR",
            "752=SEK 756=CHF 764=THB 784=AED 818=EGP 826=GBP 840=USD 901=TWD 949=TRY",
            "978=EUR 985=PLN 986=BRL",
        )
        for pair in row.split()
    }
)
_CODE: Final = re.compile(r"[A-Z]{3}", re.ASCII)
_LOWER: Final = re.compile(r"[a-z]{3}", re.ASCII)


def exponent(currency: str) -> int:
    """Return how many decimal digits the currency's minor unit has."""
    return EXPONENTS.get(currency, 2)


def upper(value: object) -> str:
    """Return an ISO 4217 code as sent."""
    if not isinstance(value, str) or not _CODE.fullmatch(value):
        raise UnfitError("A currency is three capital letters: CNY.")
    return _known(value)


def lower(value: object) -> str:
    """Return the ISO 4217 code of what the sender writes in small letters."""
    if not isinstance(value, str) or not _LOWER.fullmatch(value):
        raise UnfitError("A currency is three small letters here: usd.")
    return _known(value.upper())


def numeric(value: object) -> str:
    """Return the ISO 4217 code of a currency's number."""
    code = _NUMBERS.get(value) if isinstance(value, str) else None
    if code is None:
        raise UnfitError(
            "A currency is its ISO number of three digits here: 156. Where the number is right, "
            "add it to the reader's table; then retry the receipt."
        )
    return code


def _known(code: str) -> str:
    if code not in EXPONENTS and code not in _HUNDREDTHS:
        raise UnfitError(
            "This is no currency of ISO 4217, so nobody knows how many digits it has. Where the "
            "code is right, add it to the reader's table; then retry the receipt."
        )
    return code


# How a template may say that its sender writes currencies.
WRITTEN: Final[Mapping[str, Callable[[object], str]]] = MappingProxyType(
    {"upper": upper, "lower": lower, "numeric": numeric}
)
