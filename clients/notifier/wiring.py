"""Builds a loop for each channel that the file names; nothing runs yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx2

from clients.notifier import config
from clients.notifier.allowing import Lookup, look_up
from clients.notifier.channels import Channels
from clients.notifier.mail import MailSender
from clients.notifier.metrics import Metrics
from clients.notifier.outcome import Sender
from clients.notifier.posting import Post
from clients.notifier.robots import DingTalkSender, FeishuSender, WecomSender
from clients.notifier.services import AppriseSender
from clients.notifier.times import Clock, Monotonic
from clients.notifier.webhooks import WebhookSender
from clients.notifier.worker import Loop, Pace, Tools
from clients.sdk import AsyncConcord


@dataclass(frozen=True, slots=True)
class World:
    """What is real in a process, and at hand in a test."""

    clock: Clock = config.now
    milliseconds: Callable[[], int] = config.milliseconds
    monotonic: Monotonic = config.monotonic
    ids: Callable[[], str] = config.fresh_id
    lookup: Lookup = look_up


REAL = World()


def senders(
    channels: Channels, client: httpx2.AsyncClient, timeout_s: float, world: World = REAL
) -> Mapping[str, Sender]:
    """Return who sends, by channel."""
    post = Post(client, channels.allowed, timeout_s=timeout_s, lookup=world.lookup)
    made: dict[str, Sender] = {}
    for kind, robots in channels.robots.items():
        if kind == "dingtalk":
            made[kind] = DingTalkSender(post, robots, world.milliseconds)
        elif kind == "feishu":
            made[kind] = FeishuSender(post, robots, world.milliseconds)
        else:
            made[kind] = WecomSender(post, robots, is_markdown=kind == "wecom")
    if channels.hooks:
        made["webhook"] = WebhookSender(post, channels.hooks, world.milliseconds)
    if channels.sms:
        made["sms"] = WebhookSender(post, {}, world.milliseconds, only=channels.sms)
    if channels.mail:
        made["mail"] = MailSender(
            channels.mail, channels.allowed, world.clock, timeout_s=timeout_s, lookup=world.lookup
        )
    if channels.apprise:
        made["apprise"] = AppriseSender(
            channels.apprise, channels.allowed, channels.services, world.lookup
        )
    return made


def loops(
    settings: config.Settings,
    by_channel: Mapping[str, Sender],
    concord: AsyncConcord,
    metrics: Metrics,
    world: World = REAL,
) -> list[Loop]:
    """Return a loop for each channel."""
    # Looking up the host and sending have this long each.
    pace = Pace(settings.concurrency, settings.lease_s, settings.poll_s, 2 * settings.timeout_s)
    tools = Tools(concord, metrics, world.monotonic, world.ids)
    return [Loop(channel, sender, pace, tools) for channel, sender in by_channel.items()]
