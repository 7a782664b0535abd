"""Each sender tells apart what arrived, what surely did not, and what nobody knows."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email import message_from_bytes, policy
from ipaddress import ip_network
from urllib.parse import parse_qs, urlsplit

import pytest

from clients.notifier.allowing import KNOWN_HOSTS, Allowed
from clients.notifier.mail import PLAIN, MailSender, Relay
from clients.notifier.outcome import SENT, Outcome, Outgoing, Result, Sender
from clients.notifier.posting import Post, new_client
from clients.notifier.robots import DingTalkSender, FeishuSender, Robot, WecomSender
from clients.notifier.services import AppriseSender
from clients.notifier.webhooks import Hook, WebhookSender

from .receiving import Mailbox, Receiver, a_message, fixed

HERE = Allowed(KNOWN_HOSTS | {"127.0.0.1"}, (ip_network("127.0.0.0/8"),))
STAMP = 1_763_800_000_123
Make = Callable[[Post, str], Sender]


def send(make: Make, url: str, message: Outgoing | None = None) -> Outcome:
    async def run() -> Outcome:
        async with new_client(timeout_s=2.0, connections=2) as client:
            sender = make(Post(client, HERE, timeout_s=2.0), url)
            return await sender.send(message or a_message())

    return asyncio.run(run())


def wecom(post: Post, url: str) -> Sender:
    return WecomSender(post, {"ops": Robot(url, "k&y")}, is_markdown=True)


def dingtalk(post: Post, url: str) -> Sender:
    return DingTalkSender(post, {"ops": Robot(url, "token", "SEC")}, fixed(STAMP))


def feishu(post: Post, url: str) -> Sender:
    return FeishuSender(post, {"ops": Robot(url, "token", "SEC")}, fixed(STAMP))


def webhook(post: Post, url: str) -> Sender:
    return WebhookSender(post, {"ops": Hook(url, "SEC")}, fixed(STAMP))


@pytest.mark.parametrize(
    ("make", "answer", "result"),
    [
        (wecom, {"errcode": 0, "errmsg": "ok"}, Result.SENT),
        (wecom, {"errcode": 45_009, "errmsg": "api freq out of limit"}, Result.THROTTLED),
        (wecom, {"errcode": -1, "errmsg": "system busy"}, Result.NOT_SENT),
        (wecom, {"errcode": 93_000, "errmsg": "invalid webhook url"}, Result.REFUSED),
        (wecom, {"errcode": 40_058}, Result.REFUSED),
        (wecom, {"errcode": 50_123}, Result.NOT_SENT),
        (wecom, {"errcode": "0"}, Result.UNCERTAIN),
        (wecom, {"errcode": False}, Result.UNCERTAIN),
        (wecom, {}, Result.UNCERTAIN),
        (wecom, ["errcode"], Result.UNCERTAIN),
        (wecom, b"<html>fine</html>", Result.UNCERTAIN),
        (dingtalk, {"errcode": 0}, Result.SENT),
        (dingtalk, {"errcode": 130_101}, Result.THROTTLED),
        (dingtalk, {"errcode": 310_000}, Result.REFUSED),
        (dingtalk, {"errcode": 999_999}, Result.NOT_SENT),
        (feishu, {"code": 0}, Result.SENT),
        (feishu, {"code": 9_499}, Result.THROTTLED),
        (feishu, {"code": 19_001}, Result.REFUSED),
        (feishu, {"code": 99_999}, Result.NOT_SENT),
    ],
)
def test_http_200_means_nothing_and_the_code_in_the_body_all(
    make: Make, answer: object, result: Result
) -> None:
    with Receiver(200, answer) as receiver:
        assert send(make, receiver.url).result is result
        assert len(receiver.heard) == 1


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (200, Result.SENT), (202, Result.SENT), (204, Result.SENT),
        (302, Result.REFUSED), (400, Result.REFUSED), (401, Result.REFUSED), (404, Result.REFUSED),
        (408, Result.NOT_SENT), (429, Result.NOT_SENT), (503, Result.NOT_SENT),
        (500, Result.UNCERTAIN), (502, Result.UNCERTAIN), (504, Result.UNCERTAIN),
    ],
)  # fmt: skip
def test_a_webhooks_status_says_what_may_have_happened(status: int, result: Result) -> None:
    with Receiver(status, location="http://169.254.169.254/") as receiver:
        assert send(webhook, receiver.url).result is result
        assert len(receiver.heard) == 1


def test_who_says_when_to_come_again_is_left_alone_until_then() -> None:
    with Receiver(429, retry_after="120") as receiver:
        assert send(webhook, receiver.url) == Outcome(Result.THROTTLED, "429", 120)


def test_nobody_listening_is_surely_not_sent() -> None:
    with Receiver() as receiver:
        url = receiver.url

    assert send(wecom, url) == Outcome(Result.NOT_SENT, "CONNECT")


def test_what_is_posted_is_what_each_robot_documents() -> None:
    with Receiver(200, {"errcode": 0, "code": 0}) as receiver:
        for make in (wecom, dingtalk, feishu):
            assert send(make, receiver.url) == SENT
        first, second, third = receiver.heard

    text = "**订单延迟**\n预计 7 天。"
    assert first.path == "/?key=k%26y"
    assert first.json == {"msgtype": "markdown", "markdown": {"content": text}}
    assert second.json == {"msgtype": "markdown", "markdown": {"title": "订单延迟", "text": text}}
    asked = parse_qs(urlsplit(second.path).query)
    signed = hmac.new(b"SEC", f"{STAMP}\nSEC".encode(), hashlib.sha256).digest()
    assert asked["sign"] == [base64.b64encode(signed).decode()]
    assert (asked["timestamp"], asked["access_token"]) == ([str(STAMP)], ["token"])
    key = f"{STAMP // 1000}\nSEC".encode()
    assert third.path == "/token"
    assert third.json == {
        "msg_type": "text",
        "content": {"text": text},
        "timestamp": str(STAMP // 1000),
        "sign": base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode(),
    }


def test_a_text_over_the_robots_bytes_is_refused_before_it_leaves() -> None:
    with Receiver(200, {"errcode": 0}) as receiver:
        told = send(wecom, receiver.url, a_message(text="好" * 1_366))

    assert told == Outcome(Result.REFUSED, "TOO_LONG")
    assert receiver.heard == []


def test_a_webhook_can_be_verified_and_known_again() -> None:
    with Receiver() as receiver:
        send(webhook, receiver.url)
        (heard,) = receiver.heard

    stamp, _, signature = heard.headers["concord-signature"].partition(",v1=")
    wanted = hmac.new(b"SEC", stamp[2:].encode() + b"." + heard.body, hashlib.sha256)
    assert signature == wanted.hexdigest()
    assert heard.headers["idempotency-key"] == "ntc-1.0" == heard.json["id"]
    assert (heard.json["template"], heard.json["values"]) == (
        "delay_expected",
        {"delay_days": "7"},
    )


@pytest.mark.parametrize("make", [wecom, dingtalk, feishu, webhook])
def test_an_address_that_nobody_knows_is_refused(make: Make) -> None:
    told = send(make, "http://127.0.0.1:1", a_message(address="nobody"))

    assert told == Outcome(Result.REFUSED, "UNKNOWN_ADDRESS")


def mail(box: Mailbox, address: str = "li@example.com", **given: object) -> Outcome:
    relay = Relay("127.0.0.1", box.port, PLAIN, "desk@example.com")
    noon = datetime(2026, 11, 23, 4, tzinfo=UTC)
    sender = MailSender(relay, HERE, lambda: noon, timeout_s=2.0)
    return asyncio.run(sender.send(a_message("mail", address, **given)))


def test_a_mail_has_its_text_in_chinese_and_an_id_of_its_own() -> None:
    with Mailbox() as box:
        assert mail(box, text="您好,预计延迟 7 天。") == SENT
        letter = message_from_bytes(box.letters[0], policy=policy.default)

    assert (letter["Subject"], letter["To"]) == ("订单延迟", "li@example.com")
    assert letter["Message-ID"] == "<ntc-1.0@example.com>"
    body = letter.get_body()
    assert body is not None
    assert "预计延迟 7 天" in body.get_content()


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({"MAIL": b"451 later"}, Outcome(Result.NOT_SENT, "451")),
        ({"RCPT": b"550 no such user"}, Outcome(Result.REFUSED, "550")),
        ({"RCPT": None}, Outcome(Result.NOT_SENT, "BROKEN")),
        ({"DATA": b"452 full"}, Outcome(Result.NOT_SENT, "452")),
        ({"END": b"554 spam"}, Outcome(Result.REFUSED, "554")),
        ({"END": b"451 later"}, Outcome(Result.NOT_SENT, "451")),
        ({"END": None}, Outcome(Result.UNCERTAIN, "BROKEN")),
        ({"EHLO": None, "HELO": None}, Outcome(Result.NOT_SENT, "CONNECT")),
    ],
)
def test_a_mail_is_uncertain_only_when_its_text_was_taken_without_a_word(
    answers: dict[str, bytes | None], outcome: Outcome
) -> None:
    with Mailbox(answers) as box:
        assert mail(box) == outcome


@pytest.mark.parametrize("address", ["nobody", "a@b\r\nBcc: c@d", "a@b, c@d", ""])
def test_a_mail_goes_to_one_address_and_to_nobody_beside_it(address: str) -> None:
    with Mailbox() as box:
        assert mail(box, address) == Outcome(Result.REFUSED, "NO_ADDRESS")
        assert box.letters == []


def apprise(url: str, allowed: Allowed, services: frozenset[str] = frozenset()) -> Outcome:
    sender = AppriseSender({"team": url}, allowed, services)
    told: Awaitable[Outcome] = sender.send(a_message("apprise", "team"))
    return asyncio.run(told)  # type: ignore[arg-type]  # a coroutine


# One of its plug-ins looks for PGP, and that for a module that Python 3.13 drops.
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_apprise_reaches_what_is_listed_and_says_only_whether_it_believes_so() -> None:
    with Receiver(200, {}) as receiver, Receiver(500, {}) as broken:
        assert apprise(receiver.url.replace("http", "json"), HERE) == SENT
        assert apprise(broken.url.replace("http", "json"), HERE).result is Result.UNCERTAIN
        assert [each.json["title"] for each in receiver.heard] == ["订单延迟"]


# One of its plug-ins looks for PGP, and that for a module that Python 3.13 drops.
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_apprise_follows_nobody_and_goes_nowhere_else() -> None:
    with Receiver(200, {}) as inside, Receiver(302, {}, location=inside.url) as outside:
        assert apprise(outside.url.replace("http", "json"), HERE).result is Result.UNCERTAIN
        assert apprise(inside.url.replace("http", "json"), Allowed()).code == "HOST_NOT_ALLOWED"
        assert inside.heard == []
    slack = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general"
    assert apprise(slack, HERE).code == "SERVICE_NOT_ALLOWED"
