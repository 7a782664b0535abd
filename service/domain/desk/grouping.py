"""Puts deliveries together, so that a robot's messages stay below its limits and none is lost.

Receivers count messages by the minute and bytes by the message. We count an attempt from when it
was claimed until a minute after its end was told: whatever moment lies between is the one at
which the receiver saw it, so no minute on the receiver's clock holds more than ours.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from service.domain.desk.notices import Delivery, Sending, SendResult, backoff
from service.domain.desk.taxonomy import Severity

MINUTE: Final = timedelta(seconds=60)
CUT: Final = "…"


@dataclass(frozen=True, slots=True)
class Channel:
    """What a kind of receiver bears; without a limit by the minute nothing is put together."""

    per_minute: int = 0
    bytes_most: int = 0

    @property
    def is_grouped(self) -> bool:
        """One message may carry several notices."""
        return self.per_minute > 0


# WeCom: 20 messages a minute for each robot; 4,096 bytes of UTF-8 in a markdown message, 2,048 in
# a text message. DingTalk: 20 a minute, or it is silent for ten. Feishu: 100 a minute, 20 KiB with
# all that is around the text.
CHANNELS: Final[Mapping[str, Channel]] = MappingProxyType(
    {
        "wecom": Channel(per_minute=20, bytes_most=4_096),
        "wecom_text": Channel(per_minute=20, bytes_most=2_048),
        "dingtalk": Channel(per_minute=20, bytes_most=18_000),
        "feishu": Channel(per_minute=100, bytes_most=18_000),
        "mail": Channel(),
        "sms": Channel(),
        "webhook": Channel(),
        "apprise": Channel(),
        "inbox": Channel(),
    }
)
GROUPED: Final = frozenset(name for name, each in CHANNELS.items() if each.is_grouped)

# So often a receiver may decline a message for reasons of its own.
SUSPECT_AFTER: Final = 3
# Receivers number what they say of a message by four digits or more; HTTP has three, we say words.
_RECEIVERS_CODE: Final = re.compile(r"\d{4,}")
MARKDOWN: Final = frozenset({"wecom", "dingtalk"})
_PLAIN: Final = str.maketrans({"<": "‹", ">": "›", "@": "＠"})
_RANK: Final[Mapping[Severity, int]] = MappingProxyType(
    {Severity.CRITICAL: 0, Severity.HIGH: 1, Severity.NORMAL: 2, Severity.LOW: 3}
)


@dataclass(frozen=True, slots=True)
class Line:
    """One address with a limit, and what went there within the last minute."""

    channel: str
    address: str
    paused_until: datetime | None = None
    failures: int = 0
    # When each attempt of the last minute ended; None while it is under way.
    recent: tuple[datetime | None, ...] = ()


def rank(severity: Severity) -> int:
    """Return where a severity stands: what does most harm goes first."""
    return _RANK[severity]


def groups(line: Line, waiting: Sequence[Delivery], *, at: datetime) -> list[tuple[Delivery, ...]]:
    """Return what may be sent to an address now, a group for each message.

    Half of the minute's messages go as soon as there is something to say. The other half are kept
    for messages that are full, or wait their turn, so that a flood is told in few messages and
    what comes after it is not held up for a minute.
    """
    if line.paused_until and line.paused_until > at:
        return []
    channel = CHANNELS[line.channel]
    used = sum(ended is None or ended > at - MINUTE for ended in line.recent)
    free, quick = channel.per_minute - used, channel.per_minute // 2 - used
    turn = MINUTE / (channel.per_minute - channel.per_minute // 2)
    chosen: list[tuple[Delivery, ...]] = []
    packed = list(_packed(sorted(waiting, key=_urgency), channel.bytes_most))
    for number, group in enumerate(packed):
        if number >= free:
            break
        is_full = number < len(packed) - 1
        has_waited = at - min(each.due_at for each in group) >= turn
        if number < quick or is_full or has_waited:
            chosen.append(group)
    return chosen


def following(line: Line, sending: Sending, retry_after: timedelta = timedelta()) -> Line:
    """Return the address after an attempt: left alone for a while where it failed."""
    at = sending.ended_at
    if at is None or sending.result is SendResult.SENT:
        return replace(line, failures=0, paused_until=None)
    if sending.result is SendResult.THROTTLED:
        return replace(line, paused_until=at + max(retry_after, MINUTE))
    if sending.result is SendResult.REFUSED:
        return line
    # Of a receiver that does not answer, one uncertain message at a time is enough.
    failures = line.failures + 1
    return replace(line, failures=failures, paused_until=at + backoff(failures))


def text_of(channel: str, deliveries: Sequence[Delivery]) -> str:
    """Return the text of one message, within the channel's bytes."""
    most = CHANNELS[channel].bytes_most
    if not most:
        return deliveries[0].body
    blocks = [_block(channel, each) for each in deliveries]
    return cut("\n\n".join([*_head(len(deliveries)), *blocks]), most)


def cut(text: str, bytes_most: int) -> str:
    """Return text of at most so many bytes of UTF-8, no character halved."""
    raw = text.encode()
    if len(raw) <= bytes_most:
        return text
    return raw[: bytes_most - len(CUT.encode())].decode(errors="ignore") + CUT


def _packed(ordered: Sequence[Delivery], bytes_most: int) -> Iterator[tuple[Delivery, ...]]:
    alone = [each for each in ordered if _is_suspect(each)]
    ordered = [each for each in ordered if not _is_suspect(each)]
    # The head's number grows with the group: counted as it is for the most that may come.
    room = bytes_most - len(_head(len(ordered))[0].encode()) if len(ordered) > 1 else bytes_most
    group: list[Delivery] = []
    size = 0
    for each in ordered:
        length = len(_block(each.channel, each).encode()) + 2
        if group and size + length > room:
            yield tuple(group)
            group, size = [], 0
        group.append(each)
        size += length
    if group:
        yield tuple(group)
    yield from ((each,) for each in alone)


def _is_suspect(delivery: Delivery) -> bool:
    """Tell whether it may be its own text that a receiver will not take: others go without it."""
    return delivery.attempts >= SUSPECT_AFTER and bool(_RECEIVERS_CODE.fullmatch(delivery.code))


def _head(count: int) -> list[str]:
    return [f"[{count}]"] if count > 1 else []


def _block(channel: str, delivery: Delivery) -> str:
    title, body = delivery.title, delivery.body
    if channel in MARKDOWN:
        # What somebody wrote is text: it mentions nobody, and leads nowhere.
        title, body = (each.translate(_PLAIN).replace("](", "] (") for each in (title, body))
        title = f"**{title}**" if title else ""
    return f"{title}\n{body}" if title else body


def _urgency(delivery: Delivery) -> tuple[int, datetime, str]:
    return rank(delivery.severity), delivery.queued_at, delivery.delivery_id
