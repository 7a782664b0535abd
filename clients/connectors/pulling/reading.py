"""Reads what an answer says beside its orders: when they changed."""

from __future__ import annotations

from datetime import datetime

from clients.connectors.inquiry import Code, unreachable
from clients.connectors.pulling.times import TimeForm, UnreadTimeError


def changed_at(form: TimeForm, *written: object) -> datetime | None:
    """Return the latest of the times, in UTC; None where none is told.

    Raises:
        NothingLearntError: one is not of the form that is declared: an answer in another zone or
            unit would be misunderstood from here on.
    """
    try:
        told = [form.read(each) for each in written]
    except UnreadTimeError as error:
        raise unreachable(Code.MALFORMED) from error
    return max((each for each in told if each is not None), default=None)
