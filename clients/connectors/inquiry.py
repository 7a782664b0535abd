"""What a provider is asked, and what came of it.

Four ways of learning nothing are told apart, because they call for different patience; none of
them says anything about the money.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, unique
from typing import Final, Protocol, TypeVar

from clients.connectors.amounts import Amount
from clients.providers.accounts.account import Account

Clock = Callable[[], datetime]
"""Tells the time, aware."""

# As read: we ask for UTF-8, and an answer that is none is refused. What providers write into their
# headers varies: Alipay calls its JSON text/html.
JSON_TYPE: Final = "application/json; charset=utf-8"


@unique
class Kind(Enum):
    """What is asked for; the names are those of `concord.probes.v1.Probe.Kind`."""

    PAYMENT = "PAYMENT"
    CAPTURE = "CAPTURE"
    REFUND = "REFUND"


@unique
class Result(Enum):
    """What an attempt brought; the names are those of `ReportProbeRequest.Result`."""

    ANSWERED = "ANSWERED"
    NOT_FOUND = "NOT_FOUND"
    UNREACHABLE = "UNREACHABLE"
    THROTTLED = "THROTTLED"
    REFUSED = "REFUSED"
    SUBMITTED = "SUBMITTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question about one trade or refund."""

    kind: Kind
    trade: str
    """Our number of the trade."""
    since: datetime
    """When the wait began; the same however often it is asked."""
    handle: str = ""
    """What the provider needs beside it: UnionPay's txnTime, Stripe's payment intent."""
    payment: str = ""
    """The payment's number at the provider."""
    refund: str = ""
    """Our refund number."""
    amount: Amount | None = None
    """What is to go back."""
    total: Amount | None = None
    """What the payment brought."""
    submit: bool = False
    """Whether the provider must be asked to give the money back first."""

    @property
    def is_refund(self) -> bool:
        """Return whether it is about money that goes back."""
        return self.kind is Kind.REFUND


@dataclass(frozen=True, slots=True)
class Evidence:
    """A verified answer, which becomes a receipt."""

    template: str
    body: bytes = field(repr=False)
    content_type: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of asking."""

    result: Result
    code: str = ""
    """The provider's own code, where it gave one; else ours, of `Code`."""
    retry_after_s: int = 0
    evidence: Evidence | None = None


class Code:
    """Codes of ours, where the provider gave none."""

    SIGNATURE = "SIGNATURE"
    """The answer is not signed by the provider, or not just now, or not for us."""
    OTHER_TRADE = "OTHER_TRADE"
    """Signed, and about something that was not asked."""
    MALFORMED = "MALFORMED"
    """No answer of this provider: HTML, cut JSON, a page of somebody in between."""
    CONNECT = "CONNECT"
    TIMEOUT = "TIMEOUT"
    BROKEN = "BROKEN"
    """The connection ended before the answer did."""
    REDIRECT = "REDIRECT"
    TOO_LARGE = "TOO_LARGE"
    PAUSED = "PAUSED"
    """Not asked: the provider has failed, or throttled us, a moment ago."""
    ACCOUNT_UNKNOWN = "ACCOUNT_UNKNOWN"
    """The accounts file has no such account, or several where none was named."""
    HANDLE_MISSING = "HANDLE_MISSING"
    """The provider cannot be asked without what the shop did not tell."""
    REFUND_UNFIT = "REFUND_UNFIT"
    """This provider takes no such refund number, amount or currency."""
    RECEIPT_REFUSED = "RECEIPT_REFUSED"
    """The service does not take the answer as a receipt: a defect."""
    CONNECTOR_FAILED = "CONNECTOR_FAILED"
    """A defect of the connector; the log has it."""


class NothingLearntError(Exception):
    """Asking brought no answer about the trade; `finding` says why."""

    def __init__(self, result: Result, code: str = "", retry_after_s: int = 0) -> None:
        super().__init__(f"{result.value}: {code}")
        self.finding = Finding(result, code, retry_after_s)


def unreachable(code: str) -> NothingLearntError:
    """Return that nothing was learnt, and that asking again may help."""
    return NothingLearntError(Result.UNREACHABLE, code)


def refused(code: str) -> NothingLearntError:
    """Return that the provider does not take our question, or that we cannot put it."""
    return NothingLearntError(Result.REFUSED, code)


def not_found(code: str) -> NothingLearntError:
    """Return that the provider knows no such trade, which is no proof that it is unpaid."""
    return NothingLearntError(Result.NOT_FOUND, code)


A_contra = TypeVar("A_contra", bound=Account, contravariant=True)


class Connector(Protocol[A_contra]):
    """Asks one provider, over the network."""

    async def ask(self, account: A_contra, question: Question) -> Finding:
        """Return what the provider says about the trade or refund.

        Raises:
            NothingLearntError: it said nothing that can be believed.
        """
        ...
