"""Times go out and come in by a declared form; one without a zone cannot be written at all."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from clients.connectors.channels import CHANNELS
from clients.connectors.pulling.calling import Caller
from clients.connectors.pulling.platform import Terms
from clients.connectors.pulling.times import (
    BEIJING,
    EPOCH_MILLISECONDS,
    EPOCH_SECONDS,
    ISO_UTC,
    Local,
    NaiveTimeError,
    TimeForm,
    UnreadTimeError,
)
from clients.connectors.pulling.tokens import Tokens
from clients.connectors.pulling.windows import Window
from clients.connectors.web import Web, new_client

ZONES = ("Asia/Shanghai", "UTC", "America/New_York", "Europe/London")
NAIVE = datetime(2025, 12, 29)  # noqa: DTZ001  # It is what must not get in.
EDGES = {
    "day": (2025, 12, 29, 0, 0),
    "month": (2026, 2, 1, 0, 0),
    "year": (2026, 1, 1, 0, 0),
    "leap day": (2028, 2, 29, 0, 0),
    "after a leap day": (2028, 3, 1, 0, 0),
    "spring in America": (2026, 3, 8, 3, 0),
    "autumn in America": (2026, 11, 1, 1, 0),
    "spring in Europe": (2026, 3, 29, 2, 0),
    "autumn in Europe": (2026, 10, 25, 1, 0),
}


def every_terms() -> list[tuple[str, Terms]]:
    """Return what each platform declares."""
    web = Web(new_client(1, timeout_s=1.0), timeout_s=1.0, clock=lambda: datetime.now(tz=UTC))
    caller = Caller(web, clock=lambda: datetime.now(tz=UTC), monotonic=time.monotonic)
    return [
        (template, terms)
        for channel in CHANNELS.values()
        for template, terms in channel.make(caller, Tokens(time.monotonic)).terms.items()
    ]


@pytest.fixture(params=ZONES)
def host_zone(request: pytest.FixtureRequest) -> Iterator[str]:
    """Let the machine live in a zone."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param
    time.tzset()
    yield request.param
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.parametrize("form", [BEIJING, EPOCH_SECONDS, EPOCH_MILLISECONDS, ISO_UTC])
def test_a_time_without_a_zone_cannot_be_written(form: TimeForm) -> None:
    with pytest.raises(NaiveTimeError):
        form.write(NAIVE)


def test_a_window_without_a_zone_cannot_be_made() -> None:
    with pytest.raises(NaiveTimeError):
        Window(NAIVE, NAIVE + timedelta(days=1))


def test_text_of_a_zone_with_summer_time_cannot_be_declared() -> None:
    with pytest.raises(ValueError, match="changes its clocks"):
        Local("America/New_York")


def test_the_articles_midnight_is_sent_as_the_moment_that_it_is() -> None:
    midnight = datetime(2025, 12, 29, tzinfo=ZoneInfo("Asia/Shanghai"))

    assert ISO_UTC.write(midnight) == "2025-12-28T16:00:00Z"
    assert BEIJING.write(midnight) == "2025-12-29 00:00:00"
    assert EPOCH_SECONDS.write(midnight) == "1766937600"


@pytest.mark.parametrize("written", ["1766937600000", "2025-12-29 00:00:00"])
def test_another_form_than_declared_is_not_read(written: str) -> None:
    with pytest.raises(UnreadTimeError):
        EPOCH_SECONDS.read(written)


def test_a_time_that_never_was_is_none() -> None:
    assert BEIJING.read("0001-01-01 00:00:00") is None
    assert EPOCH_SECONDS.read(0) is None


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("shop_zone", ZONES)
def test_windows_over_every_edge_meet_and_are_what_they_say(
    host_zone: str, shop_zone: str, edge: str
) -> None:
    at = datetime(*EDGES[edge], tzinfo=ZoneInfo(shop_zone)).astimezone(UTC)  # type: ignore[misc, arg-type]  # Five numbers.
    for template, terms in every_terms():
        width = min(terms.rules.longest, timedelta(days=1))
        before, after = Window(at - width, at), Window(at, at + width)

        # What one window ends with the next begins with, in the platform's own words, which
        # mean the same moment wherever our machine stands.
        assert terms.sends.write(before.end) == terms.sends.write(after.start), template
        assert terms.sends.read(terms.sends.write(at)) == at, (template, host_zone)
        assert terms.reads.read(terms.reads.write(at)) == at, (template, host_zone)
