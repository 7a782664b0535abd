"""When each platform sends a notice again: data, from what the platforms document."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

MINUTE: Final = 60
HOUR: Final = 3600


def pauses(*seconds: float) -> tuple[timedelta, ...]:
    """Return the pauses between attempts."""
    return tuple(timedelta(seconds=each) for each in seconds)


RETRIES: Final[Mapping[str, tuple[timedelta, ...]]] = {
    # 24 h 4 m in all, as the documentation has it.
    "wechatpay": pauses(
        *(15, 15, 30, 3 * MINUTE, 10 * MINUTE, 20 * MINUTE, 30 * MINUTE, 30 * MINUTE),
        *(30 * MINUTE, HOUR, 3 * HOUR, 3 * HOUR, 3 * HOUR, 6 * HOUR, 6 * HOUR),
    ),
    # 8 sends within 25 h; not three, as one often hears.
    "alipay": pauses(
        *(4 * MINUTE, 10 * MINUTE, 10 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, 15 * HOUR),
    ),
    # Not confirmed anywhere: about these, which is little. Whoever relies on it needs the query.
    "unionpay": pauses(MINUTE, 2 * MINUTE, 4 * MINUTE, 5 * MINUTE),
    # Exponential, up to three days: 70 h 36 m.
    "stripe": pauses(
        *(MINUTE, 5 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR),
        24 * HOUR,
    ),
    # Three quick ones, then a queue; it goes on for 30 days, here for three.
    "adyen": pauses(
        *(9, 18, 27, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE),
        *(HOUR, 2 * HOUR, 4 * HOUR, *([8 * HOUR] * 8)),
    ),
    # Not documented; taken to be like WeChat Pay's beginning.
    "douyin_pay": pauses(15, 30, 3 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR),
}
