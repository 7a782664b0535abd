"""Group robots of WeCom, DingTalk and Feishu. Each answers HTTP 200 whatever came of it.

What is read is the code in the body: a sender that takes HTTP 200 for success loses what was over
the limit without a word.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from clients.notifier.outcome import SENT, UNKNOWN_ADDRESS, Outcome, Outgoing, Result
from clients.notifier.posting import Post, Reply

# WeCom refuses a message over these whole.
WECOM_MARKDOWN_BYTES: Final = 4_096
WECOM_TEXT_BYTES: Final = 2_048
OK: Final = "0"
# -1 and 45033: its own trouble, nothing was taken. 45009: more than 20 in a minute.
WECOM: Final[Mapping[str, Result]] = {
    "-1": Result.NOT_SENT,
    "45033": Result.NOT_SENT,
    "45009": Result.THROTTLED,
}
# 130101: over 20 in a minute, silent for ten; 410100 the same in its newer words.
DINGTALK: Final[Mapping[str, Result]] = {
    "-1": Result.NOT_SENT,
    "130101": Result.THROTTLED,
    "410100": Result.THROTTLED,
}
FEISHU: Final[Mapping[str, Result]] = {
    "9499": Result.THROTTLED,
    "11232": Result.THROTTLED,
    "11233": Result.NOT_SENT,
}
DINGTALK_SILENT_S: Final = 600
SHORT_TITLE: Final = 60


@dataclass(frozen=True, slots=True)
class Robot:
    """One robot: where it listens, and what proves that it is we who speak."""

    url: str
    token: str = field(repr=False)
    secret: str = field(default="", repr=False)


class WecomSender:
    """Speaks through WeCom's group robots."""

    def __init__(self, post: Post, robots: Mapping[str, Robot], *, is_markdown: bool) -> None:
        self._post = post
        self._robots = robots
        self._is_markdown = is_markdown

    async def send(self, message: Outgoing) -> Outcome:
        """Send one message through the robot of that name."""
        robot = self._robots.get(message.address)
        if robot is None:
            return UNKNOWN_ADDRESS
        most = WECOM_MARKDOWN_BYTES if self._is_markdown else WECOM_TEXT_BYTES
        if len(message.text.encode()) > most:
            return Outcome(Result.REFUSED, "TOO_LONG")
        kind = "markdown" if self._is_markdown else "text"
        body = {"msgtype": kind, kind: {"content": message.text}}
        url = f"{robot.url}?key={quote(robot.token, safe='')}"
        return _read(await self._post.send(url, _json(body)), "errcode", WECOM)


class DingTalkSender:
    """Speaks through DingTalk's group robots, which want each call signed."""

    def __init__(
        self, post: Post, robots: Mapping[str, Robot], milliseconds: Callable[[], int]
    ) -> None:
        self._post = post
        self._robots = robots
        self._milliseconds = milliseconds

    async def send(self, message: Outgoing) -> Outcome:
        """Send one message through the robot of that name."""
        robot = self._robots.get(message.address)
        if robot is None:
            return UNKNOWN_ADDRESS
        title = message.title[:SHORT_TITLE] or "Concord"
        body = {"msgtype": "markdown", "markdown": {"title": title, "text": message.text}}
        url = f"{robot.url}?access_token={quote(robot.token, safe='')}"
        if robot.secret:
            stamp = str(self._milliseconds())
            signed = _sign(robot.secret, f"{stamp}\n{robot.secret}")
            url += f"&timestamp={stamp}&sign={quote(signed, safe='')}"
        outcome = _read(await self._post.send(url, _json(body)), "errcode", DINGTALK)
        if outcome.result is Result.THROTTLED:
            return Outcome(outcome.result, outcome.code, DINGTALK_SILENT_S)
        return outcome


class FeishuSender:
    """Speaks through Feishu's (Lark's) group robots."""

    def __init__(
        self, post: Post, robots: Mapping[str, Robot], milliseconds: Callable[[], int]
    ) -> None:
        self._post = post
        self._robots = robots
        self._milliseconds = milliseconds

    async def send(self, message: Outgoing) -> Outcome:
        """Send one message through the robot of that name."""
        robot = self._robots.get(message.address)
        if robot is None:
            return UNKNOWN_ADDRESS
        body: dict[str, Any] = {"msg_type": "text", "content": {"text": message.text}}
        if robot.secret:
            stamp = str(self._milliseconds() // 1_000)
            # Feishu signs nothing with the stamp and the secret as the key.
            body |= {"timestamp": stamp, "sign": _sign(f"{stamp}\n{robot.secret}", "")}
        url = f"{robot.url}/{quote(robot.token, safe='')}"
        return _read(await self._post.send(url, _json(body)), "code", FEISHU)


def _read(reply: Reply | Outcome, name: str, known: Mapping[str, Result]) -> Outcome:
    """Return what the code in an answer says; without one nobody knows."""
    if isinstance(reply, Outcome):
        return reply
    failure = reply.failure()
    if failure is not None:
        return failure
    code = reply.values.get(name)
    if not isinstance(code, int) or isinstance(code, bool):
        return Outcome(Result.UNCERTAIN, "UNREADABLE")
    if str(code) == OK:
        return SENT
    # A code that we do not know says that it was declined, and not that it will be taken later.
    return Outcome(known.get(str(code), Result.REFUSED), str(code))


def _json(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _sign(key: str, text: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()
