"""Reads the file that says how people are reached: robots, servers, hooks, and what is allowed.

    hosts: [smtp.example.com, sms.example.com]
    private: [10.20.0.0/16]
    wecom:
      finance: {key: {env: WECOM_FINANCE_KEY}}
    mail: {host: smtp.example.com, port: 587, security: starttls, sender: desk@example.com,
           user: desk, password: {file: mail.secret}}
    sms: {url: "https://sms.example.com/send", secret: {env: SMS_SECRET}}

Secrets stand in files or variables, never here; no problem that is told repeats a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import yaml

from clients.notifier.allowing import KNOWN_HOSTS, Allowed, Network
from clients.notifier.mail import PLAIN, STARTTLS, TLS, Relay
from clients.notifier.robots import Robot
from clients.notifier.webhooks import Hook
from clients.providers.accounts.values import (
    Read,
    Sources,
    ValueProblemsError,
    address,
    secret_text,
    text,
)

T = TypeVar("T")

KEYS: Final = (
    "hosts", "private", "services",
    "wecom", "wecom_text", "dingtalk", "feishu", "webhook", "apprise", "mail", "sms",
)  # fmt: skip
NAME: Final = re.compile(r"[a-z0-9_-]{1,40}")
HOST: Final = text(r"[A-Za-z0-9.-]{1,253}", "a host's name such as hooks.example.com")
TOKEN: Final = secret_text(r"[\x21-\x7e]{1,500}", "a key of letters and digits")
WORD: Final = text(r"\S[^\r\n]{0,200}", "one line")
ROBOTS: Final[Mapping[str, str]] = {
    "wecom": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send",
    "wecom_text": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send",
    "dingtalk": "https://oapi.dingtalk.com/robot/send",
    "feishu": "https://open.feishu.cn/open-apis/bot/v2/hook",
}
PORTS: Final[Mapping[str, int]] = {TLS: 465, STARTTLS: 587, PLAIN: 25}
PORT_MAX: Final = 65_535


class ChannelsError(Exception):
    """The file cannot be used; the text names all that is wrong."""


@dataclass(frozen=True, slots=True)
class Channels:
    """Everything that the file says."""

    allowed: Allowed = field(default_factory=Allowed)
    robots: Mapping[str, Mapping[str, Robot]] = field(default_factory=dict)
    hooks: Mapping[str, Hook] = field(default_factory=dict)
    sms: Hook | None = None
    mail: Relay | None = None
    apprise: Mapping[str, str] = field(default_factory=dict, repr=False)
    services: frozenset[str] = frozenset()


def load(path: Path, environ: Mapping[str, str]) -> Channels:
    """Read the file, and the secrets that it names.

    Raises:
        ChannelsError: with every problem of the file and of the secrets.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ChannelsError(f"{path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark is not None else ""
        raise ChannelsError(f"{path} is no YAML{place}") from error
    reading = _Reading(Sources(path.parent, environ))
    found = reading.channels(content)
    if reading.problems:
        raise ChannelsError("\n".join(reading.problems))
    return found


class _Reading:
    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self.problems: list[str] = []

    def channels(self, content: object) -> Channels:
        whole = self._mapping("the file", content, KEYS)
        hosts = {str(each).lower() for each in self._each(whole, "hosts", HOST)}
        found = Channels(
            allowed=Allowed(KNOWN_HOSTS | hosts, tuple(self._networks(whole))),
            robots={
                kind: self._named(whole, kind, self._robot(kind))
                for kind in ROBOTS
                if kind in whole
            },
            hooks=self._named(whole, "webhook", self._hook),
            sms=self._hook("sms", whole["sms"]) if "sms" in whole else None,
            mail=self._relay("mail", whole["mail"]) if "mail" in whole else None,
            apprise=self._named(whole, "apprise", self._service),
            services=frozenset(map(str, self._each(whole, "services", WORD))),
        )
        self._check_hosts(found)
        return found

    def _robot(self, kind: str) -> Callable[[str, object], Robot | None]:
        key = "key" if kind.startswith("wecom") else "token"

        def read(where: str, value: object) -> Robot | None:
            needs = {key: TOKEN}
            may = {"url": address} | ({} if kind.startswith("wecom") else {"secret": TOKEN})
            got = self._fields(where, value, needs, may)
            if got is None:
                return None
            return Robot(got.get("url", ROBOTS[kind]), got[key], got.get("secret", ""))

        return read

    def _hook(self, where: str, value: object) -> Hook | None:
        got = self._fields(where, value, {"url": address, "secret": TOKEN}, {})
        return Hook(got["url"], got["secret"]) if got else None

    def _service(self, where: str, value: object) -> str | None:
        got = self._fields(where, value, {"url": TOKEN}, {})
        return got["url"] if got else None

    def _relay(self, where: str, value: object) -> Relay | None:
        got = self._fields(
            where,
            value,
            {"host": HOST, "sender": text(r"[^\r\n]*[^\s@]+@[^\s@]+", "a mail address")},
            {
                "port": _port,
                "security": text(f"{TLS}|{STARTTLS}|{PLAIN}", f"{TLS}, {STARTTLS} or {PLAIN}"),
                "user": WORD,
                "password": secret_text(r"[\x20-\x7e]{1,500}", "a password"),
            },
        )
        if got is None:
            return None
        security = got.get("security", STARTTLS)
        return Relay(
            got["host"],
            got.get("port", PORTS[security]),
            security,
            got["sender"],
            got.get("user", ""),
            got.get("password", ""),
        )

    def _check_hosts(self, found: Channels) -> None:
        urls = [
            *(robot.url for robots in found.robots.values() for robot in robots.values()),
            *(hook.url for hook in found.hooks.values()),
            *([found.sms.url] if found.sms else []),
        ]
        hosts = [str(urlsplit(each).hostname) for each in urls]
        hosts += [found.mail.host] if found.mail else []
        self.problems += [
            f"{host} is not allowed; add it to hosts"
            for host in dict.fromkeys(hosts)
            if not found.allowed.has(host)
        ]

    def _networks(self, whole: Mapping[str, object]) -> list[Network]:
        found: list[Network] = []
        for each in self._each(whole, "private", WORD):
            try:
                found.append(ip_network(str(each)))
            except ValueError:
                self.problems.append("private must list networks such as 10.20.0.0/16")
        return found

    def _each(self, whole: Mapping[str, object], key: str, one: Read) -> list[object]:
        value = whole.get(key, [])
        if not isinstance(value, list):
            self.problems.append(f"{key} must be a list")
            return []
        found = []
        for at, each in enumerate(value):
            try:
                found.append(one(each, self._sources))
            except ValueProblemsError as error:
                self.problems += [f"{key}[{at}]{deeper} {what}" for deeper, what in error.problems]
        return found

    def _named(
        self, whole: Mapping[str, object], key: str, one: Callable[[str, object], T | None]
    ) -> dict[str, T]:
        value = whole.get(key, {})
        if not isinstance(value, dict):
            self.problems.append(f"{key} must name addresses, as name: {{…}}")
            return {}
        found = {}
        for name, each in value.items():
            if not isinstance(name, str) or not NAME.fullmatch(name):
                self.problems.append(f"{key} has a name that is not of a-z, 0-9, - and _")
            elif (made := one(f"{key}.{name}", each)) is not None:
                found[name] = made
        return found

    def _fields(
        self, where: str, value: object, needs: Mapping[str, Read], may: Mapping[str, Read]
    ) -> dict[str, Any] | None:
        given = self._mapping(where, value, (*needs, *may))
        before = len(self.problems)
        self.problems += [f"{where} has no {name}" for name in needs if name not in given]
        found = {}
        for name, read in {**needs, **may}.items():
            if name in given:
                try:
                    found[name] = read(given[name], self._sources)
                except ValueProblemsError as error:
                    self.problems += [
                        f"{where}.{name}{deeper} {what}" for deeper, what in error.problems
                    ]
        return found if len(self.problems) == before else None

    def _mapping(self, where: str, value: object, known: tuple[str, ...]) -> dict[str, object]:
        if not isinstance(value, dict):
            self.problems.append(f"{where} must be a mapping of {', '.join(known)}")
            return {}
        self.problems += [
            f"{where} has {str(key)[:40]!r}, which is none of {', '.join(known)}"
            for key in value
            if key not in known
        ]
        return value


def _port(value: object, _: Sources) -> int:
    if not isinstance(value, int) or not 0 < value <= PORT_MAX:
        raise ValueProblemsError(("", f"must be a port from 1 to {PORT_MAX}"))
    return value
