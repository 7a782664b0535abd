"""Writes down the facts of one order as an expectation, and opens an export as an importer does."""

import csv
import json
from collections.abc import Mapping
from dataclasses import replace

from streams.logic.normalising import Circumstance, Fact, FactKind, Money, OrderRef
from tests.contract.samples.conformance import facts_of, utc


class Told:
    """What one channel tells of one order; each call is one expected fact, at a time in UTC."""

    def __init__(self, channel: str, order: str, *how: Circumstance) -> None:
        self._channel, self._order, self._how = channel, order, how

    def __call__(self, kind: FactKind, at: str, **fields: object) -> Fact:
        return Fact(  # type: ignore[arg-type]  # a builder
            fact_id="",
            kind=kind,
            ref=OrderRef(self._channel, self._order),
            source=self._channel,
            channel=self._channel,
            occurred_at=utc(at),
            circumstances=self._how,
            **fields,
        )


def yuan(written: str) -> Money:
    """An amount in CNY, from its decimal text."""
    whole, _, fen = written.partition(".")
    return Money(int(whole) * 100 + int(fen or 0), "CNY")


def nameless(template: str, body: bytes) -> tuple[Fact, ...]:
    """The facts of a message without what is hashed of a person: that depends on a secret."""
    return tuple(replace(fact, customer="", identities=()) for fact in facts_of(template, body))


def rows_of(recorded: bytes, encoding: str) -> list[dict[str, str]]:
    """The rows of an export by the names of its columns, values without tabs around them."""
    text = recorded.decode(encoding)
    return [
        {name.strip(): (value or "").strip() for name, value in row.items() if name}
        for row in csv.DictReader(text.splitlines())
    ]


def as_receipt(*rows: Mapping[str, str], day: str = "2025-12-28") -> bytes:
    """The rows of one order as the body of a receipt."""
    return json.dumps({"day": day, "rows": list(rows)}).encode()
