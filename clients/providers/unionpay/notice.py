"""Callbacks of UnionPay 5.1.0: a signed form that brings its certificate.

There is no time of sending in it, so no replay window: a call that is played again says the same
again, until the certificate in it runs out.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from clients.providers.accounts.account import UnionPayAccount
from clients.providers.calls import STATUSES, Answer, Call, Opened, Refusal
from clients.providers.parsing import charset_of, fields_of_form, name
from clients.providers.unionpay.signing import verified

# The status decides; its own libraries write this body.
TAKEN: Final = Answer(200, b"ok")
NOT_TAKEN: Final = Answer(503, b"fail")

PAYMENT: Final = "01"
REFUND: Final = "04"


class UnionPay:
    """Opens and answers the callbacks of UnionPay."""

    def open(self, account: UnionPayAccount, call: Call, now: datetime) -> Opened:
        """Return what the call says, once it is proved.

        Raises:
            RefusedError: it is not.
        """
        fields = verified(account, fields_of_form(call.body), now)
        charset = charset_of(fields.get("encoding", "utf-8"))
        kind = fields.get("txnType")
        return Opened(
            template="unionpay.notice" if kind in {PAYMENT, REFUND} else "unionpay.unknown",
            message_id=name(fields.get("queryId")),
            body=call.body,
            content_type=f"application/x-www-form-urlencoded; charset={charset}",
            # Of a refund, `orderId` is the refund's own number.
            order_hint=name(fields.get("orderId")) if kind == PAYMENT else "",
        )

    def taken(self, call: Call) -> Answer:
        """Return what makes the platform stop."""
        return TAKEN

    def refused(self, call: Call, refusal: Refusal) -> Answer:
        """Return what a call gets that is not believed."""
        return Answer(STATUSES[refusal], NOT_TAKEN.body, NOT_TAKEN.content_type)

    def again(self, call: Call) -> Answer:
        """Return what makes the platform come again."""
        return NOT_TAKEN
