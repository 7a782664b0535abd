"""Days of shops: in which zone they are, when they begin, and on which of them something was."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

CHINA: Final = "Asia/Shanghai"
# Whose days are Beijing's, whatever is registered; others' are UTC's until somebody says otherwise.
ZONES: Final[Mapping[str, str]] = MappingProxyType(
    dict.fromkeys(
        (
            "alipay",
            "douyin",
            "jd",
            "mini",
            "pdd",
            "taobao",
            "tmall",
            "unionpay",
            "wechat_channels",
            "wechatpay",
            "youzan",
        ),
        CHINA,
    )
)


def zone_for(channel: str) -> str:
    """Return the zone of a channel's days where nobody has said another."""
    return ZONES.get(channel, "UTC")


def is_zone(name: str) -> bool:
    """Tell whether there is such a zone."""
    try:
        _zone(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def window_of(day: date, zone: str) -> tuple[datetime, datetime]:
    """Return when a day began and when the next one did, in UTC: 23, 24 or 25 hours."""
    return _midnight(day, zone), _midnight(day + timedelta(days=1), zone)


def day_of(at: datetime, zone: str) -> date:
    """Return on which day of the zone a moment is."""
    return at.astimezone(_zone(zone)).date()


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), _zone(zone)).astimezone(UTC)


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
