"""Collects what is wrong with a request, all at once, as field paths with advice."""

import contextlib
import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money as MoneyProto

from service.domain.errors import InvalidRequestError
from service.domain.money import AMOUNT_MINOR_MAX, Money, exponent

TEXT_MAX: Final = 200
REASON_MAX: Final = 1_000
NANO_DIGITS: Final = 9
# Years that a database column and every client can hold, and that an order can have.
YEARS: Final = (1970, 2200)
_EPOCH: Final = datetime(YEARS[0], 1, 1, tzinfo=UTC)
_END_S: Final = int(datetime(YEARS[1], 1, 1, tzinfo=UTC).timestamp())
_NANOS: Final = 10**NANO_DIGITS
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
# Unicode's category Cc without tab and line feed.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_DAY: Final = re.compile(r"(19[7-9]\d|20\d\d|21\d\d)-\d\d-\d\d", re.ASCII)
_WORD: Final = re.compile(r"[a-z0-9_]{1,40}")


class Violations:
    """Reads fields; a bad one is noted and read as a harmless value, until `refuse` is called."""

    def __init__(self) -> None:
        """Start with nothing wrong."""
        self._found: list[tuple[str, str]] = []

    def add(self, path: str, advice: str) -> None:
        """Note a bad field."""
        self._found.append((path, advice))

    def refuse(self) -> None:
        """Raise `InvalidRequestError` if anything is wrong."""
        if self._found:
            raise InvalidRequestError(tuple(self._found))

    def text(self, path: str, value: str, *, longest: int = TEXT_MAX, needed: bool = False) -> str:
        """Read text: of bounded length, without control characters."""
        if needed and not value:
            self.add(path, "send it: it must not be empty")
        if len(value) > longest:
            self.add(path, f"send at most {longest} characters")
        elif _CONTROL.search(value):
            self.add(path, "send it without control characters")
        return value

    def word(self, path: str, value: str, *, needed: bool = True) -> str:
        """Read a name of a source, channel or namespace."""
        if (value or needed) and not _WORD.fullmatch(value):
            self.add(path, "send 1 to 40 lower-case letters, digits or _")
        return value

    def resource(self, path: str, value: str, collection: str) -> str:
        """Read `collection/id` and return the id."""
        head, _, tail = value.partition("/")
        if head != collection or not tail or "/" in tail or len(tail) > TEXT_MAX:
            self.add(path, f"send {collection}/ID")
        return self.text(path, tail)

    def uuid(self, path: str, value: str) -> str:
        """Read an optional UUID, in lower case."""
        if value and not _UUID.fullmatch(value):
            self.add(path, "send a UUID, such as one from uuidgen")
        return value.lower()

    def number(self, path: str, value: int, *, most: int, default: int) -> int:
        """Read a size: 0 means the default, more than `most` is cut to it."""
        if value < 0:
            self.add(path, "send 0 or more")
        return min(value, most) or default

    def moment(self, path: str, value: Timestamp, *, default: datetime) -> datetime:
        """Read a moment; an unset one is `default`."""
        seconds, nanos = value.seconds, value.nanos
        if not seconds and not nanos:
            return default
        if 0 <= seconds < _END_S and 0 <= nanos < _NANOS:
            return _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1_000)
        advice = "send a time between the years 1970 and 2200"
        try:
            value.ToDatetime(tzinfo=UTC)
        except (ValueError, OverflowError):
            advice = "send a valid time between the years 1970 and 2200"
        self.add(path, advice)
        return default

    def day(self, path: str, value: str) -> date:
        """Read a calendar day: `2025-12-28`."""
        if _DAY.fullmatch(value):
            with contextlib.suppress(ValueError):
                return date.fromisoformat(value)
        self.add(path, "send a day such as 2025-12-28, between the years 1970 and 2199")
        return _EPOCH.date()

    def money(self, path: str, value: MoneyProto) -> Money:
        """Read money: a currency, not negative, no fraction of its minor unit."""
        currency = value.currency_code
        if not _CURRENCY.fullmatch(currency):
            self.add(f"{path}.currency_code", "send an ISO 4217 code, such as CNY")
            return Money.zero("CNY")
        step = 10 ** (NANO_DIGITS - exponent(currency))
        if value.units < 0 or value.nanos < 0:
            self.add(path, "send an amount that is not negative")
        elif value.nanos % step or value.nanos >= 10**NANO_DIGITS:
            self.add(f"{path}.nanos", f"send whole minor units of {currency}: multiples of {step}")
        minor = value.units * 10 ** exponent(currency) + value.nanos // step
        if minor > AMOUNT_MINOR_MAX:
            self.add(path, "send a smaller amount")
            return Money.zero(currency)
        return Money(max(minor, 0), currency)

    def positive_money(self, path: str, value: MoneyProto) -> Money:
        """Read money above zero."""
        amount = self.money(path, value)
        if amount.minor == 0:
            self.add(path, "send an amount above zero")
        return amount
