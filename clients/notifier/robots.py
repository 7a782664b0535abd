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


@dataclass(frozen=True, slots=True)
class Codes:
    """What a robot's codes say. Any other says that it was not taken, so it may be sent again."""

    name: str
    # Over its limit by the minute.
    throttled: frozenset[str]
    # It will never be taken: only a person can mend that.
    refused: frozenset[str]


WECOM: Final = Codes(
    "errcode",
    frozenset({"45009"}),
    # Key unknown; robot taken away, or out of its group; kind, argument, nothing, too long.
    frozenset({"93000", "93004", "93008", "40008", "40058", "44004", "45002"}),
)
DINGTALK: Final = Codes(
    "errcode",
    # Over 20 in a minute, silent for ten; the second is the same in its newer words.
    frozenset({"130101", "410100"}),
    # Token unknown or wrong; signature, key word or address; robot stopped or gone; kind, form.
    frozenset({"300001", "400101", "310000", "400102", "400106", "400105", "40035"}),
)
FEISHU: Final = Codes(
    "code",
    frozenset({"9499", "11232"}),
    # Token wrong; signature; address; key word.
    frozenset({"19001", "19021", "19022", "19024"}),
)
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
        return _read(await self._post.send(url, _json(body)), WECOM)


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
        outcome = _read(await self._post.send(url, _json(body)), DINGTALK)
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
        return _read(await self._post.send(url, _json(body)), FEISHU)


def _read(reply: Reply | Outcome, codes: Codes) -> Outcome:
    """Return what the code in an answer says; without one nobody knows."""
    if isinstance(reply, Outcome):
        return reply
    failure = reply.failure()
    if failure is not None:
        return failure
    code = reply.values.get(codes.name)
    if not isinstance(code, int) or isinstance(code, bool):
        return Outcome(Result.UNCERTAIN, "UNREADABLE")
    told = str(code)
    if told == OK:
        return SENT
    if told in codes.refused:
        return Outcome(Result.REFUSED, told)
    return Outcome(Result.THROTTLED if told in codes.throttled else Result.NOT_SENT, told)


def _json(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _sign(key: str, text: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()
